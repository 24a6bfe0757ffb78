// Accuracy of the v128 functions, compiled here from assembly/tests/math.ts, or ready-made at the path in WICK_MATH_WASM.
// WICK_EXHAUSTIVE=1 runs all 2^32 floats for the one-argument f32 functions, WICK_EXHAUSTIVE=exp,log only those, WICK_STRIDE=17
// every 17th float. WICK_REPORT=1 prints the worst distances.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile, doubles, floats, fold, load, names, uniform, type Worst, worst, worstOf } from './measure.ts';
import { reflected, table } from './table.ts';

const kernels = load(process.env.WICK_MATH_WASM ?? compile('build/wasm/math-test.wasm'));
const report = process.env.WICK_REPORT === '1';
const exhaustive = process.env.WICK_EXHAUSTIVE ?? '';
const stride = Number(process.env.WICK_STRIDE ?? 1);

function check(type: 'f32' | 'f64', name: string, w: Worst, bound: number): void {
  const text = `${name}_${type}: ${w.ulp.toFixed(3)} ulp at ${w.x}${w.y === w.y ? `, ${w.y}` : ''}: got ${w.got}, want ${w.want}`;
  if (report) console.log(text);
  assert.ok(w.ulp <= bound, `${text}, allowed ${bound}`);
}

const viaDouble =
  (name: string) =>
  (a: Float32Array): Float64Array =>
    kernels.f64(name, new Float64Array(a));
const viaHost =
  (f: (x: number) => number) =>
  (a: Float32Array): Float64Array => {
    const r = new Float64Array(a.length);
    for (let i = 0; i < a.length; i++) r[i] = f(a[i]!);
    return r;
  };

/** What each f32 function is compared with: the host's doubles, or the double form of this engine, itself checked by the table. */
const want32: Record<string, (a: Float32Array) => Float64Array> = {
  exp2: viaHost((x) => 2 ** x),
  erf: viaDouble('erf'),
  erfc: viaDouble('erfc'),
  erfinv: viaDouble('erfinv'),
  lgamma: viaDouble('lgamma'),
  digamma: viaDouble('digamma'),
  sigmoid: viaDouble('sigmoid'),
};
const host = Math as unknown as Record<string, (x: number) => number>;
const unary = names.filter((n) => n !== 'pow' && n !== 'atan2');
for (const n of unary) want32[n] ??= viaHost(host[n]!);

const bound32: Record<string, number> = { exp: 2, log: 2, tanh: 2, erf: 2, sin: 2, cos: 2 };

function worst32(name: string, a: Float32Array, floor = -1): Worst {
  const expected = want32[name]!(a);
  return worstOf('f32', expected, kernels.f32(name, a), a, undefined, floor);
}

const singles = (seed: number, lo: number, hi: number): Float32Array => Float32Array.from(uniform(seed, 1 << 16, lo, hi));

function chunks(a: Float32Array, size = 1 << 16): Float32Array[] {
  return Array.from({ length: Math.ceil(a.length / size) }, (_, i) => a.subarray(i * size, (i + 1) * size));
}

const single = suite('math f32');
for (const name of unary) {
  single(name, () => {
    let w: Worst | undefined;
    const samples = [floats(1), floats(2), singles(3, -10, 10), singles(4, -110, 100)];
    for (const a of samples.flatMap((s) => chunks(s))) {
      const v = worst32(name, a);
      if (!w || v.ulp > w.ulp) w = v;
    }
    check('f32', name, w!, bound32[name] ?? 4);
  });
}
single.run();

