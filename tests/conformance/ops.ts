// Runs the cases of torch/ops: forward, gradients and refusals, each also on inputs that are not contiguous.
import type { RawTensor } from '../../ts/formats/raw.ts';
import { grad, scope, Tensor, WickError, zeros } from '../../ts/index.ts';
import { type OpCase, opFiles } from './cases.ts';
import { Decoder, type JsonValue, type Value } from './decode.ts';
import { run } from './op-adapters.ts';
import { Float } from './op-calls.ts';
import { judge, type Verdict } from './report.ts';
import { differs, toTensor } from './tensors.ts';
import { NotImplemented, type Plain } from './torch-names.ts';

/** These read the memory behind a tensor, whatever its strides: with other strides they mean something else. */
const STORAGE = new Set(['torch.as_strided', 'torch.as_strided_copy', 'torch.as_strided_scatter', 'torch.Tensor.as_strided']);

/** Judges every case of `<folder>/torch/ops`; `only` names some ops. */
export function* runOps(folder: string, only?: ReadonlySet<string>): Generator<Verdict> {
  for (const { op, cases, tensors } of opFiles(folder, only))
    for (const c of cases)
      yield judge(
        'ops',
        op,
        c.id,
        (e) => e instanceof NotImplemented,
        () => {
          const plainRun = scope(() => attempt(c, tensors, false));
          if (plainRun !== null) return plainRun;
          if (STORAGE.has(c.fn)) return null;
          const strided = scope(() => attempt(c, tensors, true));
          return strided === null ? null : `non-contiguous inputs: ${strided}`;
        },
      );
}

/** A decoded argument; floats keep their kind. */
export function argument(value: Value<Tensor>): Plain {
  switch (value.kind) {
    case 'none':
      return null;
    case 'tensor':
      if (value.complex) throw new NotImplemented('complex numbers');
      return value.tensor;
    case 'complex':
      throw new NotImplemented('complex numbers');
    case 'float':
      return new Float(value.value);
    case 'list':
    case 'tuple':
      return value.items.map(argument);
    case 'slice':
      return { start: value.start, stop: value.stop, step: value.step };
    case 'ellipsis':
      return '...';
    case 'dtype':
    case 'function':
      if (value.kind === 'dtype' && value.name.startsWith('complex')) throw new NotImplemented('complex numbers');
      return value.name;
    case 'bool':
    case 'int':
    case 'string':
    case 'option':
      return value.value;
    default:
      throw new NotImplemented(`arguments of kind ${value.kind}`);
  }
}

function attempt(c: OpCase, raw: ReadonlyMap<string, RawTensor>, strided: boolean): string | null {
  const decoder = new Decoder<Tensor>(raw, (r, info) => toTensor(r, { requiresGrad: info.requiresGrad, strided }));
  const args = decoder.list(c.args).map(argument);
  const kwargs = new Map([...decoder.dict(c.kwargs)].map(([k, v]) => [k, argument(v)]));
  if (c.kind === 'error') return refusal(c, () => run(c.fn, args, kwargs));
  const result = run(c.fn, args, kwargs);
  const outs = flat(result);
  const expected = decoder.value(c.out as JsonValue);
  return (
    same(expected, outs, c, raw) ??
    changed(c, decoder, expected, raw) ??
    gradients(
      c,
      decoder,
      outs.filter((o): o is Tensor => o instanceof Tensor),
      raw,
    )
  );
}

function refusal(c: OpCase, call: () => unknown): string | null {
  try {
    call();
  } catch (error) {
    if (error instanceof WickError) return null;
    throw error;
  }
  return `no error; the reference raises ${c.raises}: ${(c.message ?? '').split('\n')[0]}`;
}

/** What a call gave, in order: tensors and plain values. */
export function flat(result: unknown): unknown[] {
  if (result instanceof Tensor || result === null || typeof result !== 'object') return [result];
  return (Array.isArray(result) ? result : Object.values(result)).flatMap(flat);
}
export function leaves(value: Value<Tensor>): Value<Tensor>[] {
  return value.kind === 'list' || value.kind === 'tuple' ? value.items.flatMap(leaves) : [value];
}

