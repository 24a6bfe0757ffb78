import type { DType } from '../base/dtype.ts';
import { empty, type Tensor } from '../tensor/index.ts';
import { bilinear, linear } from './functional/linear.ts';
import { resetLinear, uniform_ } from './init.ts';
import { Module } from './module.ts';
import { parameter } from './parameter.ts';

/** Options of Linear. */
export interface LinearOptions {
  readonly bias?: boolean;
  readonly dtype?: DType;
}
/** y = x W^T + b over the last dimension: (..., in) to (..., out). Keys weight (out, in), bias (out). */
export class Linear extends Module {
  weight: Tensor;
  bias: Tensor | null;
  readonly inFeatures: number;
  readonly outFeatures: number;

  constructor(inFeatures: number, outFeatures: number, { bias = true, dtype = 'float32' }: LinearOptions = {}) {
    super();
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = parameter(empty([outFeatures, inFeatures], { dtype }));
    this.bias = bias ? parameter(empty([outFeatures], { dtype })) : null;
    resetLinear(this.weight, this.bias);
  }
  override forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
  override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${this.bias === null ? 'False' : 'True'}`;
  }
}

/** y_k = x1^T W_k x2 + b_k. Keys weight (out, in1, in2), bias (out). */
export class Bilinear extends Module {
  weight: Tensor;
  bias: Tensor | null;

  constructor(in1Features: number, in2Features: number, outFeatures: number, { bias = true, dtype = 'float32' }: LinearOptions = {}) {
    super();
    const bound = 1 / Math.sqrt(in1Features);
    this.weight = parameter(empty([outFeatures, in1Features, in2Features], { dtype }));
    this.bias = bias ? parameter(empty([outFeatures], { dtype })) : null;
    uniform_(this.weight, -bound, bound);
    if (this.bias !== null) uniform_(this.bias, -bound, bound);
  }
  override forward(x1: Tensor, x2: Tensor): Tensor {
    return bilinear(x1, x2, this.weight, this.bias);
  }
}

/** Returns its input; takes and ignores any arguments, so that it can stand in for any layer. */
export class Identity extends Module {
  constructor(..._ignored: unknown[]) {
    super();
  }
  override forward<T>(x: T): T {
    return x;
  }
}

/** Joins dimensions startDim to endDim into one; by default all but the batch. */
export class Flatten extends Module {
  readonly startDim: number;
  readonly endDim: number;

  constructor(startDim: number = 1, endDim: number = -1) {
    super();
    this.startDim = startDim;
    this.endDim = endDim;
  }
  override forward(x: Tensor): Tensor {
    return x.flatten(this.startDim, this.endDim);
  }
  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`;
  }
}

/** Splits dimension dim into the given sizes. */
export class Unflatten extends Module {
  readonly dim: number;
  readonly sizes: readonly number[];

  constructor(dim: number, sizes: readonly number[]) {
    super();
    this.dim = dim;
    this.sizes = sizes;
  }
  override forward(x: Tensor): Tensor {
    return x.unflatten(this.dim, this.sizes);
  }
  override extraRepr(): string {
    return `dim=${this.dim}, unflattened_size=(${this.sizes.join(', ')})`;
  }
}