const special = suite('math special values');
const inf = Infinity;
const cases: Record<string, [number, number][]> = {
  exp: [
    [-inf, 0],
    [inf, inf],
    [0, 1],
    [-0, 1],
    [NaN, NaN],
    [-1000, 0],
    [1000, inf],
  ],
  exp2: [
    [-inf, 0],
    [inf, inf],
    [3, 8],
    [-126, 2 ** -126],
    [NaN, NaN],
  ],
  expm1: [
    [-inf, -1],
    [inf, inf],
    [0, 0],
    [-0, -0],
    [NaN, NaN],
  ],
  log: [
    [0, -inf],
    [-0, -inf],
    [-1, NaN],
    [inf, inf],
    [1, 0],
    [-inf, NaN],
    [NaN, NaN],
  ],
  log2: [
    [0, -inf],
    [8, 3],
    [-1, NaN],
    [inf, inf],
    [1, 0],
  ],
  log10: [
    [0, -inf],
    [1000, 3],
    [-1, NaN],
    [inf, inf],
    [1, 0],
  ],
  log1p: [
    [-1, -inf],
    [-2, NaN],
    [inf, inf],
    [0, 0],
    [-0, -0],
    [NaN, NaN],
  ],
  sin: [
    [0, 0],
    [-0, -0],
    [inf, NaN],
    [-inf, NaN],
    [NaN, NaN],
  ],
  cos: [
    [0, 1],
    [-0, 1],
    [inf, NaN],
    [-inf, NaN],
    [NaN, NaN],
  ],
  tan: [
    [-0, -0],
    [inf, NaN],
    [NaN, NaN],
  ],
  asin: [
    [-0, -0],
    [2, NaN],
    [-2, NaN],
    [NaN, NaN],
  ],
  acos: [
    [1, 0],
    [2, NaN],
    [NaN, NaN],
  ],
  atan: [
    [-0, -0],
    [NaN, NaN],
  ],
  sinh: [
    [-0, -0],
    [inf, inf],
    [-inf, -inf],
    [NaN, NaN],
  ],
  cosh: [
    [0, 1],
    [inf, inf],
    [-inf, inf],
    [NaN, NaN],
  ],
  tanh: [
    [0, 0],
    [-0, -0],
    [inf, 1],
    [-inf, -1],
    [NaN, NaN],
  ],
  asinh: [
    [-0, -0],
    [inf, inf],
    [-inf, -inf],
    [NaN, NaN],
  ],
  acosh: [
    [1, 0],
    [0.5, NaN],
    [-inf, NaN],
    [inf, inf],
    [NaN, NaN],
  ],
  atanh: [
    [-0, -0],
    [1, inf],
    [-1, -inf],
    [2, NaN],
    [NaN, NaN],
  ],
  erf: [
    [0, 0],
    [-0, -0],
    [inf, 1],
    [-inf, -1],
    [NaN, NaN],
  ],
  erfc: [
    [0, 1],
    [inf, 0],
    [-inf, 2],
    [NaN, NaN],
  ],
  erfinv: [
    [0, 0],
    [-0, -0],
    [1, inf],
    [-1, -inf],
    [1.5, NaN],
    [NaN, NaN],
  ],
  lgamma: [
    [0, inf],
    [-0, inf],
    [-3, inf],
    [1, 0],
    [2, 0],
    [inf, inf],
    [-inf, inf],
    [NaN, NaN],
  ],
  digamma: [
    [0, -inf],
    [-0, inf],
    [-3, NaN],
    [inf, inf],
    [-inf, NaN],
    [NaN, NaN],
  ],
  sigmoid: [
    [0, 0.5],
    [inf, 1],
    [-inf, 0],
    [NaN, NaN],
  ],
};
const pows: [number, number, number][] = [
  [1, NaN, 1],
  [1, inf, 1],
  [NaN, 0, 1],
  [NaN, 1, NaN],
  [2, NaN, NaN],
  [-1, inf, 1],
  [-1, -inf, 1],
  [-2, 3, -8],
  [-2, 2, 4],
  [-2, 0.5, NaN],
  [0, -1, inf],
  [-0, -1, -inf],
  [-0, -2, inf],
  [-0, 3, -0],
  [-0, 2, 0],
  [0, 3, 0],
  [inf, -1, 0],
  [-inf, 3, -inf],
  [-inf, 2, inf],
  [-inf, -3, -0],
  [0.5, inf, 0],
  [0.5, -inf, inf],
  [2, inf, inf],
  [2, -inf, 0],
  [-0, 0.5, 0],
  [-inf, 0.5, inf],
  [0, 0, 1],
  [9, 0.5, 3],
];
const angles: [number, number, number][] = [
  [0, 1, 0],
  [-0, 1, -0],
  [0, -1, Math.PI],
  [-0, -1, -Math.PI],
  [0, 0, 0],
  [-0, 0, -0],
  [0, -0, Math.PI],
  [-0, -0, -Math.PI],
  [1, 0, Math.PI / 2],
  [-1, 0, -Math.PI / 2],
  [inf, inf, Math.PI / 4],
  [inf, -inf, (3 * Math.PI) / 4],
  [1, inf, 0],
  [-1, inf, -0],
  [1, -inf, Math.PI],
  [NaN, 1, NaN],
  [1, NaN, NaN],
];
for (const name of unary) {
  special(name, () => {
    const rows = cases[name]!;
    for (const type of ['f32', 'f64'] as const) {
      const xs = rows.map((r) => r[0]);
      const got = type === 'f32' ? kernels.f32(name, Float32Array.from(xs)) : kernels.f64(name, Float64Array.from(xs));
      rows.forEach(([x, y], i) => assert.ok(Object.is(got[i], y), `${name}_${type}(${x}) = ${got[i]}, want ${y}`));
    }
  });
}
for (const [name, rows] of [
  ['pow', pows],
  ['atan2', angles],
] as const) {
  special(name, () => {
    for (const type of ['f32', 'f64'] as const) {
      const round = type === 'f32' ? Math.fround : Number;
      const a = rows.map((r) => r[0]);
      const b = rows.map((r) => r[1]);
      const got =
        type === 'f32'
          ? kernels.f32(name, Float32Array.from(a), Float32Array.from(b))
          : kernels.f64(name, Float64Array.from(a), Float64Array.from(b));
      rows.forEach((r, i) => assert.ok(Object.is(got[i], round(r[2])), `${name}_${type}(${r[0]}, ${r[1]}) = ${got[i]}, want ${r[2]}`));
    }
  });
}
special.run();

