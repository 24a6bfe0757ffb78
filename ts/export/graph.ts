// A plan as stand-alone modules run it: every input and every output row-major, in memory of its own.
import { type Call, Planned, type Storage, type View } from '../backend.ts';
import { type DType, SIZE } from '../base/dtype.ts';
import { contiguousStrides, isContiguous, type Shape, sizeOf } from '../base/shape.ts';
import { namesOf } from '../formats/names.ts';
import { TABLE } from '../ops/table.ts';
import type { Form, Recipe } from '../tensor/index.ts';

/** An input or output: raw elements, row-major, little-endian. */
export interface Port {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly bytes: number;
  readonly storage: Storage;
}
/** Calls between ports; `others`: inputs in the strides that the plan was captured for, by their bytes. */
export interface Whole {
  readonly calls: readonly Call[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly others: ReadonlyMap<Storage, number>;
}

const copyOf = (from: View, to: View): Call => ({ op: TABLE.copy, inputs: [from], attrs: { dtype: from.dtype }, outputs: [to] });
const viewOf = (storage: Storage, offset: number, shape: Shape, strides: Shape, dtype: DType): View => ({
  storage,
  offset,
  shape,
  strides,
  dtype,
  rowMajor: isContiguous(shape, strides),
});
const dense = (storage: Storage, shape: Shape, dtype: DType): View => viewOf(storage, 0, shape, contiguousStrides(shape), dtype);

type TensorForm = Extract<Form, { kind: 'tensor' }>;
function tensorsOf(form: Form, found: TensorForm[] = []): TensorForm[] {
  if (form.kind === 'tensor') found[form.index] = form;
  else if (form.kind !== 'value') for (const part of form.parts) tensorsOf(part, found);
  return found;
}

/** The calls of a plan with its inputs and outputs made row-major where they are not. */
export function wholeOf({ args, result, results, graph }: Recipe): Whole {
  const others = new Map<Storage, number>();
  const before: Call[] = [];
  const after: Call[] = [];
  const names = namesOf(args, 'x');
  const inputs = tensorsOf(args).map(({ shape, strides, dtype }, i): Port => {
    const bytes = sizeOf(shape) * SIZE[dtype];
    const own = graph.inputs[i];
    if (isContiguous(shape, strides)) return { name: names[i], shape, dtype, bytes, storage: own };
    const storage = new Planned(bytes);
    before.push(copyOf(dense(storage, shape, dtype), viewOf(own, 0, shape, strides, dtype)));
    const last = shape.reduce((sum, n, d) => sum + (n - 1) * strides[d], 1);
    others.set(own, bytes === 0 ? 0 : last * SIZE[dtype]);
    return { name: names[i], shape, dtype, bytes, storage };
  });
  const titles = namesOf(result, 'y');
  const taken = new Set<Storage>();
  const outputs = results.map(({ shape, strides, dtype, offset, from }, i): Port => {
    const bytes = sizeOf(shape) * SIZE[dtype];
    const source =
      'fresh' in from ? graph.outputs[from.fresh] : 'state' in from ? from.state : graph.inputs['self' in from ? from.self : from.argument];
    const known = { name: titles[i], shape, dtype, bytes };
    if ('fresh' in from && offset === 0 && isContiguous(shape, strides) && !taken.has(source)) {
      taken.add(source);
      return { ...known, storage: source };
    }
    const storage = new Planned(bytes);
    // An argument that is given back as it is has its own first element, not its storage's.
    after.push(copyOf(viewOf(source, 'self' in from ? 0 : offset, shape, strides, dtype), dense(storage, shape, dtype)));
    return { ...known, storage };
  });
  return { calls: [...before, ...graph.calls, ...after], inputs, outputs, others };
}
