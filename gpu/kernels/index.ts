// Every kernel of the device, by the name of its row.
import type { GpuKernel } from '../kernel.ts';
import { ATTENTION } from './attention.ts';
import { CELLS } from './cells.ts';
import { INDICES } from './indices.ts';
import { MATMUL } from './matmul.ts';
import { MOVES } from './moves.ts';
import { NORM } from './norm.ts';
import { RANDOM } from './random.ts';
import { REDUCE } from './reduce.ts';
import { SOFTMAX } from './softmax.ts';
import { SORT } from './sort.ts';
import { UPDATE } from './update.ts';
import { WINDOWS } from './windows.ts';

export const KERNELS: Readonly<Record<string, GpuKernel>> = {
  ...ATTENTION,
  ...CELLS,
  ...INDICES,
  ...MATMUL,
  ...MOVES,
  ...NORM,
  ...RANDOM,
  ...REDUCE,
  ...SOFTMAX,
  ...SORT,
  ...UPDATE,
  ...WINDOWS,
};
