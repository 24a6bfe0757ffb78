export { type PadMode, type PadOptions, pad } from '../../tensor/index.ts';
