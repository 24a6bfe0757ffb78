// Kernels over windows of images: convolutions, their derivatives, and pools.
import type { GpuKernel } from '../kernel.ts';
import { convolution, convolutionInput } from './conv.ts';
import { convolutionWeight } from './conv-weight.ts';
import { asTheyLie } from './geometry.ts';
import { POOLS } from './pool.ts';

export const WINDOWS: Readonly<Record<string, GpuKernel>> = {
  convolution: { ...asTheyLie(convolution, [0, 1]), halves: true },
  convolutionInput: { ...asTheyLie(convolutionInput, [0, 1]), halves: true },
  convolutionWeight: { ...asTheyLie(convolutionWeight, [0, 1]), halves: true },
  ...POOLS,
};
