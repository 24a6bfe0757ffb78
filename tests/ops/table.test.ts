// The whole op table: elementwise rows against their references in every dtype, every row on every kind of memory.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CATEGORY, COMPUTE, type DType } from '../../ts/base/dtype.ts';
import { show, sizeOf } from '../../ts/base/shape.ts';
import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import { TABLE } from '../../ts/ops/networks.ts';
import type { KernelOp, MapOp } from '../../ts/ops/op.ts';
import { excess, held, wrapped } from './numbers.ts';
import { type Call, KERNELS } from './samples.ts';

const test = suite('the op table');
const rows = Object.values(TABLE);
const maps = rows.filter((op): op is MapOp => op.kind === 'map');
const generator = new wick.Generator(11);

// ---- elementwise rows: values

/** Transcendental rows may be 2 units of the last place off correct rounding, as promised; all others round correctly. */
const TRANSCENDENTAL: readonly string[] = (
  'acos acosh asin asinh atan atan2 atanh cos cosh digamma erf erfc erfinv exp exp2 expm1 lgamma log log10 log1p log2 logaddexp logaddexp2 ' +
  'pow rsqrt sigmoid sin sinh tan tanh xlogy zeta'
).split(' ');
/** Units for rows of several roundings. */
const ULPS: Readonly<Record<string, number>> = {
  // Scaled by the larger operand, as V8's Math.hypot is: off by one at (0.5, 3).
  hypot: 1,
  hardsigmoid: 2,
  hardswish: 2,
  sigmoidBackward: 2,
  elu: 2,
  selu: 2,
  logSigmoid: 2,
  silu: 2,
  siluBackward: 2,
  mish: 4,
  gelu: 2,
  geluBackward: 2,
  geluTanh: 2,
  geluTanhBackward: 4,
  tanhBackward: 2,
  lerp: 2,
  // An exponent that was rounded: a relative error of as many units as it is large, up to the ends of the range at 88.
  softplus: 20,
  celu: 90,
};
/** Size of the terms of a row that cancels (as in PyTorch): units are those of numbers of this size where it exceeds the result. */
const SCALE: Readonly<Record<string, (...x: number[]) => number>> = {
  lgamma: () => 1,
  digamma: () => 1,
  zeta: () => 1,
  logaddexp: (a, b) => Math.max(Math.abs(a), Math.abs(b), 1),
  logaddexp2: (a, b) => Math.max(Math.abs(a), Math.abs(b), 1),
  lerp: (a, b, c) => Math.max(Math.abs(a), Math.abs(b), (1 + Math.abs(c)) * Math.abs(b - a)),
  // 1 + erf and 1 + tanh.
  gelu: Math.abs,
  geluTanh: Math.abs,
  geluBackward: (a, b) => Math.abs(a) * (1 + Math.abs(b)),
  geluTanhBackward: (a, b) => Math.abs(a) * (1 + Math.abs(b * b * b)),
  siluBackward: (a, b) => Math.abs(a) * (1 + Math.abs(b)),
  tanhBackward: (a, b) => Math.abs(a) * (1 + b * b),
  // exp(-x) overflows float32 below -88: results under 2^-118 are 0.
  silu: () => 2 ** -118,
  mish: () => 2 ** -118,
};
/** Units by which the reference itself may be off in float64: series of many terms, and the steep end of an inverse. */
const ROUGH_REFERENCE: Readonly<Record<string, number>> = {
  erf: 8,
  erfc: 16,
  erfinv: 32,
  gelu: 8,
  geluBackward: 8,
  lgamma: 100,
  digamma: 30,
  zeta: 100,
  // JavaScriptCore's is 12 units off here.
  pow: Math.pow(0.001, 88) === 1.0000000000000018e-264 ? 0 : 16,
};
/** What a row computes first in its own precision, so that a step of it may lie elsewhere than the exact one. */
const STEPPED: Readonly<Record<string, (op: MapOp, dtype: DType, x: number[]) => number[]>> = {
  truncDivide: (_, dtype, [a, b]) => [held(a / b, COMPUTE[dtype]), 1],
};
/** Dtypes whose values the reference does not give. */
const NO_REFERENCE: Readonly<Record<string, readonly DType[]>> = {
  // The next float64; steps of float32 are in elementwise.test.ts.
  nextafter: ['float32'],
};

