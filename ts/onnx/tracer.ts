// Writes down what a function does, as the device sees it, in ONNX's operators.
import type { Backend, Device, Input, Storage, View } from '../backend.ts';
import { type DType, SIZE } from '../base/dtype.ts';
import { ValueError } from '../base/errors.ts';
import { contiguousStrides, type Shape, show, sizeOf } from '../base/shape.ts';
import type { Attrs, MapOp, Op } from '../ops/op.ts';
import { TensorCore } from '../tensor/core.ts';
import { fromBytes, type Tensor, tensor } from '../tensor/index.ts';
import { KERNELS } from './export-kernels.ts';
import { MAPS } from './export-maps.ts';
import type { Sketch } from './sketch.ts';

const layoutOf = (x: View): string => `${x.offset} ${x.shape.join()} ${x.strides.join()}`;

/** What a storage holds at the moment. */
interface Held {
  /** The view that covers it, and its name once it has one; null: nothing was written yet. */
  readonly base: { readonly shape: Shape; readonly strides: Shape; readonly dtype: DType };
  name: string | null;
  /** Writes what holds it, where that is wanted. */
  late?: () => string;
  /** Names of views of it. */
  readonly views: Map<string, string>;
  /** Parts that were written since `name` was current. */
  readonly parts: { readonly starts: readonly number[]; readonly sizes: readonly number[]; readonly name: string }[];
  /** The number that fills it, where it is one. */
  fill: { readonly value: number; readonly dtype: DType } | null;
}

/** A device that runs everything on the real one and writes it down. */
export class Tracer implements Backend {
  readonly inner: Backend;
  readonly sketch: Sketch;
  private readonly held = new Map<Storage, Held>();
  private readonly made = new Set<Storage>();
  private readonly weights: ReadonlyMap<Storage, string>;

  constructor(inner: Backend, sketch: Sketch, weights: ReadonlyMap<Storage, string>) {
    this.inner = inner;
    this.sketch = sketch;
    this.weights = weights;
  }
  get device(): Device {
    return this.inner.device;
  }
  alloc(bytes: number): Storage {
    const storage = this.inner.alloc(bytes);
    this.made.add(storage);
    return storage;
  }
  readSync(): Uint8Array {
    throw new ValueError(
      `exportONNX: the function reads a tensor's value${source()}; what follows from it would be a constant of the model`,
    );
  }
  async read(): Promise<Uint8Array> {
    return this.readSync();
  }
  write(view: View, bytes: Uint8Array): void {
    this.inner.write(view, bytes);
    this.hold(
      view,
      this.sketch.initializer(
        'constant',
        this.sketch.aside(() => fromBytes(bytes, view.shape, view.dtype)),
      ),
    );
  }
  runDense(op: MapOp, a: View, b: Input, c: Input, dtype: DType, out: View, n: number): void {
    this.inner.runDense(op, a, b, c, dtype, out, n);
    this.note(op, [a, b, c].slice(0, op.inputs.length), { dtype }, [out]);
  }
  run(op: Op, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): void {
    this.inner.run(op, inputs, attrs, outputs);
    this.note(op, inputs, attrs, outputs);
  }

