import type { DType } from '../base/dtype.ts';
import { ValueError } from '../base/errors.ts';
import { empty, type Tensor } from '../tensor/index.ts';
import { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d } from './functional/conv.ts';
import { pad } from './functional/pad.ts';
import { resetLinear } from './init.ts';
import { Module } from './module.ts';
import { parameter } from './parameter.ts';
import { type Size, showSize, sizes } from './size.ts';

/** Options of the convolution layers; each size is one number or one per spatial dimension. */
export interface ConvLayerOptions {
  readonly stride?: Size;
  readonly padding?: Size | 'valid' | 'same';
  readonly dilation?: Size;
  readonly groups?: number;
  readonly bias?: boolean;
  readonly paddingMode?: 'zeros' | 'reflect' | 'replicate' | 'circular';
  readonly dtype?: DType;
}

/** What the convolution layers share: keys weight (out, in / groups, ...kernel), bias (out). */
class Conv extends Module {
  weight: Tensor;
  bias: Tensor | null;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[] | 'valid' | 'same';
  readonly dilation: readonly number[];
  readonly groups: number;
  readonly paddingMode: 'zeros' | 'reflect' | 'replicate' | 'circular';

  constructor(
    rank: number,
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    options: ConvLayerOptions,
    transposed: boolean = false,
  ) {
    super();
    const name = this.constructor.name;
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, paddingMode = 'zeros', dtype = 'float32' } = options;
    if (!(groups > 0) || inChannels % groups !== 0 || outChannels % groups !== 0)
      throw new ValueError(`${name}: ${inChannels} input and ${outChannels} output channels must both divide into ${groups} groups`);
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = sizes(`${name}: kernelSize`, kernelSize, rank);
    this.stride = sizes(`${name}: stride`, stride, rank);
    this.padding = typeof padding === 'string' ? padding : sizes(`${name}: padding`, padding, rank);
    this.dilation = sizes(`${name}: dilation`, dilation, rank);
    this.groups = groups;
    this.paddingMode = paddingMode;
    const channels = transposed ? [inChannels, outChannels / groups] : [outChannels, inChannels / groups];
    this.weight = parameter(empty([...channels, ...this.kernelSize], { dtype }));
    this.bias = bias ? parameter(empty([outChannels], { dtype })) : null;
    resetLinear(this.weight, this.bias);
  }
  /** The input with its borders filled, and the padding that is left to the convolution. */
  protected border(x: Tensor): { x: Tensor; padding: Size | 'valid' | 'same' } {
    if (this.paddingMode === 'zeros') return { x, padding: this.padding };
    const total = this.kernelSize.map((k, i) => this.dilation[i] * (k - 1));
    const before =
      this.padding === 'same' ? total.map((t) => Math.floor(t / 2)) : this.padding === 'valid' ? total.map(() => 0) : this.padding;
    const after = this.padding === 'same' ? total.map((t, i) => t - before[i]) : before;
    const both = before
      .map((b, i) => [b, after[i]])
      .reverse()
      .flat();
    return { x: pad(x, both, { mode: this.paddingMode }), padding: 0 };
  }
  override extraRepr(): string {
    const parts = [
      String(this.inChannels),
      String(this.outChannels),
      `kernel_size=${showSize(this.kernelSize)}`,
      `stride=${showSize(this.stride)}`,
    ];
    if (typeof this.padding === 'string') parts.push(`padding=${this.padding}`);
    else if (this.padding.some((p) => p !== 0)) parts.push(`padding=${showSize(this.padding)}`);
    if (this.dilation.some((d) => d !== 1)) parts.push(`dilation=${showSize(this.dilation)}`);
    if (this.groups !== 1) parts.push(`groups=${this.groups}`);
    if (this.bias === null) parts.push('bias=False');
    if (this.paddingMode !== 'zeros') parts.push(`padding_mode=${this.paddingMode}`);
    return parts.join(', ');
  }
}

/** Convolution of (N, in, L) or (in, L). @example new nn.Conv1d(4, 8, 3, { padding: 1 }) */
export class Conv1d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvLayerOptions = {}) {
    super(1, inChannels, outChannels, kernelSize, options);
  }
  override forward(input: Tensor): Tensor {
    const { x, padding } = this.border(input);
    return conv1d(x, this.weight, this.bias, { stride: this.stride, padding, dilation: this.dilation, groups: this.groups });
  }
}

/** Convolution of (N, in, H, W) or (in, H, W). @example new nn.Conv2d(3, 16, 3, { padding: 1 }) */
export class Conv2d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvLayerOptions = {}) {
    super(2, inChannels, outChannels, kernelSize, options);
  }
  override forward(input: Tensor): Tensor {
    const { x, padding } = this.border(input);
    return conv2d(x, this.weight, this.bias, { stride: this.stride, padding, dilation: this.dilation, groups: this.groups });
  }
}

/** Convolution of (N, in, D, H, W) or (in, D, H, W). @example new nn.Conv3d(1, 8, 3, { padding: 1 }) */
export class Conv3d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvLayerOptions = {}) {
    super(3, inChannels, outChannels, kernelSize, options);
  }
  override forward(input: Tensor): Tensor {
    const { x, padding } = this.border(input);
    return conv3d(x, this.weight, this.bias, { stride: this.stride, padding, dilation: this.dilation, groups: this.groups });
  }
}

/** Options of the transposed convolution layers. */
export interface ConvTransposeLayerOptions {
  readonly stride?: Size;
  readonly padding?: Size;
  readonly outputPadding?: Size;
  readonly dilation?: Size;
  readonly groups?: number;
  readonly bias?: boolean;
  readonly dtype?: DType;
}
class ConvTranspose extends Conv {
  readonly outputPadding: readonly number[];

  constructor(rank: number, inChannels: number, outChannels: number, kernelSize: Size, options: ConvTransposeLayerOptions) {
    super(rank, inChannels, outChannels, kernelSize, options, true);
    this.outputPadding = sizes(`${this.constructor.name}: outputPadding`, options.outputPadding ?? 0, rank);
  }
  protected movement(): { stride: Size; padding: Size; outputPadding: Size; dilation: Size; groups: number } {
    const { stride, padding, outputPadding, dilation, groups } = this;
    return { stride, padding: padding as readonly number[], outputPadding, dilation, groups };
  }
}

/** Transposed convolution of (N, in, L) or (in, L). Keys weight (in, out / groups, K), bias (out). */
export class ConvTranspose1d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvTransposeLayerOptions = {}) {
    super(1, inChannels, outChannels, kernelSize, options);
  }
  override forward(x: Tensor): Tensor {
    return convTranspose1d(x, this.weight, this.bias, this.movement());
  }
}

/** Transposed convolution of (N, in, H, W) or (in, H, W). Keys weight (in, out / groups, KH, KW), bias (out). */
export class ConvTranspose2d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvTransposeLayerOptions = {}) {
    super(2, inChannels, outChannels, kernelSize, options);
  }
  override forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.bias, this.movement());
  }
}

/** Transposed convolution of (N, in, D, H, W) or (in, D, H, W). Keys weight (in, out / groups, KD, KH, KW), bias (out). */
export class ConvTranspose3d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvTransposeLayerOptions = {}) {
    super(3, inChannels, outChannels, kernelSize, options);
  }
  override forward(x: Tensor): Tensor {
    return convTranspose3d(x, this.weight, this.bias, this.movement());
  }
}
