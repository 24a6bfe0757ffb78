// Views: shape, strides and offset of the result relative to the first element of x, all in elements.
import { IndexError, ShapeError, ValueError } from '../base/errors.ts';
import { contiguousStrides, type Shape, sameShape, show, sizeOf, wrapDim } from '../base/shape.ts';
import { type Meta, type Value, type ViewOp, view } from './op.ts';

/** Where a view's elements lie, relative to the first element of what it looks at. */
interface Place {
  readonly shape: Shape;
  readonly strides: Shape;
  readonly offset: number;
}

/** torch.view's rule: each run of dimensions that memory joins is cut anew; null where the new shape would straddle two runs. */
function reshapeStrides(x: Meta, shape: Shape): Shape | null {
  if (sizeOf(shape) === 0 || x.shape.length === 0) return contiguousStrides(shape);
  const strides = new Array<number>(shape.length);
  let d = shape.length - 1;
  let base = x.strides[x.strides.length - 1];
  let old = 1;
  let made = 1;
  for (let i = x.shape.length - 1; i >= 0; i--) {
    old *= x.shape[i];
    if (i > 0 && (x.shape[i - 1] === 1 || x.strides[i - 1] === old * base)) continue;
    while (d >= 0 && (made < old || shape[d] === 1)) {
      strides[d] = made * base;
      made *= shape[d--];
    }
    if (made !== old) return null;
    if (i > 0) {
      base = x.strides[i - 1];
      old = 1;
      made = 1;
    }
  }
  return d === -1 ? strides : null;
}

/** The same elements under another shape, which must have as many; null (the caller copies) where the strides forbid a view. */
export const reshape: ViewOp = view({
  doc: 'The same elements, in order, under another shape.',
  onnx: 'Reshape',
  attrs: { shape: 'Shape' },
  view(x, { shape }: { shape: Shape }) {
    if (sizeOf(shape) !== sizeOf(x.shape))
      throw new ShapeError(
        `reshape: ${show(x.shape)} holds ${sizeOf(x.shape)} elements, ${show(shape)} needs ${sizeOf(shape)}; the products must agree`,
      );
    const strides = reshapeStrides(x, shape);
    return strides && { shape, strides, offset: 0 };
  },
  vjp: ({ reshape }, { dy, inputs }) => [reshape(dy, { shape: (inputs[0] as Meta).shape })],
});

/** Dimensions in another order: dimension i of the result is dimension dims[i] of x. */
export const permute: ViewOp = view({
  doc: 'The dimensions in another order.',
  onnx: 'Transpose',
  attrs: { dims: 'readonly number[]' },
  view(x, { dims }: { dims: Shape }) {
    const rank = x.shape.length;
    const order = dims.map((d) => wrapDim('permute', d, rank));
    if (order.length !== rank || new Set(order).size !== rank)
      throw new ShapeError(`permute: dims ${show(dims)} must name each of the ${rank} dimensions of ${show(x.shape)} once`);
    return { shape: order.map((d) => x.shape[d]), strides: order.map((d) => x.strides[d]), offset: 0 };
  },
  vjp({ permute }, { dy, attrs }) {
    const dims = new Array<number>(attrs.dims.length);
    for (let i = 0; i < dims.length; i++) dims[attrs.dims[i] < 0 ? attrs.dims[i] + dims.length : attrs.dims[i]] = i;
    return [permute(dy, { dims })];
  },
});

