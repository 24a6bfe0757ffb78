import { asDType, CATEGORY, type DType, isFloat } from '../../base/dtype.ts';
import { DeviceError, DTypeError, ShapeError, StateError, ValueError } from '../../base/errors.ts';
import { isChannelsLast, isDense, show } from '../../base/shape.ts';
import type { MapOp, Scalar } from '../../ops/op.ts';
import { TABLE } from '../../ops/table.ts';
import { type BackwardOptions, backward as runBackward } from '../backward.ts';
import { callMapInto, castTo, contiguousCopy } from '../call.ts';
import { alias, backend, type Tensor, type TensorCore } from '../core.ts';
import { nodeOf, watch } from '../tape.ts';
import { permute } from './views.ts';

const copy = TABLE.copy as MapOp;

/** Copies another tensor's values (broadcast, converted) into x. @throws ShapeError @example zeros([2]).copy_(tensor([1, 2])) */
export function copy_(x: Tensor, source: Tensor): Tensor {
  const same = CATEGORY[source.dtype] <= CATEGORY[x.dtype] ? source : castTo(source, x.dtype);
  return callMapInto(copy, [same], x, 'copy_');
}
/** Sets every element to a value. @example zeros([2]).fill_(3) */
export function fill_(x: Tensor, value: Scalar | Tensor): Tensor {
  if (typeof value === 'object') return copy_(x, value);
  const v = typeof value === 'number' && CATEGORY[x.dtype] < 2 && !Number.isInteger(value) ? Math.trunc(value) : value;
  return callMapInto(copy, [x.dtype === 'bool' ? Boolean(value) : v], x, 'fill_');
}
/** Sets every element to zero. */
export function zero_(x: Tensor): Tensor {
  return fill_(x, x.dtype === 'bool' ? false : 0);
}

/** Where `to` moves a tensor: a dtype, a device, or both. */
export interface ToOptions {
  readonly dtype?: DType;
  readonly device?: string;
  /** Copies even when nothing changes. */
  readonly copy?: boolean;
}
/** Names of devices. */
export type DeviceName = 'wasm' | 'webgpu';
/**
 * The tensor in another dtype or, recorded, on another device; itself when nothing changes. To 'webgpu' at once, from there to 'wasm' as a
 * promise. @throws DeviceError for a device that is not on @example arange(3).to('float32')
 */
export function to(x: Tensor, target: 'wasm'): Tensor | Promise<Tensor>;
export function to(x: Tensor, target: DType | 'webgpu' | ToOptions): Tensor;
export function to(x: Tensor, target: DType | DeviceName | ToOptions): Tensor | Promise<Tensor> {
  const options: ToOptions = typeof target === 'string' ? (/^w/.test(target) ? { device: target } : { dtype: asDType(target) }) : target;
  const { device = x.device } = options;
  if (device !== x.device) {
    const moved = backend().move?.(options.dtype ? castTo(x, asDType(options.dtype)) : x, device);
    if (moved === undefined) throw new DeviceError(`to: device '${device}' is not on; this tensor is on '${x.device}'; await gpu() first`);
    return moved;
  }
  const dtype = options.dtype ?? x.dtype;
  if (dtype !== x.dtype) return castTo(x, asDType(dtype));
  return options.copy ? clone(x) : x;
}
/** A copy with memory of its own, recorded. Dense formats such as channels-last are kept. @example x.clone() */
export function clone(x: Tensor): Tensor {
  return x.rowMajor || !isDense(x) ? contiguousCopy(x) : castTo(x, x.dtype);
}
/** Order of the elements in memory: row-major, or with the channels (dimension 1) next to each other. */
export type MemoryFormat = 'contiguous' | 'channelsLast';
/** Options of functions that ask for a memory format. */
export interface FormatOptions {
  readonly memoryFormat?: MemoryFormat;
}

