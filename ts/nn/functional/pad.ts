export { pad } from '../../tensor/index.ts';
