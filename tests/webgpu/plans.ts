// Plans on the GPU.
import type { Programs } from './suite.ts';

export const PLANS: Programs = {};
