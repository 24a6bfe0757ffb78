// Golden tensors of models: how they are stored, fed and compared.

import type { DType } from '../../ts/base/dtype.ts';
import type { RawTensor } from '../../ts/formats/raw.ts';
import { parse } from '../../ts/formats/safetensors.ts';
import { fromRaw } from '../../ts/formats/tensors.ts';
import type * as wick from '../../ts/index.ts';

/** What is expected of one output. */
export interface Expectation {
  readonly key: string;
  readonly dtype: string;
  readonly atol?: number;
  readonly rtol?: number;
  /** How far TensorFlow's optimised kernels are away. */
  readonly optimised_differs_by?: number;
  readonly differs_from_optimised_kernels_by?: number;
  /** Another result that is as good. */
  readonly or?: { readonly key: string; readonly atol?: number };
}

/** Golden tensors by name. */
export type Golden = ReadonlyMap<string, RawTensor>;
export function golden(bytes: Uint8Array): Golden {
  return parse(bytes).tensors as unknown as Golden;
}
/** A golden tensor on the device, of the dtype that is asked for. */
export function goldenTensor(golden: Golden, key: string, dtype?: string): wick.Tensor {
  const raw = golden.get(key);
  if (raw === undefined) throw new Error(`the golden file has no tensor ${key}`);
  const x = fromRaw(raw);
  return dtype !== undefined && dtype !== raw.dtype && dtype !== 'uint32' ? x.to(dtype as DType) : x;
}

/** How a result compares. */
export interface Comparison {
  /** Null: within the tolerance. */
  readonly problem: string | null;
  /** For integers: whether every bit is that of the reference kernels. */
  readonly equal: boolean | null;
}

const INTEGERS = new Set(['int8', 'uint8', 'int16', 'int32', 'int64', 'bool', 'uint16', 'uint32']);

/** Compares a result with what is expected: floats within atol + rtol * |b|, integers within max(1, the optimised kernels' distance). */
export function compare(y: wick.Tensor, e: Expectation, all: Golden): Comparison {
  const first = compareWith(y, e.key, e, all);
  if (first.problem === null || e.or === undefined) return first;
  const second = compareWith(y, e.or.key, { ...e, ...e.or }, all);
  return second.problem === null ? second : first;
}
function compareWith(y: wick.Tensor, key: string, e: Omit<Expectation, 'key'>, all: Golden): Comparison {
  const want = goldenTensor(all, key);
  const integers = INTEGERS.has(e.dtype);
  if (y.dtype !== e.dtype && e.dtype !== 'uint32')
    return { problem: `has dtype ${y.dtype} instead of ${e.dtype}`, equal: integers ? false : null };
  if (y.shape.join() !== want.shape.join())
    return { problem: `has shape [${y.shape}] instead of [${want.shape}]`, equal: integers ? false : null };
  const [a, b] = [y.dataSync(), want.dataSync()];
  const quantised = e.dtype === 'int8' || e.dtype === 'uint8' || e.dtype === 'int16';
  const distance = e.optimised_differs_by ?? e.differs_from_optimised_kernels_by ?? 0;
  const atol = integers
    ? quantised && (e.optimised_differs_by ?? e.differs_from_optimised_kernels_by) !== undefined
      ? Math.max(1, distance)
      : 0
    : (e.atol ?? 1e-6);
  const rtol = integers ? 0 : (e.rtol ?? 1e-4);
  let worst = -1;
  let most = 0;
  let different = 0;
  for (let i = 0; i < a.length; i++) {
    const [u, v] = [Number(a[i]), Number(b[i])];
    if (u === v || (Number.isNaN(u) && Number.isNaN(v))) continue;
    different++;
    const over = Math.abs(u - v) - (atol + rtol * Math.abs(v));
    if (!(over <= 0) && (worst < 0 || !(over <= most))) {
      most = over;
      worst = i;
    }
  }
  const problem = worst < 0 ? null : `element ${worst} is ${a[worst]} instead of ${b[worst]} (${different} of ${a.length} differ)`;
  return { problem, equal: integers ? different === 0 : null };
}
