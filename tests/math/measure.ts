import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The functions of `assembly/tests/math.ts`, in its order. */
export const names: readonly string[] = [
  'exp',
  'exp2',
  'expm1',
  'log',
  'log2',
  'log10',
  'log1p',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
  'erf',
  'erfc',
  'erfinv',
  'lgamma',
  'digamma',
  'sigmoid',
  'pow',
  'atan2',
];

const A = 1 << 16;
const SIZE = 1 << 19;

/** A loaded math-test module: `f32(name, a, b?)` and `f64(name, a, b?)` apply a function elementwise; at most 512 KiB each. */
export interface Kernels {
  f32(name: string, a: Float32Array, b?: Float32Array): Float32Array;
  f64(name: string, a: Float64Array, b?: Float64Array): Float64Array;
}

/** Compiles `assembly/tests/math.ts` with the core's flags; takes some seconds. */
export function compile(path: string): string {
  const asc = ['node_modules/assemblyscript/bin/asc.js', '--config', 'tests/math/asconfig.json', '-o', path];
  execFileSync(process.execPath, asc, { stdio: 'pipe' });
  return path;
}

/** Loads the module made from `assembly/tests/math.ts`. */
export function load(path: string): Kernels {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)), {
    env: {
      memory,
      abort: () => {
        throw new Error('abort');
      },
    },
  });
  const run = instance.exports.run as (fn: number, type: number, a: number, b: number, out: number, bytes: number) => void;
  const bytes = new Uint8Array(memory.buffer);
  const raw = (type: number, name: string, a: ArrayBufferView, b: ArrayBufferView | undefined): ArrayBuffer => {
    const fn = names.indexOf(name);
    if (fn < 0) throw new Error(`no function ${name}`);
    if (a.byteLength > SIZE) throw new Error(`${a.byteLength} bytes, at most ${SIZE}`);
    bytes.set(new Uint8Array(a.buffer, a.byteOffset, a.byteLength), A);
    if (b) bytes.set(new Uint8Array(b.buffer, b.byteOffset, b.byteLength), A + SIZE);
    run(fn, type, A, A + SIZE, A + 2 * SIZE, (a.byteLength + 15) & ~15);
    return bytes.slice(A + 2 * SIZE, A + 2 * SIZE + a.byteLength).buffer as ArrayBuffer;
  };
  return {
    f32: (name, a, b) => new Float32Array(raw(0, name, a, b)),
    f64: (name, a, b) => new Float64Array(raw(1, name, a, b)),
  };
}

const MAX32 = 3.4028234663852886e38;
const view = new DataView(new ArrayBuffer(8));

/** The spacing of floats (24 bits) or doubles (53 bits) at `x`, a finite double. */
export function spacing(x: number, type: 'f32' | 'f64'): number {
  view.setFloat64(0, x);
  const e = (view.getUint16(0) >> 4) & 0x7ff;
  return type === 'f32' ? 2 ** (Math.max(e - 1023, -126) - 23) : Math.max(2 ** Math.max(e - 1023 - 52, -1074), 5e-324);
}

/** The distance of `got` from `want` in units of the last place; specials must agree exactly, zeros in sign too. */
export function ulps(got: number, want: number, type: 'f32' | 'f64'): number {
  if (want !== want) return got !== got ? 0 : Infinity;
  if (got !== got) return Infinity;
  const top = type === 'f32' ? MAX32 : Number.MAX_VALUE;
  if (Math.abs(want) === Infinity) return got === want ? 0 : Infinity;
  if (Math.abs(got) === Infinity) {
    const step = spacing(top, type);
    return Math.sign(got) === Math.sign(want) && Math.abs(want) > top - step ? Math.max(0.5, (top - Math.abs(want)) / step + 1) : Infinity;
  }
  if (Math.abs(want) > top) return Math.abs(got) === top ? (Math.abs(want) - top) / spacing(top, type) : Infinity;
  if (want === 0) return Object.is(got, want) ? 0 : Math.abs(got) / spacing(0, type) + 1;
  return Math.abs(got - want) / spacing(want, type);
}

