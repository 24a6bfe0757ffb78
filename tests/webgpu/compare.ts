// Results of two devices side by side.
import type { Tensor } from '../../ts/index.ts';

/** |a - b| <= atol + rtol |b|. */
export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/** Throws where a tensor on the GPU differs from one on Wasm by more than the tolerance; integers must be equal. */
export async function compare(what: string, got: Tensor, want: Tensor, { rtol, atol }: Tolerance): Promise<void> {
  if (got.dtype !== want.dtype || String(got.shape) !== String(want.shape))
    throw new Error(`${what}: ${got.dtype} [${got.shape}] for ${want.dtype} [${want.shape}]`);
  const a = Array.from((await got.data()) as ArrayLike<number | bigint>, Number);
  const b = Array.from((await want.data()) as ArrayLike<number | bigint>, Number);
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i], b[i]];
    if (Object.is(x, y) || x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    if (!(Math.abs(x - y) <= atol + rtol * Math.abs(y))) throw new Error(`${what}[${i}]: ${x} for ${y}`);
  }
}

/** Throws where two values differ as JSON. */
export function equal(got: unknown, want: unknown): void {
  if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(`${JSON.stringify(got)} for ${JSON.stringify(want)}`);
}
/** Throws unless `run` throws an error of this kind whose message is like `text`. */
export async function refused(kind: string, text: RegExp, run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (error) {
    const { name, message } = error as Error;
    if (name !== kind || !text.test(message)) throw new Error(`${name}: ${message}`);
    return;
  }
  throw new Error(`no ${kind} was thrown`);
}