  /** Names a storage's content. */
  hold(x: View, name: string, fill: Held['fill'] = null): void {
    this.held.set(x.storage, {
      base: { shape: x.shape, strides: x.strides, dtype: x.dtype },
      name,
      views: new Map([[layoutOf(x), name]]),
      parts: [],
      fill,
    });
  }
  private note(op: Op, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): void {
    const s = this.sketch;
    if (op.kind === 'map') {
      const name = this.map(op, inputs, attrs as { dtype: DType }, outputs[0]);
      this.put(outputs[0], name, null);
      return;
    }
    const write = KERNELS[op.name];
    if (write === undefined) throw new ValueError(`exportONNX: ${op.name} has no ONNX operator${source()}`);
    const x = inputs.map((i) => (i === null || typeof i !== 'object' ? '' : this.name(i)));
    const metas = inputs.map((i) => (i === null || typeof i !== 'object' ? null : i));
    while (x.length < op.inputs.length) x.push('');
    const names = write({ s, x, metas, outs: outputs, attrs });
    outputs.forEach((out, i) => {
      const name = names[i];
      const fill = op.name === 'full' && typeof attrs.value === 'number' ? { value: attrs.value, dtype: out.dtype } : null;
      if (typeof name === 'string') this.put(out, name, fill);
      else this.held.set(out.storage, { base: out, name: null, late: name ?? undefined, views: new Map(), parts: [], fill: null });
    });
  }
  private map(op: MapOp, inputs: readonly Input[], { dtype }: { dtype: DType }, out: View): string {
    const s = this.sketch;
    if (op.name === 'copy') {
      const [x] = inputs;
      if (typeof x === 'object' && x !== null) return this.broadcast(s.cast(this.name(x), x.dtype, out.dtype), x.shape, out.shape);
      return s.expand(s.scalar(x as number, out.dtype), [], out.shape);
    }
    const write = MAPS[op.name];
    if (write === undefined) throw new ValueError(`exportONNX: ${op.name} has no ONNX operator${source()}`);
    const x = inputs.map((i, k) => {
      const own: DType = op.masks.includes(k) ? 'bool' : dtype;
      if (i === null) return '';
      return typeof i === 'object' ? s.cast(this.name(i), i.dtype, own) : s.scalar(i, own);
    });
    const number = (i: number): number | null => (typeof inputs[i] === 'number' ? (inputs[i] as number) : null);
    const y = write({ s, x, number, dtype });
    return s.cast(y, op.out === 'bool' ? 'bool' : dtype, out.dtype);
  }
  private broadcast(name: string, from: Shape, to: Shape): string {
    return from.join() === to.join() ? name : this.sketch.expand(name, from, to);
  }

  /** A result's place: a storage of its own, all of an old one, or a part of one. */
  private put(out: View, name: string, fill: Held['fill']): void {
    const held = this.held.get(out.storage);
    const root = rootOf(out);
    const bytes = sizeOf(out.shape) * SIZE[out.dtype];
    if (bytes === out.storage.bytes || (held === undefined && root === out)) {
      this.hold(out, name, fill);
      return;
    }
    const base = held ?? this.begin(root);
    const region = regionOf(out, base.base);
    if (region === null)
      throw new ValueError(
        `exportONNX: a tensor ${show(base.base.shape)} is changed through a view ${show(out.shape)} that cuts no block out of it${source()}`,
      );
    base.parts.push({ ...region, name: this.sketch.reshape(name, out.shape, region.sizes) });
    base.views.clear();
  }
  private begin(root: View): Held {
    const base = { shape: root.shape, strides: contiguousStrides(root.shape), dtype: root.dtype };
    const held: Held = { base, name: this.made.has(root.storage) ? null : this.outside(root), views: new Map(), parts: [], fill: null };
    this.held.set(root.storage, held);
    return held;
  }
  /** A tensor that the function did not make: a weight or a constant. */
  private outside(x: View): string {
    const known = this.weights.get(x.storage);
    const stem = known ?? 'constant';
    const copy = this.sketch.aside(() => (x as unknown as Tensor).detach().contiguous().clone());
    if (known === undefined && copy.shape.some((n) => this.sketch.varies(n)))
      throw new ValueError(`exportONNX: a constant ${show(x.shape)} has the size of the batch${source()}; export it without dynamicBatch`);
    return this.sketch.initializer(stem, copy);
  }

