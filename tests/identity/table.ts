// Every row of the op table on fixed inputs, special values among them, and the threaded kernels at sizes that are cut among threads.
import { CATEGORY, DTYPES, type DType } from '../../ts/base/dtype.ts';
import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import { functional as F } from '../../ts/nn/index.ts';
import { TABLE } from '../../ts/ops/networks.ts';
import type { KernelOp, MapOp, Meta, ViewOp } from '../../ts/ops/op.ts';
import { KERNELS, restart, VIEWS } from '../ops/samples.ts';
import { Digest } from './digest.ts';

/** By category of dtype: floating point, integers, bools. */
const VALUES: Readonly<Record<number, readonly number[]>> = {
  2: [0, -0, 1, -1, 0.5, -2.5, 3, 10.25, 88.7, -104, 1e-39, 1e-310, 1e5, 2 ** 31, Infinity, -Infinity, Number.NaN],
  1: [0, 1, -1, 2, -7, 31, 100, -128],
  0: [0, 1],
};
const DRAWN = 37;

/** All combinations of the values (of every second one for three operands), then drawn ones. */
function operands(op: MapOp, dtype: DType): Tensor[] {
  const n = op.inputs.length;
  const list = VALUES[CATEGORY[dtype]].filter((_, i) => n < 3 || i % 2 === 0 || CATEGORY[dtype] === 0);
  const generator = new wick.Generator(5);
  return op.inputs.map((_, k) => {
    const column = Array.from({ length: list.length ** n }, (_, i) => list[Math.floor(i / list.length ** k) % list.length]);
    const wanted = op.masks.includes(k) ? 'bool' : dtype;
    const drawn = wick.rand([DRAWN], { dtype: 'float64', generator }).mul(8).sub(4);
    return wick
      .cat([wick.tensor(column, { dtype: 'float64' }), drawn])
      .to(CATEGORY[wanted] === 0 ? 'int64' : wanted)
      .to(wanted);
  });
}

function map(op: MapOp): string {
  const digest = new Digest();
  for (const dtype of DTYPES.filter((d) => op.dtypes.includes(d))) digest.add(wick.callMap(op, operands(op, dtype)));
  return digest.hex();
}

function kernel(op: KernelOp): string {
  const digest = new Digest();
  restart();
  for (const { inputs, attrs } of KERNELS[op.name]())
    for (const dtype of ['float64', 'float32'] as const) {
      const given = inputs.map((x) => x && (x.dtype === 'float64' ? x.to(dtype) : x).clone());
      const own = 'dtype' in attrs && CATEGORY[attrs.dtype as DType] === 2 ? { ...attrs, dtype } : attrs;
      digest.add(...wick.callKernel(op, given, own));
      if (op.mutates !== undefined) digest.add(...given.filter((x): x is Tensor => x !== null));
    }
  return digest.hex();
}

function view(op: ViewOp): string {
  const digest = new Digest();
  restart();
  for (const { inputs, attrs } of VIEWS[op.name]()) {
    const x = inputs[0] as Tensor;
    const seen = op.view(x as unknown as Meta, attrs);
    if (seen === null) throw new Error(`${op.name}: the sample is no view`);
    digest.add(x.asStrided(seen.shape, seen.strides, seen.offset));
  }
  return digest.hex();
}

/** Calls large enough for several threads; sizes that no tile divides. */
const LARGE: Readonly<Record<string, () => readonly Tensor[]>> = {
  matmul: () =>
    (['float32', 'float64'] as const).map((dtype) => wick.matmul(wick.randn([130, 301], { dtype }), wick.randn([301, 150], { dtype }))),
  linear: () => [F.linear(wick.randn([70, 513]), wick.randn([120, 513]), wick.randn([120]))],
  conv2d: () => [F.conv2d(wick.randn([3, 12, 30, 31]), wick.randn([20, 12, 3, 3]), wick.randn([20]), { padding: 1 })],
  attention: () => [F.scaledDotProductAttention(wick.randn([2, 3, 65, 32]), wick.randn([2, 3, 70, 32]), wick.randn([2, 3, 70, 32]))],
  elementwise: () => [wick.randn([60_001]).exp().add(1).log().tanh()],
  reductions: () => {
    const x = wick.randn([211, 503]);
    return [x.sum(), x.sum({ dim: 0 }), x.mean({ dim: 1 }), x.std(), x.logsumexp({ dim: 1 }), x.softmax(1), x.cumsum(1)];
  },
  sort: () => [wick.randn([50_000]).sort(), wick.randn([3, 9_000]).topk(17)].flatMap(({ values, indices }) => [values, indices]),
  random: () => [wick.rand([40_001]), wick.randn([40_001]), wick.randperm(5_000)],
};

/** Every part by name. */
export const PARTS: Readonly<Record<string, () => string>> = {
  ...Object.fromEntries(
    Object.entries(LARGE).map(([name, run], i) => [
      `large/${name}`,
      () => {
        wick.manualSeed(i);
        return wick.scope(() => new Digest().add(...run()).hex());
      },
    ]),
  ),
  ...Object.fromEntries(
    Object.values(TABLE).map((op) => [
      `ops/${op.name}`,
      () => wick.scope(() => (op.kind === 'map' ? map(op) : op.kind === 'kernel' ? kernel(op) : view(op))),
    ]),
  ),
};