/** Repeats dimensions of size 1 and adds leading ones, without memory; -1 keeps a size. */
export const expand: ViewOp = view({
  doc: 'Repeats dimensions of size 1 and adds leading dimensions, without taking memory.',
  attrs: { shape: 'Shape' },
  view(x, { shape }: { shape: Shape }) {
    const added = shape.length - x.shape.length;
    const sizes = shape.map((n, i) => (n === -1 && i >= added ? x.shape[i - added] : n));
    const strides = sizes.map((n, i) => {
      const size = i < added ? 1 : x.shape[i - added];
      if (!(Number.isInteger(n) && n >= 0) || (size !== n && size !== 1))
        throw new ShapeError(
          `expand: ${show(x.shape)} does not expand to ${show(shape)}: sizes must be equal, or 1 in the tensor, from the last dimension on`,
        );
      return i < added || (size === 1 && n !== 1) ? 0 : x.strides[i - added];
    });
    if (added < 0)
      throw new ShapeError(`expand: ${show(x.shape)} has more dimensions than ${show(shape)}; give at least ${x.shape.length}`);
    return { shape: sizes, strides, offset: 0 };
  },
  // The tape sums over what was broadcast.
  vjp: (_, { dy }) => [dy],
});

/** Every dimension from `starts` in `steps` > 0, `sizes` elements of each. */
export const slice: ViewOp = view({
  doc: 'A regular part of every dimension: starts, steps and sizes, one of each per dimension.',
  onnx: 'Slice',
  attrs: { starts: 'readonly number[]', steps: 'readonly number[]', sizes: 'readonly number[]' },
  view(x, { starts, steps, sizes }: { starts: Shape; steps: Shape; sizes: Shape }) {
    let offset = 0;
    for (let d = 0; d < x.shape.length; d++) {
      const n = sizes[d];
      if (!(n >= 0 && steps[d] > 0 && starts[d] >= 0 && (n === 0 || starts[d] + (n - 1) * steps[d] < x.shape[d])))
        throw new IndexError(
          `slice: start ${starts[d]}, step ${steps[d]}, size ${n} leave dimension ${d} of ${show(x.shape)}; stay within 0 to ${x.shape[d]}, step > 0`,
        );
      if (n > 0) offset += starts[d] * x.strides[d];
    }
    return { shape: sizes, strides: x.strides.map((s, d) => s * steps[d]), offset };
  },
  vjp: ({ sliceBackward }, { dy, attrs, inputs }) => [
    sliceBackward(dy, { shape: (inputs[0] as Meta).shape, starts: attrs.starts, steps: attrs.steps }),
  ],
});

/** Gradient of a view: dy added into zeros where the view of a contiguous x would lie. */
function scatterBack(ops: { asStridedBackward(dy: Value, attrs: object): Value }, op: ViewOp, dy: Value, x: Meta, attrs: object): Value {
  const { shape, strides, offset } = op.view({ shape: x.shape, strides: contiguousStrides(x.shape), dtype: x.dtype }, attrs) as Place;
  return ops.asStridedBackward(dy, { shape: x.shape, sizes: shape, strides, offset });
}

/** The elements whose index in dim2 is their index in dim1 plus `offset`, as a new last dimension. */
export const diagonal: ViewOp = view({
  doc: 'A diagonal of two dimensions, as a new last dimension.',
  attrs: { 'offset?': 'number', 'dim1?': 'number', 'dim2?': 'number' },
  view(x, { offset = 0, dim1 = 0, dim2 = 1 }: { offset?: number; dim1?: number; dim2?: number }) {
    const a = wrapDim('diagonal', dim1, x.shape.length);
    const b = wrapDim('diagonal', dim2, x.shape.length);
    if (a === b) throw new IndexError(`diagonal: dim1 and dim2 are both ${a} of ${show(x.shape)}; name two dimensions`);
    const n = Math.max(0, offset >= 0 ? Math.min(x.shape[a], x.shape[b] - offset) : Math.min(x.shape[a] + offset, x.shape[b]));
    const keep = (list: Shape): number[] => list.filter((_, d) => d !== a && d !== b);
    return {
      shape: [...keep(x.shape), n],
      strides: [...keep(x.strides), x.strides[a] + x.strides[b]],
      offset: n === 0 ? 0 : offset >= 0 ? offset * x.strides[b] : -offset * x.strides[a],
    };
  },
  vjp: (ops, { dy, attrs, inputs }) => [scatterBack(ops as never, diagonal, dy, inputs[0] as Meta, attrs)],
});