  /** The name of what a view shows now. */
  name(x: View): string {
    let held = this.held.get(x.storage);
    if (held === undefined) {
      const root = rootOf(x);
      const name = this.outside(root);
      this.hold(root, name);
      held = this.held.get(x.storage) as Held;
    }
    if (held.late !== undefined) {
      held.name = held.late();
      held.late = undefined;
      held.views.set(layoutOf(held.base as View), held.name);
    }
    if (held.parts.length > 0) this.settle(held);
    const layout = layoutOf(x);
    const known = held.views.get(layout);
    if (known !== undefined) return known;
    if (held.name === null) throw new ValueError(`exportONNX: a result that ONNX does not give is used${source()}`);
    const origin = x instanceof TensorCore ? x.origin : null;
    const name = origin !== null ? this.view(origin, x) : this.elsewhere(x, held);
    held.views.set(layout, name);
    return name;
  }
  private view({ parent, op, attrs }: NonNullable<TensorCore['origin']>, x: View): string {
    const s = this.sketch;
    const from = this.name(parent);
    const a = attrs as Record<string, never>;
    switch (op.name) {
      case 'reshape':
        return s.reshape(from, parent.shape, x.shape);
      case 'permute':
        return s.node('Transpose', [from], { perm: { ints: (a.dims as number[]).map((d) => (d < 0 ? d + parent.ndim : d)) } });
      case 'expand':
        return s.expand(from, parent.shape, x.shape);
      case 'slice':
        return s.slice(from, parent.shape, a.starts, a.steps, a.sizes);
      default:
        return this.picked(from, parent, op.view(parentMeta(parent), attrs) as { shape: Shape; strides: Shape; offset: number });
    }
  }
  /** Any view at all, by the places of its elements. */
  private picked(
    from: string,
    parent: { readonly shape: Shape },
    v: { readonly shape: Shape; readonly strides: Shape; readonly offset: number },
  ): string {
    const s = this.sketch;
    if ([...parent.shape, ...v.shape].some((n) => s.varies(n)))
      throw new ValueError(
        `exportONNX: a view ${show(v.shape)} of overlapping or diagonal elements over a batch${source()}; export it without dynamicBatch`,
      );
    const at: bigint[] = [];
    const visit = (d: number, place: number): void => {
      if (d === v.shape.length) at.push(BigInt(place));
      else for (let i = 0; i < v.shape[d]; i++) visit(d + 1, place + i * v.strides[d]);
    };
    visit(0, v.offset);
    const flat = s.reshape(from, parent.shape, [sizeOf(parent.shape)]);
    const index = s.aside(() => s.initializer('places', tensor(at, { dtype: 'int64', shape: v.shape })));
    return s.node('Gather', [flat, index], { axis: { i: 0 } });
  }
  /** A view without a history (detached, aliased): by its strides over the base. */
  private elsewhere(x: View, held: Held): string {
    const { base } = held;
    const name = held.name as string;
    const dense = contiguousStrides(base.shape).join() === base.strides.join();
    if (x.offset === 0 && dense && contiguousStrides(x.shape).join() === x.strides.join() && sizeOf(x.shape) === sizeOf(base.shape))
      return this.sketch.reshape(name, base.shape, x.shape);
    if (!dense)
      throw new ValueError(
        `exportONNX: a view ${show(x.shape)} over a tensor of another memory format${source()}; call contiguous() before`,
      );
    return this.picked(name, base, x);
  }
  /** Makes one tensor of the parts that were written. */
  private settle(held: Held): void {
    const s = this.sketch;
    const { base, parts } = held;
    const n = base.shape.length;
    const whole = (d: number): boolean => parts.every((p) => p.starts[d] === 0 && p.sizes[d] === base.shape[d]);
    const open = Array.from({ length: n }, (_, d) => d).filter((d) => !whole(d));
    if (open.length === 0 || (open.length === 1 && inLine(parts, open[0], base.shape[open[0]]))) {
      const names = parts.map((p) => p.name);
      held.name =
        open.length === 0 ? names[names.length - 1] : names.length === 1 ? names[0] : s.node('Concat', names, { axis: { i: open[0] } });
    } else {
      let name = held.name;
      for (const [i, p] of parts.entries()) {
        const after = p.starts.map((start, d) => base.shape[d] - start - p.sizes[d]);
        const value = i === 0 && held.fill !== null ? held.fill.value : 0;
        const wide = s.node('Pad', [p.name, s.ints([...p.starts, ...after]), s.scalar(value, base.dtype)]);
        if ((i === 0 && held.fill !== null) || name === null) {
          name = wide;
          continue;
        }
        const mask = s.aside(() => {
          const sizes = base.shape.map((size, d) => (p.starts[d] === 0 && p.sizes[d] === size ? 1 : size));
          if (sizes.some((size) => s.varies(size)))
            throw new ValueError(`exportONNX: a part of the batch is written${source()}; export it without dynamicBatch`);
          const on = tensor(new Array<boolean>(sizeOf(sizes)).fill(false), { dtype: 'bool', shape: sizes });
          let block = on as Tensor;
          for (const [d, size] of sizes.entries()) if (size > 1) block = block.narrow(d, p.starts[d], p.sizes[d]);
          block.fill_(true);
          return s.initializer('mask', on);
        });
        name = s.node('Where', [mask, wide, name]);
      }
      held.name = name;
    }
    held.fill = null;
    held.parts.length = 0;
    held.views.clear();
    held.views.set(`0 ${base.shape.join()} ${base.strides.join()}`, held.name as string);
  }
}

