// Golden tensors of models: how they are stored, fed and compared.
import type { DType } from '../../../ts/base/dtype.ts';
import type { RawTensor } from '../../../ts/formats/raw.ts';
import { parse } from '../../../ts/formats/safetensors.ts';
import { fromBytes, noGrad, type Tensor } from '../../../ts/tensor/index.ts';

/** The tensors of a golden file by their keys. */
export type Golden = ReadonlyMap<string, RawTensor>;
export function goldenOf(bytes: Uint8Array): Golden {
  return parse(bytes).tensors;
}
/** How stored bytes become an input. */
export interface Decode {
  readonly sub: number;
  readonly div: number;
  readonly reverse_channels?: boolean;
  readonly transpose?: readonly number[];
}
/** A stored tensor as an input: `(stored - sub) / div`, the last axis reversed, transposed, as `decode` says; else as it is. */
export function stored(golden: Golden, key: string, decode?: Decode, dtype?: string): Tensor {
  const raw = golden.get(key);
  if (raw === undefined) throw new Error(`the golden file has no tensor '${key}'`);
  const x = fromBytes(raw.bytes, raw.shape, raw.dtype);
  return noGrad(() => {
    if (decode === undefined) return dtype === undefined || dtype === x.dtype ? x : x.to(dtype as DType);
    let y = x.to('float32').sub(decode.sub).div(decode.div);
    if (decode.reverse_channels) y = y.flip([y.ndim - 1]);
    if (decode.transpose) y = y.permute(decode.transpose);
    return y.contiguous();
  });
}

/** What is expected of an output. */
export interface Wanted {
  readonly key: string;
  readonly dtype?: string;
  readonly atol?: number;
  readonly differs_from_optimised_kernels_by?: number;
  /** Another result that is as good. */
  readonly or?: { readonly key: string; readonly atol?: number };
}
const QUANTISED = ['int8', 'uint8', 'int16'];

function against(y: Tensor, want: Wanted, golden: Golden): string | null {
  const x = stored(golden, want.key);
  if (want.dtype !== undefined && y.dtype !== want.dtype) return `is ${y.dtype}, not ${want.dtype}`;
  if (y.shape.join() !== x.shape.join()) return `is [${y.shape}], not [${x.shape}]`;
  const [a, b] = [y.dataSync(), x.dataSync()];
  const whole = QUANTISED.includes(want.dtype ?? '');
  const atol = whole ? Math.max(1, want.differs_from_optimised_kernels_by ?? 0) : (want.atol ?? 0);
  const rtol = whole || want.dtype === 'int64' || want.dtype === 'int32' || want.dtype === 'bool' ? 0 : 1e-4;
  let worst = -1;
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const [u, v] = [Number(a[i]), Number(b[i])];
    if (u === v || (u !== u && v !== v)) continue;
    const over = Math.abs(u - v) - (atol + rtol * Math.abs(v));
    if (!(over <= most)) {
      most = over;
      worst = i;
    }
  }
  return worst < 0 ? null : `element ${worst} is ${a[worst]}, not ${b[worst]} (allowed: ${atol})`;
}
/** What is wrong with an output, or null. */
export function wrong(y: Tensor | undefined, want: Wanted, golden: Golden): string | null {
  if (y === undefined) return 'is missing';
  const first = against(y, want, golden);
  return first === null || want.or === undefined ? first : against(y, { ...want, ...want.or }, golden) && first;
}