/** Windows of `size` elements, `step` apart, along `dim`; the window is a new last dimension. */
export const unfold: ViewOp = view({
  doc: 'All windows of a size along a dimension, as a new last dimension.',
  attrs: { dim: 'number', size: 'number', step: 'number' },
  view(x, { dim, size, step }: { dim: number; size: number; step: number }) {
    const d = wrapDim('unfold', dim, x.shape.length);
    const length = x.shape.length === 0 ? 1 : x.shape[d];
    if (!(Number.isInteger(size) && size >= 0 && size <= length && Number.isInteger(step) && step > 0))
      throw new ShapeError(
        `unfold: size ${size} and step ${step} on dimension ${d} of ${show(x.shape)}; use a size of 0 to ${length} and a step > 0`,
      );
    if (x.shape.length === 0) return { shape: [size], strides: [1], offset: 0 };
    const shape = x.shape.slice();
    const strides = x.strides.slice();
    shape[d] = Math.floor((length - size) / step) + 1;
    strides[d] *= step;
    return { shape: [...shape, size], strides: [...strides, x.strides[d]], offset: 0 };
  },
  vjp: (ops, { dy, attrs, inputs }) => [scatterBack(ops as never, unfold, dy, inputs[0] as Meta, attrs)],
});

/** Number of elements from the first to the last of a strided region. */
export function span(shape: Shape, strides: Shape): number {
  let last = 0;
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 0) return 0;
    last += (shape[d] - 1) * strides[d];
  }
  return last + 1;
}

/** Whether two indices of a strided region may mean one element. */
export function mayOverlap(shape: Shape, strides: Shape): boolean {
  const order = shape.map((_, d) => d).filter((d) => shape[d] !== 1);
  order.sort((a, b) => strides[a] - strides[b]);
  let reach = 0;
  for (const d of order) {
    if (strides[d] <= reach) return true;
    reach += (shape[d] - 1) * strides[d];
  }
  return false;
}

/** Any strides over the memory of x; `offset` counts from the first element of x. The caller checks that the storage holds it all. */
export const asStrided: ViewOp = view({
  doc: 'Elements of any strides and offset over the memory of a tensor.',
  attrs: { shape: 'Shape', strides: 'Shape', 'offset?': 'number' },
  view(x, { shape, strides, offset = 0 }: { shape: Shape; strides: Shape; offset?: number }) {
    if (shape.length !== strides.length || shape.some((n) => n < 0) || strides.some((s) => s < 0))
      throw new ValueError(
        `asStrided: shape ${show(shape)} and strides ${show(strides)} on ${show(x.shape)}; give one stride >= 0 per size >= 0`,
      );
    return { shape, strides, offset };
  },
  vjp({ asStrided, asStridedBackward }, { dy, attrs, inputs }) {
    const x = inputs[0] as Meta;
    const { shape, strides, offset = 0 } = attrs;
    if (sameShape(x.strides, contiguousStrides(x.shape)) && offset >= 0 && offset + span(shape, strides) <= sizeOf(x.shape))
      return [asStridedBackward(dy, { shape: x.shape, sizes: shape, strides, offset })];
    if (mayOverlap(x.shape, x.strides))
      throw new ValueError(
        `asStrided: no gradient for a tensor whose elements overlap (shape ${show(x.shape)}, strides ${show(x.strides)}); call contiguous() first`,
      );
    // The gradient of the memory that both cover, read where x lies in it.
    const base = Math.max(0, -offset);
    const size = base + Math.max(span(x.shape, x.strides), offset + span(shape, strides));
    const memory = asStridedBackward(dy, { shape: [size], sizes: shape, strides, offset: base + offset });
    return [asStrided(memory, { shape: x.shape, strides: x.strides, offset: base })];
  },
});
