import type { Tensor } from '../tensor/index.ts';
import * as F from './functional/pool.ts';
import { Module } from './module.ts';
import type { Size } from './size.ts';

const isSize = (x: unknown): x is Size => typeof x === 'number' || Array.isArray(x);

/** A maximum pool's options; `returnIndices` gives [values, indices]. */
export type MaxPoolLayerOptions = F.MaxPoolOptions & { readonly returnIndices?: boolean };

/** A pool over windows; the second argument is the stride, or all options. */
class Pool<O extends { readonly stride?: Size | null; readonly padding?: Size }> extends Module {
  readonly kernelSize: Size;
  readonly options: O;

  constructor(kernelSize: Size, options: Size | O = {} as O) {
    super();
    this.kernelSize = kernelSize;
    this.options = isSize(options) ? ({ stride: options } as O) : options;
  }
  override extraRepr(): string {
    return `kernel_size=${this.kernelSize}, stride=${this.options.stride ?? this.kernelSize}, padding=${this.options.padding ?? 0}`;
  }
}
class AdaptivePool extends Module {
  readonly outputSize: F.AdaptiveSize;

  constructor(outputSize: F.AdaptiveSize) {
    super();
    this.outputSize = outputSize;
  }
  override extraRepr(): string {
    return `output_size=${Array.isArray(this.outputSize) ? `(${this.outputSize.join(', ')})` : this.outputSize}`;
  }
}

/** Largest elements of windows over (N, C, L). @example new nn.MaxPool1d(2) */
export class MaxPool1d extends Pool<MaxPoolLayerOptions> {
  override forward(x: Tensor): Tensor;
  override forward(x: Tensor): Tensor | [values: Tensor, indices: Tensor] {
    const all = F.maxPool1dWithIndices(x, this.kernelSize, this.options);
    return this.options.returnIndices ? all : all[0];
  }
}

/** Largest elements of windows over (N, C, H, W). @example new nn.MaxPool2d(2) */
export class MaxPool2d extends Pool<MaxPoolLayerOptions> {
  override forward(x: Tensor): Tensor;
  override forward(x: Tensor): Tensor | [values: Tensor, indices: Tensor] {
    const all = F.maxPool2dWithIndices(x, this.kernelSize, this.options);
    return this.options.returnIndices ? all : all[0];
  }
}

/** Largest elements of windows over (N, C, D, H, W). @example new nn.MaxPool3d(2) */
export class MaxPool3d extends Pool<MaxPoolLayerOptions> {
  override forward(x: Tensor): Tensor;
  override forward(x: Tensor): Tensor | [values: Tensor, indices: Tensor] {
    const all = F.maxPool3dWithIndices(x, this.kernelSize, this.options);
    return this.options.returnIndices ? all : all[0];
  }
}

/** Means of windows over (N, C, L). @example new nn.AvgPool1d(2) */
export class AvgPool1d extends Pool<F.AvgPoolOptions> {
  override forward(x: Tensor): Tensor {
    return F.avgPool1d(x, this.kernelSize, this.options);
  }
}

/** Means of windows over (N, C, H, W). @example new nn.AvgPool2d(2) */
export class AvgPool2d extends Pool<F.AvgPoolOptions> {
  override forward(x: Tensor): Tensor {
    return F.avgPool2d(x, this.kernelSize, this.options);
  }
}

/** Means of windows over (N, C, D, H, W). @example new nn.AvgPool3d(2) */
export class AvgPool3d extends Pool<F.AvgPoolOptions> {
  override forward(x: Tensor): Tensor {
    return F.avgPool3d(x, this.kernelSize, this.options);
  }
}

/** Largest elements of as many windows as outputSize says over the last dimension; null keeps a size. */
export class AdaptiveMaxPool1d extends AdaptivePool {
  override forward(x: Tensor): Tensor {
    return F.adaptiveMaxPool1d(x, this.outputSize);
  }
}

/** Largest elements of as many windows as outputSize says over the last 2 dimensions; null keeps a size. */
export class AdaptiveMaxPool2d extends AdaptivePool {
  override forward(x: Tensor): Tensor {
    return F.adaptiveMaxPool2d(x, this.outputSize);
  }
}

/** Largest elements of as many windows as outputSize says over the last 3 dimensions; null keeps a size. */
export class AdaptiveMaxPool3d extends AdaptivePool {
  override forward(x: Tensor): Tensor {
    return F.adaptiveMaxPool3d(x, this.outputSize);
  }
}

/** Means of as many windows as outputSize says over the last dimension; null keeps a size. */
export class AdaptiveAvgPool1d extends AdaptivePool {
  override forward(x: Tensor): Tensor {
    return F.adaptiveAvgPool1d(x, this.outputSize);
  }
}

/** Means of as many windows as outputSize says over the last 2 dimensions; null keeps a size. */
export class AdaptiveAvgPool2d extends AdaptivePool {
  override forward(x: Tensor): Tensor {
    return F.adaptiveAvgPool2d(x, this.outputSize);
  }
}

/** Means of as many windows as outputSize says over the last 3 dimensions; null keeps a size. */
export class AdaptiveAvgPool3d extends AdaptivePool {
  override forward(x: Tensor): Tensor {
    return F.adaptiveAvgPool3d(x, this.outputSize);
  }
}