/** The worst of a comparison and where it was. */
export interface Worst {
  ulp: number;
  x: number;
  y: number;
  got: number;
  want: number;
}

/** Finds the largest distance of `got` from `expected` above `floor`; `a` and `b` are the arguments to name it by. */
export function worstOf(
  type: 'f32' | 'f64',
  expected: ArrayLike<number>,
  got: ArrayLike<number>,
  a: ArrayLike<number>,
  b?: ArrayLike<number>,
  floor = -1,
): Worst {
  const least = type === 'f32' ? 2 ** -24 : 2 ** -53;
  let at = 0;
  let most = floor;
  for (let i = 0; i < a.length; i++) {
    const g = got[i]!;
    const e = expected[i]!;
    // cannot be worse: rounded to nearest, equal, or the spacing at `e` is at least this fraction of it
    if (most >= 0.5 && type === 'f32' && g === Math.fround(e) && g !== 0) continue;
    if (most >= 0 && (Object.is(g, e) || Math.abs(g - e) < most * Math.abs(e) * least)) continue;
    const u = ulps(g, e, type);
    if (u > most) {
      most = u;
      at = i;
    }
  }
  return { ulp: most, x: a[at]!, y: b ? b[at]! : NaN, got: got[at]!, want: expected[at]! };
}

/** Finds the largest distance of `got` from `want(a[i], b[i])`. */
export function worst(
  type: 'f32' | 'f64',
  want: (x: number, y: number) => number,
  got: ArrayLike<number>,
  a: ArrayLike<number>,
  b?: ArrayLike<number>,
): Worst {
  return worstOf(
    type,
    Float64Array.from(a, (x, i) => want(x, b ? b[i]! : NaN)),
    got,
    a,
    b,
  );
}

/** Folds the bits of `values` into the 32-bit hash `h` (FNV-1a by words); every NaN counts as one. */
export function fold(h: number, values: Float32Array | Float64Array): number {
  for (const v of values) {
    view.setFloat64(0, v !== v ? -1.5e308 : v);
    h = Math.imul(Math.imul(h ^ view.getUint32(0), 0x01000193) ^ view.getUint32(4), 0x01000193);
  }
  return h >>> 0;
}

/** A small generator with a fixed seed: uniform 32-bit integers. */
export function source(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x9e3779b9) >>> 0;
    let z = s;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
}

/** 2^17 floats of every exponent and sign (256 mantissas each, the two extremes among them): subnormals, infinities and NaNs too. */
export function floats(seed: number): Float32Array {
  const next = source(seed);
  const bits = new Uint32Array(512 * 256);
  for (let i = 0; i < bits.length; i++) {
    const k = i & 255;
    const mantissa = k === 0 ? 0 : k === 1 ? 0x7fffff : k === 2 ? 1 : next() & 0x7fffff;
    bits[i] = (((i >> 8) << 23) | mantissa) >>> 0;
  }
  return new Float32Array(bits.buffer);
}

/** 2^16 doubles of every exponent and sign, 16 mantissas each. */
export function doubles(seed: number): Float64Array {
  const next = source(seed);
  const words = new Uint32Array(4096 * 16 * 2);
  for (let i = 0; i < words.length; i += 2) {
    const k = (i >> 1) & 15;
    words[i] = k === 0 ? 0 : next();
    words[i + 1] = (((i >> 5) << 20) | (k === 0 ? 0 : next() & 0xfffff)) >>> 0;
  }
  return new Float64Array(words.buffer);
}

/** `n` values uniform in [lo, hi). */
export function uniform(seed: number, n: number, lo: number, hi: number): Float64Array {
  const next = source(seed);
  return Float64Array.from({ length: n }, () => lo + ((hi - lo) * next()) / 4294967296);
}