const binary = suite('math two arguments');
const c99 = (x: number, y: number): number => (x === 1 || (x === -1 && Math.abs(y) === inf) ? 1 : x ** y);
const pairs: Record<string, (x: number, y: number) => number> = { pow: c99, atan2: Math.atan2 };
for (const name of ['pow', 'atan2']) {
  binary(name, () => {
    const positive = floats(5).subarray(0, 1 << 16);
    const negative = floats(9).subarray(1 << 16);
    const bases = [positive, singles(6, 0, 100), singles(7, 0.9, 1.1), singles(8, -60, 60), negative];
    const whole = singles(13, -25, 25).map(Math.round);
    const others = [singles(10, -4, 4), singles(11, -30, 30), singles(12, -900, 900), whole, singles(14, -4, 4)];
    for (let i = 0; i < bases.length; i++) {
      const x = bases[i]!;
      const y = others[i]!;
      check('f32', name, worst('f32', pairs[name]!, kernels.f32(name, x, y), x, y), name === 'pow' ? 2 : 4);
      const a = uniform(20 + i, 1 << 15, 0, 10 ** i);
      const b = uniform(30 + i, 1 << 15, -50, 50);
      check('f64', name, worst('f64', pairs[name]!, kernels.f64(name, a, b), a, b), 4);
    }
  });
}
binary.run();

const double = suite('math f64');
for (const name of unary) {
  double(`${name} against the table`, () => {
    const rows = table[name]!;
    const a = Float64Array.from(rows, (r) => r[0]);
    let i = 0;
    check(
      'f64',
      name,
      worst('f64', () => rows[i++]![1], kernels.f64(name, a), a),
      4,
    );
  });
  const f = name === 'exp2' ? (x: number) => 2 ** x : host[name];
  if (!f) continue;
  double(`${name} against the host`, () => {
    for (const a of [doubles(20), uniform(21, 1 << 15, -10, 10), uniform(22, 1 << 15, -1, 1), uniform(23, 1 << 15, -5e6, 5e6)]) {
      check('f64', name, worst('f64', f, kernels.f64(name, a), a), 4);
    }
  });
}
for (const name of ['lgamma', 'digamma']) {
  double(`${name} left of zero`, () => {
    const rows = reflected[name]!;
    const got = kernels.f64(
      name,
      Float64Array.from(rows, (r) => r[0]),
    );
    // absolute at the roots, relative elsewhere
    rows.forEach(([x, y], i) => {
      const off = Math.abs(got[i]! - y);
      assert.ok(off <= 1e-14 * Math.max(1, Math.abs(y)), `${name}(${x}) = ${got[i]}, want ${y}`);
    });
  });
}
double.run();

const same = suite('math bits');
same('every function gives the same bits on every engine', () => {
  let h = 0x811c9dc5;
  for (const name of names) {
    h = fold(h, kernels.f32(name, floats(40).subarray(0, 1 << 17), floats(41).subarray(0, 1 << 17)));
    h = fold(h, kernels.f64(name, doubles(42), uniform(43, 1 << 16, -20, 20)));
  }
  if (report) console.log(`bits ${h.toString(16)}`);
  assert.is(h.toString(16), '25ae39d4');
});
same.run();

if (exhaustive) {
  const all = suite('math f32, every float');
  const chosen = exhaustive === '1' ? unary : exhaustive.split(',');
  for (const name of chosen) {
    all(name, () => {
      let w: Worst | undefined;
      const bits = new Uint32Array(1 << 16);
      const a = new Float32Array(bits.buffer);
      for (let start = 0; start < 2 ** 32; start += bits.length * stride) {
        for (let i = 0; i < bits.length; i++) bits[i] = start + i * stride;
        const v = worst32(name, a, w?.ulp);
        if (!w || v.ulp > w.ulp) w = v;
      }
      check('f32', name, w!, bound32[name] ?? 4);
    });
  }
  all.run();
}