const SPECIAL: Record<number, readonly number[]> = {
  2: [0, -0, 1, -1, 0.5, -0.5, 2, -2, 3, -7, 10.25, -10.25, 0.001, 88, -104, 1e5, Infinity, -Infinity, Number.NaN],
  1: [0, 1, -1, 2, -2, 3, -7, 31, 33, 100, -100],
  0: [0, 1],
};
const FEWER: Record<number, readonly number[]> = {
  2: [0, -0, 1, -1, 0.5, -2.5, 3, Infinity, -Infinity, Number.NaN],
  1: [0, 1, -1, 3, -7, 100],
  0: [0, 1],
};

function operands(op: MapOp, dtype: DType): number[][] {
  const list = (op.inputs.length === 3 ? FEWER : SPECIAL)[CATEGORY[dtype]];
  const columns: number[][] = op.inputs.map(() => []);
  const put = (values: number[]): void => values.forEach((v, i) => columns[i].push(held(v, dtype)));
  const cross = (head: number[]): void => {
    if (head.length === op.inputs.length) put(head);
    else for (const v of list) cross([...head, v]);
  };
  cross([]);
  const spread = CATEGORY[dtype] === 2 ? 4 : 50;
  const drawn = op.inputs.map(
    () =>
      wick
        .rand([200], { dtype: 'float64', generator })
        .mul(2 * spread)
        .sub(spread)
        .arraySync() as number[],
  );
  for (let k = 0; k < 200; k++)
    put(drawn.map((d) => (CATEGORY[dtype] === 2 ? d[k] : CATEGORY[dtype] === 0 ? Number(d[k] > 0) : Math.round(d[k]))));
  return columns;
}

type Reference = (...x: unknown[]) => number | bigint | boolean;
function expected(op: MapOp, dtype: DType, x: number[]): number | bigint {
  const reference = op.reference as unknown as Reference;
  const masked = (v: unknown, i: number): unknown => (op.masks.includes(i) ? Number(v) : v);
  if (STEPPED[op.name] && CATEGORY[dtype] === 2) return reference(...STEPPED[op.name](op, dtype, x)) as number;
  if (dtype === 'int64' && op.promote !== 'float') return reference(...x.map((v, i) => masked(BigInt(v), i))) as bigint;
  const y = Number(reference(...x));
  // Products beyond 2^53 wrap exactly only as bigints.
  if (CATEGORY[dtype] === 1 && op.out !== 'bool' && op.promote !== 'float' && Math.abs(y) > Number.MAX_SAFE_INTEGER)
    return reference(...x.map((v, i) => masked(BigInt(v), i))) as bigint;
  return y;
}

function checkValues(op: MapOp, dtype: DType): void {
  const columns = operands(op, dtype);
  const inputs = columns.map((c, i) => wick.tensor(c, { dtype: op.masks.includes(i) ? 'bool' : dtype }));
  const y = wick.callMap(op, inputs);
  const to = y.dtype;
  const actual = y.dataSync() as ArrayLike<number | bigint>;
  const allowed = ULPS[op.name] ?? (TRANSCENDENTAL.includes(op.name) ? 2 : 0);
  const rough = COMPUTE[to] === 'float64' ? (ROUGH_REFERENCE[op.name] ?? 0) : 0;
  const scale = SCALE[op.name];
  let worst = 0;
  let at = 0;
  for (let k = 0; k < columns[0].length; k++) {
    const x = columns.map((c) => c[k]);
    const want = expected(op, dtype, x);
    let off: number;
    if (CATEGORY[to] === 1) off = BigInt(actual[k]) === wrapped(want, to) ? 0 : Infinity;
    else if (CATEGORY[to] === 0) off = Number(actual[k]) === Number(Boolean(want)) ? 0 : Infinity;
    else {
      const least = scale ? scale(...x) : 0;
      // An infinite gradient times what rounds to 0 has no value to compare.
      off =
        Number.isFinite(least) || least === 0 || op.inputs.length === 1
          ? excess(Number(actual[k]), Number(want), to, Number.isFinite(least) ? least : 0)
          : 0;
    }
    if (off > worst) {
      worst = off;
      at = k;
    }
  }
  // A half type rounds the float32 result once more: one of its own units at most.
  const slack = to === 'float16' || to === 'bfloat16' ? 1 : 0;
  const x = columns.map((c) => c[at]);
  assert.ok(
    worst <= allowed + rough + slack,
    `${op.name} ${dtype}(${x.join(', ')}) is ${actual[at]}, reference ${expected(op, dtype, x)}: ${worst} units off`,
  );
}

