// What goes into a plan and comes out of it, one by one.
import { type Call, Planned, type Storage, type View } from '../backend.ts';
import { type DType, SIZE } from '../base/dtype.ts';
import { ValueError } from '../base/errors.ts';
import { contiguousStrides, isContiguous, type Shape, sizeOf } from '../base/shape.ts';
import { TABLE } from '../ops/table.ts';
import { relocated } from '../plan/graph.ts';
import type { Form, Recipe } from '../tensor/index.ts';
import type { Port } from './model.ts';

type TensorForm = Extract<Form, { kind: 'tensor' }>;

/** The tensors of a form by their numbers, with their names: where they stand among the arguments (`x`) or in the result (`y`). */
function named(form: Form, name: string, found: { name: string; form: TensorForm }[] = []): { name: string; form: TensorForm }[] {
  if (form.kind === 'tensor') found[form.index] ??= { name, form };
  if (form.kind === 'list') form.parts.forEach((part, i) => void named(part, name.length === 1 ? `${name}${i}` : `${name}.${i}`, found));
  if (form.kind === 'record')
    form.parts.forEach((part, i) => void named(part, name.length === 1 ? form.keys[i] : `${name}.${form.keys[i]}`, found));
  return found;
}
/** The arguments of a plan, or the one that it has if that is a record: then its keys are the names. */
const argumentsOf = (args: Form): Form =>
  args.kind === 'list' && args.parts.length === 1 && args.parts[0].kind === 'record' ? args.parts[0] : args;
const inputsOf = (args: Form): { name: string; form: TensorForm }[] => named(argumentsOf(args), 'x');
/** The tensors of a plan's arguments (letter x: x0, x1, x1.key, or the keys of the only one) or result (letter y: y, y0, y1, or its keys). */
export function portsOf(form: Form, letter: 'x' | 'y'): Port[] {
  return (letter === 'x' ? inputsOf(form) : named(form, letter)).map(({ name, form: { dtype, shape } }) => ({ name, dtype, shape }));
}

/** @throws ValueError where an input is not given, or what is given is no input */
export function checkNames(given: Readonly<Record<string, unknown>>, inputs: readonly { readonly name: string }[]): void {
  const unknown = Object.keys(given).find((name) => !inputs.some((p) => p.name === name));
  const missing = inputs.find((p) => given[p.name] === undefined)?.name;
  if (unknown ?? missing)
    throw new ValueError(
      `run: ${unknown ? `no input '${unknown}'` : `'${missing}' is missing`}; the inputs are ${inputs.map((p) => p.name).join(', ')}`,
    );
}

/** A tensor that goes in or comes out as its elements, row-major. */
export interface RawPort {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly bytes: number;
  readonly storage: Storage;
}
/** Calls from raw tensors to raw tensors. */
export interface RawCalls {
  readonly calls: Call[];
  readonly inputs: readonly RawPort[];
  readonly outputs: readonly RawPort[];
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

/** The calls of a plan, each input and output row-major in a storage of its own: copied where the plan has it otherwise. */
export function rawCalls({ args, result, results, graph }: Recipe): RawCalls {
  const before: Call[] = [];
  const after: Call[] = [];
  const places = new Map<Storage, { storage: Storage; back: number }>();
  const inputs = inputsOf(args).map(({ name, form: { shape, strides, dtype } }, i): RawPort => {
    const bytes = sizeOf(shape) * SIZE[dtype];
    const own = graph.inputs[i];
    if (isContiguous(shape, strides)) return { name, shape, dtype, bytes, storage: own };
    const extent = shape.reduce((last, n, d) => last + (n - 1) * strides[d], 1) * SIZE[dtype];
    const [raw, strided] = [new Planned(bytes), new Planned(bytes === 0 ? 0 : extent)];
    places.set(own, { storage: strided, back: 0 });
    before.push(copyOf(dense(raw, shape, dtype), viewOf(strided, 0, shape, strides, dtype)));
    return { name, shape, dtype, bytes, storage: raw };
  });
  const names = named(result, 'y');
  const taken = new Set<Storage>();
  const outputs = results.map(({ shape, strides, dtype, offset, from }, i): RawPort => {
    const port = { name: names[i].name, shape, dtype, bytes: sizeOf(shape) * SIZE[dtype] };
    if ('fresh' in from) {
      const storage = graph.outputs[from.fresh];
      if (offset === 0 && storage.bytes === port.bytes && isContiguous(shape, strides) && !taken.has(storage)) {
        taken.add(storage);
        return { ...port, storage };
      }
    }
    const argument = 'self' in from ? from.self : 'argument' in from ? from.argument : -1;
    const source = 'fresh' in from ? graph.outputs[from.fresh] : 'state' in from ? from.state : graph.inputs[argument];
    const moved = places.get(source)?.storage ?? source;
    const storage = new Planned(port.bytes);
    // An argument that is given back as it is counts from its own first element.
    after.push(copyOf(viewOf(moved, 'self' in from ? 0 : offset, shape, strides, dtype), dense(storage, shape, dtype)));
    return { ...port, storage };
  });
  return { calls: [...before, ...relocated(graph.calls, new Set(), places), ...after], inputs, outputs };
}
