// Plans that cover what an export has to keep: kernels of every family, dtypes, strides, containers, state that changes, NaN.
import { makeModel } from '../../examples/digits/model.ts';
import { save } from '../../ts/formats/plan.ts';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import { quantised } from './quantised.ts';

type Tensor = wick.Tensor;
export interface Case {
  readonly name: string;
  /** A .wick file, the bytes of its inputs, and those of its outputs in three runs. */
  readonly file: Uint8Array;
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly (readonly Uint8Array[])[];
}

const flat = (x: unknown): Tensor[] => (x instanceof wick.Tensor ? [x] : Object.values(x as object).flatMap(flat));
/** Row-major bytes, NaNs canonical as data() gives them. */
function raw(x: Tensor): Uint8Array {
  if (x.dtype === 'float16' || x.dtype === 'bfloat16') return wick.bytesOf(x);
  const { buffer, byteOffset, byteLength } = wick.dataSync(x);
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength).slice();
}

const network = (model: nn.Module): ((...xs: Tensor[]) => unknown) => {
  model.eval();
  return (...xs) => model.forward(...(xs as [Tensor]));
};
const mobile = (): nn.Module =>
  new nn.Sequential(
    new nn.Conv2d(3, 8, 3, { stride: 2, padding: 1 }),
    new nn.BatchNorm2d(8),
    new nn.ReLU(),
    new nn.Conv2d(8, 8, 3, { padding: 1, groups: 8 }),
    new nn.SiLU(),
    new nn.Conv2d(8, 16, 1),
    new nn.AdaptiveAvgPool2d(1),
    new nn.Flatten(),
    new nn.Linear(16, 5),
    new nn.Softmax(1),
  );

const MAKE: Readonly<Record<string, () => [fn: (...xs: Tensor[]) => unknown, ...inputs: Tensor[]]>> = {
  digits: () => [network(makeModel()), wick.rand([1, 1, 8, 8])],
  mobile: () => [network(mobile()), wick.rand([2, 3, 17, 15])],
  transformer: () => [network(new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true })), wick.randn([2, 5, 8])],
  recurrent: () => [network(new nn.LSTM(4, 5, { batchFirst: true })), wick.randn([2, 3, 4])],
  half: () => [network(new nn.Sequential(new nn.Linear(6, 5), new nn.Sigmoid()).to('float16')), wick.randn([3, 6]).to('float16')],
  double: () => [network(new nn.Sequential(new nn.Linear(6, 5), new nn.Tanh()).to('float64')), wick.randn([3, 6]).to('float64')],
  chain: () => [(x) => x.mul(2).add(1).relu().exp().sqrt().sub(0.5), wick.randn([3, 40001])],
  integers: () => [
    (x, y) => ({ sum: x.mul(3).add(y), more: x.gt(y), best: y.argmax(1) }),
    wick.arange(12).reshape([3, 4]).to('int32'),
    wick.arange(12).reshape([3, 4]),
  ],
  mixed: () => [(x) => x.matmul(x.t()).argmax(1).add(1).to('float64').div(3), wick.randn([6, 7])],
  strided: () => [(x) => x.add(1).cumsum(0), wick.randn([4, 7]).t()],
  views: () => [(x) => ({ a: x, b: x.t(), c: [x.sum(), x.narrow(0, 1, 2)] }), wick.randn([4, 7])],
  sorted: () => [(x) => x.log().sort(0), wick.randn([19])],
  quantised,
  state: () => {
    const total = wick.zeros([3]);
    return [(x) => total.add_(x), wick.tensor([1, 2, 3])];
  },
};

/** The cases whose names are asked for, or all. */
export function cases(names: readonly string[] = Object.keys(MAKE)): Case[] {
  wick.manualSeed(5);
  return names.map((name) => {
    const [fn, ...inputs] = MAKE[name]();
    const compiled = wick.compile((...xs: Tensor[]) => wick.noGrad(() => fn(...xs)));
    for (let i = 0; i < 2; i++) compiled(...inputs);
    const file = save(compiled.plans[0]);
    const outputs = Array.from({ length: 3 }, () => flat(compiled(...inputs)).map(raw));
    return { name, file, inputs: inputs.map(raw), outputs };
  });
}