for (const op of maps)
  test(`${op.name}: values`, () => {
    const bad: string[] = [];
    const also: DType[] = op.promote === 'float' ? ['int32', 'int64', 'bool'] : [];
    for (const dtype of [...op.dtypes, ...also].filter((d) => !NO_REFERENCE[op.name]?.includes(d)))
      try {
        checkValues(op, dtype);
      } catch (e) {
        bad.push((e as Error).message);
      }
    assert.is(bad.length, 0, bad.join('\n'));
  });

// ---- memory: the same values give the same bits, however they lie

const LAYOUTS: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  transposed: (x) =>
    x
      .permute([...x.shape.keys()].reverse())
      .clone()
      .permute([...x.shape.keys()].reverse()),
  stepped(x) {
    if (x.ndim === 0) return x;
    const wide = wick.zeros(
      x.shape.map((n) => 2 * n + 1),
      { dtype: x.dtype },
    );
    const v = x.shape.reduce((t, n, d) => t.unfold(d, 1, 2).select(t.ndim, 0).narrow(d, 0, n), wide);
    v.copy_(x);
    return v;
  },
};
/** The same rows over and over, as an expanded view and as the copy of it. */
function repeated(x: Tensor): [Tensor, Tensor] {
  const view = x.narrow(0, 0, 1).expand(x.shape);
  return [view, view.clone()];
}
const bits = (x: Tensor): number[] => [...(wick.bytesOf(x) as Uint8Array)];
/** NaN bits are not specified inside a tensor: numbers, then. */
const numbersOf = (x: Tensor): string => Array.from(x.dataSync() as ArrayLike<number>, String).join();

for (const op of maps)
  test(`${op.name}: memory`, () => {
    for (const dtype of op.dtypes) {
      const make = (shape: number[], i: number): Tensor => {
        const t = op.masks.includes(i) ? 'bool' : dtype;
        const x = wick.rand(shape, { dtype: 'float64', generator }).mul(6);
        return t === 'bool' ? x.gt(3) : x.to(t);
      };
      const inputs = op.inputs.map((_, i) => make([3, 5, 9], i));
      const want = numbersOf(wick.callMap(op, inputs));
      for (const [name, lay] of Object.entries(LAYOUTS)) {
        assert.is(numbersOf(wick.callMap(op, inputs.map(lay))), want, `${dtype}, ${name}`);
        for (let i = 0; i < inputs.length; i++)
          assert.is(
            numbersOf(
              wick.callMap(
                op,
                inputs.map((x, k) => (k === i ? lay(x) : x)),
              ),
            ),
            want,
            `${dtype}, operand ${i} ${name}`,
          );
      }
      const pairs = inputs.map(repeated);
      assert.is(
        numbersOf(
          wick.callMap(
            op,
            pairs.map((p) => p[0]),
          ),
        ),
        numbersOf(
          wick.callMap(
            op,
            pairs.map((p) => p[1]),
          ),
        ),
        `${dtype}, expanded`,
      );
      const none = wick.callMap(
        op,
        op.inputs.map((_, i) => make([2, 0, 3], i)),
      );
      assert.equal(none.shape, [2, 0, 3]);
      assert.is(none.dataSync().length, 0);
      // With no dimensions, one element at a time gives what the vector gave.
      const scalars = inputs.map((x) => x.select(0, 1).select(0, 2).select(0, 7));
      const scalar = wick.callMap(op, scalars);
      assert.equal(scalar.shape, []);
      assert.is(numbersOf(scalar), numbersOf(wick.callMap(op, inputs).select(0, 1).select(0, 2).select(0, 7)), `${dtype}, no dimensions`);
    }
  });

// ---- rows with kernels

/** Rows whose order of summation depends on how their operands lie (row-major or not): the results agree to rounding. */
const BY_LAYOUT: readonly string[] = ['matmul', 'linear'];

