// Every kernel of the device, by the name of its row.
import type { GpuKernel } from '../kernel.ts';
import { MATMUL } from './matmul.ts';
import { REDUCE } from './reduce.ts';
import { MOVES } from './moves.ts';
import { SOFTMAX } from './softmax.ts';

export const KERNELS: Readonly<Record<string, GpuKernel>> = { ...MATMUL, ...REDUCE, ...MOVES, ...SOFTMAX };