/** Whether parts lie side by side along a dimension of n, in order and without a gap. */
function inLine(parts: Held['parts'], dim: number, n: number): boolean {
  let at = 0;
  for (const p of parts) {
    if (p.starts[dim] !== at) return false;
    at += p.sizes[dim];
  }
  return at === n;
}
const parentMeta = (x: TensorCore): { shape: Shape; strides: Shape; dtype: DType } => ({
  shape: x.shape,
  strides: contiguousStrides(x.shape),
  dtype: x.dtype,
});
function rootOf(x: View): View {
  let root: View = x;
  while (root instanceof TensorCore && root.origin !== null) root = root.origin.parent;
  return root;
}
/** The block of a base that a view covers: same strides, dimensions of one element left out or added. */
function regionOf(x: View, base: Held['base']): { starts: number[]; sizes: number[] } | null {
  let rest = x.offset;
  const starts = base.strides.map((stride, d) => {
    const start = base.shape[d] > 1 ? Math.floor(rest / stride) : 0;
    rest -= start * (base.shape[d] > 1 ? stride : 0);
    return start;
  });
  if (rest !== 0) return null;
  const own = x.shape.map((size, d) => ({ size, stride: x.strides[d] })).filter(({ size }) => size !== 1);
  const sizes = base.shape.map((n, d) => {
    if (own.length === 0 || own[0].stride !== base.strides[d] || own[0].size > n) return 1;
    return (own.shift() as { size: number }).size;
  });
  return own.length === 0 && starts.every((s, d) => s + sizes[d] <= base.shape[d]) ? { starts, sizes } : null;
}

/** The place in the program's source that is running, and the part of wick that it called, for messages. */
function source(): string {
  const lines = (new Error().stack ?? '').split('\n').filter((l) => /:\d+:\d+/.test(l));
  // This file's own folder as the runtime shows it: where it was built, or its source.
  const here = /(?:file:\/\/)?([^\s(]*\/)(?:onnx|chunks)\/[^/]*:\d+:\d+/.exec(lines[0] ?? '')?.[1] ?? import.meta.url;
  const at = lines.findIndex((l) => !l.includes(here) && !l.includes('node:internal'));
  const place = /([^/\\(]+:\d+:\d+)\)?$/.exec(lines[at] ?? '')?.[1];
  const called = /^\s*at (?:async )?([A-Z]\w*)\.forward /.exec(lines[at - 1] ?? '')?.[1];
  return `${called === undefined ? '' : ` in ${called}`}${place === undefined ? '' : ` (at ${place})`}`;
}
