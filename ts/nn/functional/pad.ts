export { pad, type PadMode, type PadOptions } from '../../tensor/index.ts';
