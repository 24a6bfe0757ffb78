// Accuracy of the host's elementary functions. WICK_REPORT=1 prints the worst distances.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as host from '../../ts/base/math.ts';
import { doubles, fold, uniform, type Worst, worst } from './measure.ts';
import { powers, table } from './table.ts';

const report = process.env.WICK_REPORT === '1';

function check(name: string, w: Worst, bound: number): void {
  const text = `${name}: ${w.ulp.toFixed(3)} ulp at ${w.x}${w.y === w.y ? `, ${w.y}` : ''}: got ${w.got}, want ${w.want}`;
  if (report) console.log(text);
  assert.ok(w.ulp <= bound, `${text}, allowed ${bound}`);
}

type Unary = (x: number) => number;
const functions: Record<string, Unary> = {
  exp: host.exp,
  log: host.log,
  log1p: host.log1p,
  expm1: host.expm1,
  sin: host.sin,
  cos: host.cos,
  tan: host.tan,
  tanh: host.tanh,
  erf: host.erf,
  erfinv: host.erfinv,
};
const bounds: Record<string, number> = { exp: 1, log: 1, sin: 1, cos: 1, erf: 1, log1p: 2, expm1: 2, tan: 2, tanh: 2, erfinv: 2 };
const turning = new Set(['sin', 'cos', 'tan']);

const values = suite('host math');
for (const [name, f] of Object.entries(functions)) {
  values(`${name} against the table`, () => {
    const rows = table[name]!.filter(([x]) => !turning.has(name) || Math.abs(x) <= 1e8);
    assert.ok(rows.length > 20);
    const a = rows.map((r) => r[0]);
    let i = 0;
    check(
      name,
      worst('f64', () => rows[i++]![1], a.map(f), a),
      bounds[name]!,
    );
  });
  const other = (Math as unknown as Record<string, Unary>)[name];
  if (!other) continue;
  values(`${name} against Math.${name}`, () => {
    // Math is within an ulp itself, or two
    for (const s of [doubles(30), uniform(31, 1 << 15, -10, 10), uniform(32, 1 << 15, -1, 1), uniform(33, 1 << 15, -1e8, 1e8)]) {
      const a = turning.has(name) ? s.filter((x) => Math.abs(x) <= 1e8) : s;
      check(name, worst('f64', other, Array.from(a, f), a), bounds[name]! + 2);
    }
  });
}

values('pow against the table', () => {
  const a = powers.map((r) => r[0]);
  const b = powers.map((r) => r[1]);
  let i = 0;
  check(
    'pow',
    worst(
      'f64',
      () => powers[i++]![2],
      a.map((x, k) => host.pow(x, b[k]!)),
      a,
      b,
    ),
    1,
  );
});

values('pow is exact where the result is a double', () => {
  for (let x = 2; x <= 30; x++) {
    let p = 1;
    for (let n = 0; p <= 2 ** 53; n++, p *= x) assert.is(host.pow(x, n), p, `${x}^${n}`);
  }
  assert.is(host.pow(2, -1074), 2 ** -1074);
  assert.is(host.pow(4, 0.5), 2);
});

values('special values', () => {
  const inf = Infinity;
  const cases: [Unary, number, number][] = [
    [host.exp, -inf, 0],
    [host.exp, inf, inf],
    [host.exp, 0, 1],
    [host.exp, NaN, NaN],
    [host.exp, -746, 0],
    [host.exp, 710, inf],
    [host.exp, -745, 5e-324],
    [host.log, 0, -inf],
    [host.log, -0, -inf],
    [host.log, -1, NaN],
    [host.log, inf, inf],
    [host.log, 1, 0],
    [host.log, NaN, NaN],
    [host.log1p, -1, -inf],
    [host.log1p, -2, NaN],
    [host.log1p, -0, -0],
    [host.log1p, inf, inf],
    [host.log1p, NaN, NaN],
    [host.expm1, -inf, -1],
    [host.expm1, inf, inf],
    [host.expm1, -0, -0],
    [host.expm1, NaN, NaN],
    [host.sin, -0, -0],
    [host.sin, inf, NaN],
    [host.cos, 0, 1],
    [host.cos, inf, NaN],
    [host.tan, -0, -0],
    [host.tan, inf, NaN],
    [host.sin, NaN, NaN],
    [host.tanh, -0, -0],
    [host.tanh, inf, 1],
    [host.tanh, -inf, -1],
    [host.tanh, NaN, NaN],
    [host.erf, -0, -0],
    [host.erf, inf, 1],
    [host.erf, -inf, -1],
    [host.erf, NaN, NaN],
    [host.erfinv, -0, -0],
    [host.erfinv, 1, inf],
    [host.erfinv, -1, -inf],
    [host.erfinv, 2, NaN],
    [host.erfinv, NaN, NaN],
  ];
  for (const [f, x, y] of cases) assert.ok(Object.is(f(x), y), `${f.name}(${x}) = ${f(x)}, want ${y}`);
  const pows: [number, number, number][] = [
    [1, NaN, 1],
    [NaN, 0, 1],
    [NaN, 1, NaN],
    [2, NaN, NaN],
    [-1, inf, 1],
    [-2, 3, -8],
    [-2, 0.5, NaN],
    [0, -1, inf],
    [-0, -1, -inf],
    [-0, -2, inf],
    [-0, 3, -0],
    [inf, -1, 0],
    [-inf, 3, -inf],
    [-inf, -3, -0],
    [0.5, inf, 0],
    [0.5, -inf, inf],
    [2, inf, inf],
    [-0, 0.5, 0],
    [2, 1024, inf],
    [2, -1080, 0],
    [-2, 1025, -inf],
    [1.5, 1e300, inf],
    [-inf, 0.5, inf],
  ];
  for (const [x, y, z] of pows) assert.ok(Object.is(host.pow(x, y), z), `pow(${x}, ${y}) = ${host.pow(x, y)}, want ${z}`);
});

values('every function gives the same bits on every engine', () => {
  let h = 0x811c9dc5;
  for (const f of Object.values(functions)) h = fold(h, Float64Array.from([...doubles(40), ...uniform(41, 1 << 14, -30, 30)], f));
  const exponents = uniform(42, 1 << 16, -40, 40);
  h = fold(
    h,
    Float64Array.from(doubles(40), (x, i) => host.pow(x, exponents[i]!)),
  );
  if (report) console.log(`bits ${h.toString(16)}`);
  assert.is(h.toString(16), '1a1a5fab');
});

values.run();