function results(op: KernelOp, { inputs, attrs }: Call, changed: readonly (Tensor | null)[] = inputs): Tensor[] {
  const given = op.mutates === undefined ? changed : changed.map((x) => x?.clone() ?? null);
  const outs = wick.callKernel(op, given, attrs);
  return op.mutates === undefined ? outs : [...outs, ...given.filter((x): x is Tensor => x !== null)];
}
function agree(op: KernelOp, actual: Tensor[], wanted: Tensor[], what: string): void {
  actual.forEach((y, i) => {
    assert.equal(y.shape, wanted[i].shape, what);
    if (!BY_LAYOUT.includes(op.name)) return assert.is(numbersOf(y), numbersOf(wanted[i]), `${op.name}, ${what}, output ${i}`);
    const [a, b] = [y, wanted[i]].map((t) => t.dataSync() as Float64Array);
    a.forEach((v, k) => assert.ok(Math.abs(v - b[k]) <= 1e-14 * (1 + Math.abs(b[k])), `${op.name}, ${what}: ${v}, not ${b[k]}`));
  });
}
/** Memory that a kernel forgets to write is likely to hold this. */
const POISON = 12345.678;
function poison(): void {
  for (const n of [1, 2, 4, 8, 16, 32, 64]) for (let k = 0; k < 3; k++) wick.full([n], POISON, { dtype: 'float64' }).dispose();
}
/** A call that may be refused, but only with an error of ours; its results have their shape and no forgotten element. */
function attempt(op: KernelOp, inputs: readonly (Tensor | null)[], attrs: Call['attrs'], what: string): boolean {
  poison();
  try {
    const outs = results(op, { inputs, attrs });
    const shapes = op.infer(inputs as never, attrs).map((r) => r.shape);
    shapes.forEach((shape, i) => assert.equal(outs[i].shape, shape, what));
    for (const y of outs) {
      const data = y.dataSync() as ArrayLike<number>;
      assert.is(data.length, sizeOf(y.shape), what);
      assert.not.ok(Array.from(data).includes(POISON), `${op.name}, ${what}: memory that was not written: ${numbersOf(y)}`);
    }
    return true;
  } catch (e) {
    if (e instanceof wick.WickError) {
      assert.match(e.message, op.name, what);
      return false;
    }
    throw new Error(`${op.name}, ${what}: ${(e as Error).stack}`);
  }
}

for (const op of rows.filter((r): r is KernelOp => r.kind === 'kernel'))
  test(`${op.name}: memory`, () => {
    for (const call of KERNELS[op.name]()) {
      const { inputs, attrs } = call;
      const want = results(op, call);
      agree(op, results(op, call), want, 'twice');
      for (const [name, lay] of Object.entries(LAYOUTS))
        for (let i = -1; i < inputs.length; i++)
          agree(
            op,
            results(
              op,
              call,
              inputs.map((x, k) => (x !== null && (i < 0 || k === i) ? lay(x) : x)),
            ),
            want,
            `${name} ${i}`,
          );
      inputs.forEach((x, i) => {
        if (x === null || x.ndim === 0) return;
        const [view, copy] = repeated(x);
        const put = (v: Tensor): (Tensor | null)[] => inputs.map((t, k) => (k === i ? v : t));
        if (op.mutates?.includes(op.inputs[i].replace('?', ''))) return;
        agree(op, results(op, call, put(view)), results(op, call, put(copy)), `expanded ${i}`);
      });
      // Nothing along one dimension of one input, or of all that have it; and no dimensions at all.
      const empty = (x: Tensor | null, d: number): Tensor | null => (x === null || d < 0 || d >= x.ndim ? x : x.narrow(d, 0, 0));
      inputs.forEach((x, i) => {
        if (x === null) return;
        for (let d = 0; d < x.ndim; d++) {
          attempt(
            op,
            inputs.map((t, k) => (k === i ? empty(t, d) : t)),
            attrs,
            `input ${i} empty in ${d} of ${show(x.shape)}`,
          );
          attempt(
            op,
            inputs.map((t) => empty(t, d)),
            attrs,
            `all empty in ${d}`,
          );
          attempt(
            op,
            inputs.map((t) => (t === null ? t : empty(t, t.ndim - 1 - d))),
            attrs,
            `all empty in ${-1 - d}`,
          );
        }
        attempt(
          op,
          inputs.map((t, k) => (k === i ? (t as Tensor).flatten().narrow(0, 0, 1).reshape([]) : t)),
          attrs,
          `input ${i} without dimensions`,
        );
      });
      attempt(
        op,
        inputs.map((t) => (t === null ? t : t.flatten().narrow(0, 0, 1).reshape([]))),
        attrs,
        'no dimensions',
      );
      agree(op, results(op, call), want, 'after all that');
    }
  });

test('bytes of results are those of contiguous results', () => {
  const x = wick.rand([4, 6], { dtype: 'float32', generator });
  assert.equal(bits(LAYOUTS.transposed(x).exp()), bits(x.exp()));
});

test.run();
