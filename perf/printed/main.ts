// What wick/jit gains: plans whose chains are printed beside plans whose chains are interpreted, in turn in one process on one thread, as
// processor time.
//   npm run perf:printed [part of a name]
import { type Printer, printer, setPrinter } from '../../ts/backend.ts';
import * as wick from '../../ts/index.ts';
import '../../ts/jit/index.ts';
import * as nn from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';

type Tensor = wick.Tensor;
const { functional: F } = nn;
const ROUNDS = 9;
const wanted = process.argv[2] ?? '';

/** A function of operands, made anew with state of its own. */
type Make = () => { readonly fn: (...xs: Tensor[]) => Tensor; readonly xs: readonly Tensor[] };
const simple =
  (fn: (...xs: Tensor[]) => Tensor, ...shapes: readonly (readonly number[])[]): Make =>
  () => ({ fn, xs: shapes.map((shape) => wick.randn(shape)) });

/** A step of an optimiser on gradients that are weighed first. */
const step =
  (make: (p: Tensor) => optim.Optimizer, n: number): Make =>
  () => {
    const p = new nn.Parameter(wick.randn([n]));
    const optimizer = make(p);
    const x = wick.randn([n]);
    return {
      fn: (g) => {
        p.grad = g.mul(0.5).add(p.detach().mul(0.01));
        optimizer.step();
        return g.narrow(0, 0, 1).add(1);
      },
      xs: [x],
    };
  };

const CASES: Readonly<Record<string, Make>> = {
  'bias, relu: 1024 x 256': simple((x, b) => x.add(b).relu().mul(0.5), [1024, 256], [256]),
  'bias alone: 1024 x 256': simple((x, b) => x.add(b), [1024, 256], [256]),
  'bias alone: 20000 x 10': simple((x, b) => x.add(b), [20000, 10], [10]),
  'bias, relu: 20000 x 10': simple((x, b) => x.add(b).relu(), [20000, 10], [10]),
  'bias, relu: 60000 x 3': simple((x, b) => x.add(b).relu(), [60000, 3], [3]),
  'less and over a column: 1024 x 256': simple((x, m, s) => x.sub(m).div(s), [1024, 256], [1024, 1], [1024, 1]),
  'scale and shift of channels: 8 x 64 x 28 x 28': simple((x, s, b) => x.mul(s).add(b).relu(), [8, 64, 28, 28], [64, 1, 1], [64, 1, 1]),
  'gate of channels: 8 x 64 x 28 x 28': simple((x, s) => x.mul(s), [8, 64, 28, 28], [8, 64, 1, 1]),
  'bias, tanh: 1024 x 256': simple((x, b) => x.add(b).tanh(), [1024, 256], [256]),
  'bytes to normalised floats: 16 x 3 x 64 x 64': () => ({
    fn: (x, m, s) => x.to('float32').div(255).sub(m).div(s),
    xs: [wick.randint(0, 256, [16, 3, 64, 64], { dtype: 'uint8' }), wick.rand([3, 1, 1]), wick.rand([3, 1, 1])],
  }),
  'float64 and back: 262144': simple((x) => x.to('float64').mul(3).add(1).to('float32'), [262144]),
  'float16 in and out: 262144': () => ({ fn: (x) => x.mul(2).add(1).relu(), xs: [wick.randn([262144]).to('float16')] }),
  'where a kept mask: 262144': () => ({
    fn: (x, m) => wick.where(m, x.mul(1.5), 0).add(x),
    xs: [wick.randn([262144]), wick.randn([262144]).gt(0)],
  }),
  'int64: 262144': () => ({ fn: (x) => x.mul(3).add(1).sub(x), xs: [wick.randint(0, 9, [262144], { dtype: 'int64' })] }),
  'scale, mask, softmax: 8 x 4 x 128 x 128': simple((x, m) => x.mul(0.125).add(m).softmax(-1), [8, 4, 128, 128], [128, 128]),
  'scale, where, softmax: 8 x 4 x 128 x 128': () => ({
    fn: (x, m) => wick.where(m, x.mul(0.125), Number.NEGATIVE_INFINITY).softmax(-1),
    xs: [wick.randn([8, 4, 128, 128]), wick.ones([128, 128]).tril().to('bool')],
  }),
  'residual, layerNorm: 1024 x 256': simple((x, y) => F.layerNorm(x.add(y), [256]), [1024, 256], [1024, 256]),
  'residual kept, layerNorm: 1024 x 256': simple(
    (x, y) => {
      const z = x.add(y);
      return F.layerNorm(z, [256]).sub(z);
    },
    [1024, 256],
    [1024, 256],
  ),
  'layerNorm, scale, relu: 1024 x 256': simple((x) => F.layerNorm(x, [256]).mul(2).relu(), [1024, 256]),
  'softmax, scale: 1024 x 256': simple((x) => x.softmax(-1).mul(2).add(1), [1024, 256]),
  'dropout, residual: 1024 x 256': simple((x, y) => F.dropout(x, 0.1).add(y), [1024, 256], [1024, 256]),
  'scale, dropout: 1024 x 256': simple((x, y) => F.dropout(x.mul(y), 0.1), [1024, 256], [1024, 256]),
  'mean of squares: 1024 x 256': simple((x, y) => x.sub(y).square().mean(), [1024, 256], [1024, 256]),
  'rows less their mean: 1024 x 256': simple((x) => x.sub(x.mean({ dim: -1, keepdim: true })).square().sum({ dim: -1 }), [1024, 256]),
  'weighed gradient, SGD: 262144': step((p) => new optim.SGD([p], { lr: 1e-3, momentum: 0.9 }), 262144),
  'weighed gradient, Adam: 262144': step((p) => new optim.Adam([p], { lr: 1e-3 }), 262144),
};

/** Microseconds of processor time that `runs` runs take, each. */
function timed(run: () => void, runs: number): number {
  const before = process.cpuUsage();
  for (let k = 0; k < runs; k++) wick.scope(run);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / runs;
}
const runner = ({ fn, xs }: ReturnType<Make>) => {
  const plan = wick.compile(fn);
  const run = (): void => void plan(...xs);
  return { plan, run };
};

wick.setThreads(1);
const cases = Object.entries(CASES).filter(([name]) => name.includes(wanted));
const printing = printer as Printer;
// What is hot now stays as it is.
setPrinter(() => []);
const interpreted = cases.map(([, make]) => runner(make()));
for (const { run } of interpreted) for (let k = 0; k < 6; k++) wick.scope(run);
setPrinter(printing);
cases.forEach(([name, make], i) => {
  const printed = runner(make());
  for (let k = 0; k < 6; k++) wick.scope(printed.run);
  const runs = Math.max(3, Math.ceil(20_000 / timed(interpreted[i].run, 5)));
  const ratios: number[] = [];
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let r = 0; r < ROUNDS; r++) {
    const [a, b] = [interpreted[i], printed].map(({ run }) => timed(run, runs));
    ratios.push(a / b);
    best[0] = Math.min(best[0], a);
    best[1] = Math.min(best[1], b);
  }
  ratios.sort((x, y) => x - y);
  const [a, b] = best.map((us) => us.toFixed(0).padStart(6));
  const parts = printed.plan.plans[0].stats().printed.join(' | ') || 'nothing printed';
  console.log(`${name.padEnd(48)} ${a} us ${b} us   median ${ratios[ROUNDS >> 1].toFixed(2)}x   ${parts}`);
});