/**
 * The tensor itself if its elements lie in the memory format, else such a copy.
 * @throws ShapeError for channels-last unless x has 3 to 5 dimensions
 * @example zeros([1, 3, 4, 4]).contiguous({ memoryFormat: 'channelsLast' }).strides // [48, 1, 12, 3]
 */
export function contiguous(x: Tensor, options: FormatOptions = {}): Tensor {
  if (isContiguous(x, options)) return x;
  if (options.memoryFormat !== 'channelsLast') return contiguousCopy(x);
  const order = x.shape.map((_, d) => (d === 0 ? 0 : d === x.ndim - 1 ? 1 : d + 1));
  const back = x.shape.map((_, d) => (d === 0 ? 0 : d === 1 ? x.ndim - 1 : d - 1));
  return permute(contiguousCopy(permute(x, order)), back);
}
/** Whether the elements lie in the memory format without gaps. @example eye(2).t().isContiguous() // false */
export function isContiguous(x: Tensor, options: FormatOptions = {}): boolean {
  const { memoryFormat = 'contiguous' } = options;
  if (memoryFormat === 'contiguous') return x.rowMajor;
  if (memoryFormat !== 'channelsLast')
    throw new ValueError(`contiguous: memoryFormat '${memoryFormat}'; use 'contiguous' or 'channelsLast'`);
  if (x.ndim < 3 || x.ndim > 5) throw new ShapeError(`contiguous: channelsLast is for 3 to 5 dimensions, not ${show(x.shape)}`);
  return isChannelsLast(x.shape, x.strides);
}
/** The same data outside the graph. @example x.detach().add_(1) // changes x's data too */
export function detach(x: Tensor): Tensor {
  if (x.disposed || x.storage.refs <= 0) throw new StateError(`detach: the tensor of shape ${show(x.shape)} was disposed`);
  return alias(x, x.shape, x.strides, x.offset);
}
/** Takes x out of its graph, in place. */
export function detach_(x: Tensor): Tensor {
  const core: TensorCore = x;
  core.node = null;
  core.requiresGrad = false;
  core.origin = null;
  return x;
}
/** Says whether gradients are accumulated into a leaf. @throws DTypeError for integers, StateError for non-leaves */
export function requiresGrad_(x: Tensor, on: boolean = true): Tensor {
  if (on && !isFloat(x.dtype)) throw new DTypeError(`requiresGrad_: ${x.dtype} tensors have no gradient; use a floating-point dtype`);
  if (!on && !x.isLeaf) throw new StateError('requiresGrad_: only a leaf can stop requiring grad; use detach()');
  (x as TensorCore).requiresGrad = on || !x.isLeaf;
  return x;
}
/** Computes gradients of this tensor and adds them to the leaves' .grad. @example x.square().sum().backward() */
export function backward(x: Tensor, gradient?: Tensor | null, options: BackwardOptions = {}): void {
  runBackward(x, gradient, options);
}
/** Calls fn with the gradient when it is known; what fn returns replaces it. Returns a function that removes the hook. */
export function registerHook(x: Tensor, fn: (grad: Tensor) => Tensor | undefined): () => void {
  const core: TensorCore = x;
  if (!core.requiresGrad) throw new StateError('registerHook: the tensor does not require grad');
  if (core.hooks === null) core.hooks = [];
  core.hooks.push(fn);
  const node = nodeOf(core);
  if (node !== null) watch(node, core.outputNr, core);
  return () => {
    core.hooks = core.hooks?.filter((f) => f !== fn) ?? null;
    if (core.hooks?.length === 0) core.hooks = null;
  };
}
/** Keeps the gradient of a tensor that is no leaf in .grad. */
export function retainGrad(x: Tensor): Tensor {
  const core: TensorCore = x;
  if (!core.requiresGrad) throw new StateError('retainGrad: the tensor does not require grad');
  const node = nodeOf(core);
  if (node !== null) {
    core.retainsGrad = true;
    watch(node, core.outputNr, core);
  }
  return x;
}
