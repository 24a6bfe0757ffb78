// Every kernel of the device, by the name of its row.
import type { GpuKernel } from '../kernel.ts';
import { MATMUL } from './matmul.ts';

export const KERNELS: Readonly<Record<string, GpuKernel>> = { ...MATMUL };