function same(expected: Value<Tensor>, outs: readonly unknown[], c: OpCase, raw: ReadonlyMap<string, RawTensor>): string | null {
  const list = leaves(expected);
  if (list.length !== outs.length) return `${outs.length} results instead of ${list.length}`;
  let nr = 0;
  for (const [i, e] of list.entries()) {
    const message = one(e, outs[i], `result ${i}`, e.kind === 'tensor' ? (c.atol?.[nr++] ?? 0) : (c.atol?.[nr] ?? 1e-6), raw);
    if (message !== null) return message;
  }
  return null;
}

function one(e: Value<Tensor>, out: unknown, label: string, atol: number, raw: ReadonlyMap<string, RawTensor>): string | null {
  if (e.kind === 'meta') {
    if (!(out instanceof Tensor)) return `${label}: no tensor`;
    const agrees = out.dtype === e.dtype && out.shape.join() === e.shape.join();
    return agrees ? null : `${label}: ${out.dtype} [${out.shape}] instead of ${e.dtype} [${e.shape}]`;
  }
  if (e.kind === 'tensor') {
    if (e.complex) throw new NotImplemented('complex numbers');
    return out instanceof Tensor ? differs(label, out, raw.get(e.key) as RawTensor, atol) : `${label}: ${String(out)} is no tensor`;
  }
  if (e.kind === 'bool' || e.kind === 'string') return out === e.value ? null : `${label}: ${String(out)} instead of ${String(e.value)}`;
  if (e.kind === 'int' || e.kind === 'float') {
    const [a, b] = [Number(out), Number(e.value)];
    return a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= 1e-6 + 1e-4 * Math.abs(b)
      ? null
      : `${label}: ${a} instead of ${b}`;
  }
  throw new NotImplemented(`results of kind ${e.kind}`);
}

/** An in-place call must have changed its input to the result. */
function changed(c: OpCase, decoder: Decoder<Tensor>, expected: Value<Tensor>, raw: ReadonlyMap<string, RawTensor>): string | null {
  if (!c.fn.endsWith('_') || c.mutates?.length !== 1 || expected.kind !== 'tensor') return null;
  const input = decoder.made.get(c.mutates[0]);
  return input === undefined ? null : differs('the changed input', input.tensor, raw.get(expected.key) as RawTensor, c.atol?.[0] ?? 0);
}

/** The tensor that a JSON value names. */
export const keyOf = (json: JsonValue): string => ((json as { $tensor?: string }).$tensor ?? (json as { $ref?: string }).$ref) as string;

function gradients(c: OpCase, decoder: Decoder<Tensor>, outs: readonly Tensor[], raw: ReadonlyMap<string, RawTensor>): string | null {
  const b = c.backward;
  if (b === undefined) return null;
  const keys = Object.keys(b.grads);
  const inputs = keys.map((key) => decoder.made.get(key)?.tensor as Tensor);
  if (keys.some((key) => decoder.made.get(key)?.complex)) throw new NotImplemented('complex numbers');
  const pairs = b.outs.map((o, i) => ({ out: outs[o], cotangent: argument(decoder.value(b.cotangents[i])) as Tensor }));
  const tracked = pairs.filter(({ out }) => out.requiresGrad);
  const found =
    tracked.length === 0
      ? inputs.map(() => null)
      : grad(
          tracked.map((p) => p.out),
          inputs,
          { gradOutputs: tracked.map((p) => p.cotangent), allowUnused: true },
        );
  for (const [i, key] of keys.entries()) {
    const json = b.grads[key];
    const wanted = json === null ? null : (raw.get(keyOf(json)) as RawTensor);
    const got = found[i];
    if (wanted === null) {
      if (got?.dataSync().some((v: number | bigint) => Number(v) !== 0)) return `gradient of ${key}: values instead of nothing`;
      continue;
    }
    const message = differs(`gradient of ${key}`, got ?? zeros(wanted.shape, { dtype: wanted.dtype }), wanted, b.atol[key]);
    if (message !== null) return message;
  }
  return null;
}
