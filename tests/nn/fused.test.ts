// The fused rows of networks against compositions and float64: every memory format, odd shapes, extremes, threads.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as autograd from '../../ts/autograd/index.ts';
import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import { lstmStep } from '../../ts/nn/functional/rnn.ts';
import { functional as F } from '../../ts/nn/index.ts';

const generator = new wick.Generator(5);
const draw = (shape: readonly number[], dtype: 'float32' | 'float64' = 'float64'): Tensor =>
  wick.randn([...shape], { dtype, generator }).requiresGrad_();
const lastOf = (x: Tensor): Tensor => x.contiguous({ memoryFormat: 'channelsLast' });
const numbers = (x: Tensor): number[] => Array.from(x.contiguous().dataSync() as ArrayLike<number>, Number);

function near(a: Tensor, b: Tensor, tolerance: number, what: string): void {
  assert.equal(a.shape, b.shape, what);
  const y = numbers(b);
  numbers(a).forEach((v, i) => {
    const ok = Math.abs(v - y[i]) <= tolerance * (1 + Math.abs(y[i])) || Object.is(v, y[i]) || (Number.isNaN(v) && Number.isNaN(y[i]));
    assert.ok(ok, `${what}: ${v} at ${i}, not ${y[i]}`);
  });
}
/** Values and gradients of two functions of the same inputs. */
function same(
  f: (...x: Tensor[]) => Tensor,
  g: (...x: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  tolerance: number,
  what: string,
): void {
  const run = (h: (...x: Tensor[]) => Tensor): Tensor[] => {
    const own = inputs.map((x) => x.detach().requiresGrad_(x.requiresGrad));
    const y = h(...own);
    const weights = wick.arange(0, y.numel, 1, { dtype: y.dtype }).mul(0.7).sin().reshape(y.shape);
    y.mul(weights).sum().backward();
    return [y.detach(), ...own.flatMap((x) => (x.grad === null ? [] : [x.grad]))];
  };
  const want = run(g);
  run(f).forEach((x, i) => {
    near(x, want[i], tolerance, `${what}, ${i === 0 ? 'result' : `gradient ${i}`}`);
  });
}
/** The bytes of what f computes, with 1, 2 and 4 threads. */
function anyThreads(f: () => Tensor[], what: string): void {
  const before = wick.info().threads.wanted;
  const results = [1, 2, 4].map((n) => {
    wick.setThreads(n);
    return f().map((x) => (wick.bytesOf(x.contiguous()) as Uint8Array).join());
  });
  wick.setThreads(before);
  assert.equal(results[1], results[0], what);
  assert.equal(results[2], results[0], what);
}

const norms = suite('norms');
/** [x - mean] / sqrt(variance + eps) weight + bias in single ops over [n, groups, per, inner]. */
function composed(x: Tensor, groups: number, batch: boolean, weight: Tensor, bias: Tensor): Tensor {
  const [n, c] = x.shape;
  const v = x.reshape([n, groups, c / groups, x.numel / n / c]);
  const dims = batch ? [0, 2, 3] : [2, 3];
  const mean = v.mean(dims, { keepdim: true });
  const centred = v.sub(mean);
  const y = centred.div(centred.square().mean(dims, { keepdim: true }).add(1e-5).sqrt());
  const line = [1, groups, c / groups, 1];
  return y.mul(weight.reshape(line)).add(bias.reshape(line)).reshape(x.shape);
}
const SHAPES = [
  [4, 6],
  [3, 4, 5],
  [2, 6, 3, 7],
  [5, 12, 9, 8],
  [70, 4, 2, 1],
  [2, 1030, 3],
  [1, 3, 40, 41],
  [2, 2, 3, 2, 4],
];
norms('batch, group and instance norm in every format', () => {
  for (const dtype of ['float64', 'float32'] as const)
    for (const shape of SHAPES)
      for (const last of shape.length > 2 ? [false, true] : [false]) {
        const tolerance = dtype === 'float64' ? 1e-11 : 3e-4;
        const c = shape[1];
        const inputs = [draw(shape, dtype), draw([c], dtype), draw([c], dtype)];
        const lay = (x: Tensor): Tensor => (last ? lastOf(x) : x);
        const what = `${shape} ${dtype} ${last ? 'last' : ''}`;
        same(
          (x, weight, bias) => F.batchNorm(lay(x), null, null, { weight, bias, training: true }),
          (x, weight, bias) => composed(x, c, true, weight, bias),
          inputs,
          tolerance,
          `batch ${what}`,
        );
        for (const groups of [1, 2, c])
          if (c % groups === 0 && shape.slice(2).reduce((a, b) => a * b, c / groups) > 1)
            same(
              (x, weight, bias) => F.groupNorm(lay(x), groups, { weight, bias }),
              (x, weight, bias) => composed(x, groups, false, weight, bias),
              inputs,
              tolerance,
              `group ${groups} ${what}`,
            );
        const mean = draw([c], dtype).detach();
        const variance = mean.abs().add(0.5);
        const line = shape.map((n, d) => (d === 1 ? n : 1));
        same(
          (x, weight, bias) => F.batchNorm(lay(x), mean, variance, { weight, bias }),
          (x, weight, bias) =>
            x.sub(mean.reshape(line)).div(variance.add(1e-5).sqrt().reshape(line)).mul(weight.reshape(line)).add(bias.reshape(line)),
          inputs,
          tolerance,
          `evaluation ${what}`,
        );
      }
});
norms('layer and root-mean-square norm', () => {
  for (const shape of [
    [3, 1],
    [2, 3, 5],
    [20, 64],
    [300, 17],
    [2, 2000],
  ])
    for (const dtype of ['float64', 'float32'] as const) {
      const n = shape.at(-1) as number;
      const inputs = [draw(shape, dtype), draw([n], dtype), draw([n], dtype)];
      const tolerance = dtype === 'float64' ? 1e-11 : 3e-4;
      same(
        (x, weight, bias) => F.layerNorm(x, [n], { weight, bias }),
        (x, weight, bias) => {
          const centred = x.sub(x.mean(-1, { keepdim: true }));
          return centred
            .div(centred.square().mean(-1, { keepdim: true }).add(1e-5).sqrt())
            .mul(weight)
            .add(bias);
        },
        inputs,
        tolerance,
        `layer ${shape} ${dtype}`,
      );
      same(
        (x, weight) => F.rmsNorm(x, [n], { weight, eps: 1e-5 }),
        (x, weight) => x.div(x.square().mean(-1, { keepdim: true }).add(1e-5).sqrt()).mul(weight),
        inputs.slice(0, 2),
        tolerance,
        `rms ${shape} ${dtype}`,
      );
    }
});
norms('channels-last memory is differentiable twice and stays channels-last', () => {
  const x = draw([2, 4, 2, 3]);
  const inputs = [x, draw([4]), draw([4])];
  const batch = (v: Tensor, weight: Tensor, bias: Tensor): Tensor => F.batchNorm(lastOf(v), null, null, { weight, bias, training: true });
  const group = (v: Tensor, weight: Tensor, bias: Tensor): Tensor => F.groupNorm(lastOf(v), 2, { weight, bias });
  for (const f of [batch, group]) {
    autograd.gradcheck(f, inputs);
    autograd.gradgradcheck(f, inputs);
    assert.ok(f(x, inputs[1], inputs[2]).isContiguous({ memoryFormat: 'channelsLast' }));
  }
});
norms('the same bits with any number of threads', () => {
  const x = draw([8, 64, 16, 16], 'float32').detach();
  const weight = draw([64], 'float32').detach();
  for (const lay of [(v: Tensor) => v, lastOf])
    anyThreads(() => {
      const v = lay(x).detach().requiresGrad_();
      const w = weight.detach().requiresGrad_();
      const y = F.batchNorm(v, null, null, { weight: w, training: true }).add(F.groupNorm(v, 4, { weight: w }));
      y.square().sum().backward();
      return [y, v.grad as Tensor, w.grad as Tensor];
    }, 'batch and group norm');
  anyThreads(() => {
    const v = x.reshape([-1, 256]).detach().requiresGrad_();
    const y = F.layerNorm(v, [256]).softmax(-1);
    y.square().sum().backward();
    return [y, v.grad as Tensor];
  }, 'layer norm and softmax');
});
norms.run();

const attentions = suite('attention');
/** In single ops. */
function plainAttention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null, causal: boolean): Tensor {
  let scores = q.matmul(k.mT).div(Math.sqrt(q.shape.at(-1) as number));
  const inf = wick.tensor(Number.NEGATIVE_INFINITY, { dtype: q.dtype });
  if (causal) scores = wick.where(wick.ones(scores.shape.slice(-2)).triu(1).ne(0), inf, scores);
  if (mask) scores = mask.dtype === 'bool' ? wick.where(mask, scores, inf) : scores.add(mask);
  return scores.softmax(-1).matmul(v);
}
attentions('against single ops', () => {
  const shapes = [
    [
      [3, 4],
      [5, 4],
      [5, 2],
    ],
    [
      [2, 70, 8],
      [2, 70, 8],
      [2, 70, 8],
    ],
    [
      [2, 3, 65, 16],
      [2, 3, 130, 16],
      [2, 3, 130, 33],
    ],
    [
      [1, 1, 1, 1],
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ],
    [
      [1, 2, 130, 256],
      [1, 2, 64, 256],
      [1, 2, 64, 7],
    ],
    [
      [2, 1, 2, 5, 3],
      [2, 1, 2, 9, 3],
      [2, 1, 2, 9, 3],
    ],
  ];
  for (const [qs, ks, vs] of shapes)
    for (const dtype of ['float64', 'float32'] as const)
      for (const kind of ['plain', 'causal', 'added', 'bool'] as const) {
        const line = [qs.at(-2) as number, ks.at(-2) as number];
        const open = wick
          .rand(line, { generator })
          .gt(0.4)
          .logicalOr(wick.arange(line[1]).eq(line[1] - 1));
        const mask = kind === 'added' ? draw(line, dtype).detach() : kind === 'bool' ? open : null;
        same(
          (q, k, v) => F.scaledDotProductAttention(q, k, v, { attnMask: mask, isCausal: kind === 'causal' }),
          (q, k, v) => plainAttention(q, k, v, mask, kind === 'causal'),
          [draw(qs, dtype), draw(ks, dtype), draw(vs, dtype)],
          dtype === 'float64' ? 1e-11 : 2e-4,
          `${qs} ${ks} ${dtype} ${kind}`,
        );
      }
});
attentions('strided heads, large scores, keys that no row sees, grouped heads', () => {
  const x = draw([2, 40, 3, 3, 8], 'float32');
  const parts = (v: Tensor): Tensor[] => v.permute([2, 0, 3, 1, 4]).unbind(0);
  const tiled = (v: Tensor): Tensor => {
    const [q, k, w] = parts(v);
    return F.scaledDotProductAttention(q, k, w);
  };
  const plain = (v: Tensor): Tensor => {
    const [q, k, w] = parts(v);
    return plainAttention(q, k, w, null, false);
  };
  same(tiled, plain, [x], 2e-4, 'strided');
  same(
    (v) => tiled(v.mul(30)),
    (v) => plain(v.mul(30)),
    [x],
    2e-2,
    'large',
  );
  const q = draw([1, 1, 2, 4]);
  const closed = wick.tensor([
    [false, false, false],
    [true, false, true],
  ]);
  const y = F.scaledDotProductAttention(q, draw([1, 1, 3, 4]), draw([1, 1, 3, 4]), { attnMask: closed });
  assert.ok(numbers(y).slice(0, 4).every(Number.isNaN));
  assert.ok(numbers(y).slice(4).every(Number.isFinite));
  // The first block of keys is closed altogether.
  const far = wick.arange(130).ge(100).expand([3, 130]);
  same(
    (a, k, v) => F.scaledDotProductAttention(a, k, v, { attnMask: far }),
    (a, k, v) => plainAttention(a, k, v, far, false),
    [draw([3, 4]), draw([130, 4]), draw([130, 4])],
    1e-11,
    'a closed block',
  );
  const grouped = [draw([2, 4, 5, 3]), draw([2, 2, 6, 3]), draw([2, 2, 6, 3])];
  same(
    (a, k, v) => F.scaledDotProductAttention(a, k, v, { enableGqa: true }),
    (a, k, v) => plainAttention(a, k.repeatInterleave(2, 1), v.repeatInterleave(2, 1), null, false),
    grouped,
    1e-11,
    'grouped',
  );
});
attentions('the same bits with any number of threads', () => {
  const data = [0, 1, 2].map(() => draw([1, 4, 200, 32], 'float32'));
  anyThreads(() => {
    const [q, k, v] = data.map((t) => t.detach().requiresGrad_());
    const y = F.scaledDotProductAttention(q, k, v, { isCausal: true });
    y.square().sum().backward();
    return [y, ...[q, k, v].map((t) => t.grad as Tensor)];
  }, 'attention');
});
attentions.run();

const recurrents = suite('recurrent cells');
recurrents('an LSTM step against single ops', () => {
  for (const [n, hidden] of [
    [1, 1],
    [3, 5],
    [7, 64],
    [2, 515],
  ])
    for (const dtype of ['float64', 'float32'] as const) {
      const shapes = [[n, 4], [n, hidden], [n, hidden], [4 * hidden, 4], [4 * hidden, hidden], [4 * hidden]];
      same(
        (x, h, c, wi, wh, b) => wick.cat(lstmStep(F.linear(x, wi, null), h, c, wh, b, null), 1),
        (x, h, c, wi, wh, b) => {
          const [i, f, g, o] = x.matmul(wi.T).add(h.matmul(wh.T)).add(b).chunk(4, 1);
          const cell = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
          return wick.cat([o.sigmoid().mul(cell.tanh()), cell], 1);
        },
        shapes.map((shape) => draw(shape, dtype)),
        dtype === 'float64' ? 1e-11 : 1e-3,
        `${n} ${hidden} ${dtype}`,
      );
    }
});
recurrents.run();

const losses = suite('fused losses');
losses('cross entropy against the composition', () => {
  for (const shape of [[5], [4, 7], [3, 5, 2], [2, 6, 3, 2], [64, 1000]])
    for (const reduction of ['mean', 'sum', 'none'] as const)
      for (const labelSmoothing of [0, 0.2])
        for (const ignoreIndex of [-100, 1]) {
          const dim = shape.length === 1 ? 0 : 1;
          const target = wick.randint(
            0,
            shape[dim],
            shape.filter((_, d) => d !== dim),
            { generator },
          );
          if (target.eq(ignoreIndex).all().itemSync()) continue;
          const weight = wick.rand([shape[dim]], { dtype: 'float64', generator }).add(0.5);
          const options = { reduction, labelSmoothing, ignoreIndex };
          same(
            (x) => F.crossEntropy(x, target, { ...options, weight }),
            // A weight that wants a gradient takes the composed way.
            (x) => F.crossEntropy(x, target, { ...options, weight: weight.detach().requiresGrad_() }),
            [draw(shape)],
            1e-11,
            `${shape} ${reduction} ${labelSmoothing} ${ignoreIndex}`,
          );
        }
});
losses('extreme logits, empty batches, targets out of range', () => {
  const x = wick.tensor(
    [
      [1000, 0, -1000],
      [Number.NEGATIVE_INFINITY, 2, 3],
    ],
    { requiresGrad: true },
  );
  const loss = F.crossEntropy(x, wick.tensor([1, 2], { dtype: 'int64' }), { reduction: 'none' });
  near(loss, wick.tensor([1000, 0.31326168]), 1e-6, 'losses');
  loss.sum().backward();
  near(
    x.grad as Tensor,
    wick.tensor([
      [1, -1, 0],
      [0, 0.26894143, -0.26894143],
    ]),
    1e-6,
    'gradient',
  );
  const none = wick.zeros([0], { dtype: 'int64' });
  assert.ok(Number.isNaN(F.crossEntropy(wick.zeros([0, 3]), none).itemSync()));
  assert.is(F.crossEntropy(wick.zeros([0, 3]), none, { reduction: 'sum' }).itemSync(), 0);
  assert.throws(() => F.crossEntropy(wick.zeros([2, 3]), wick.tensor([0, 3], { dtype: 'int64' })), /crossEntropy: index 3 is out of range/);
});
losses.run();

const softmaxes = suite('softmax');
softmaxes('rows and columns of every length', () => {
  for (const n of [1, 2, 3, 7, 15, 16, 17, 31, 64, 100, 1000, 5000])
    for (const dtype of ['float32', 'float64'] as const) {
      const x = draw([3, n], dtype).detach();
      const exact = x.to('float64').sub(x.to('float64').amax(1, { keepdim: true }));
      const want = exact.exp().div(exact.exp().sum(1, { keepdim: true }));
      const tolerance = dtype === 'float32' ? 1e-6 : 1e-14;
      near(x.softmax(1), want, tolerance, `${n} ${dtype}`);
      near(x.T.contiguous().softmax(0).T, want, tolerance, `${n} ${dtype}, columns`);
      near(x.logSoftmax(1).exp(), want, tolerance * 10, `${n} ${dtype}, logarithm`);
    }
});
softmaxes('infinite logits', () => {
  const inf = Number.POSITIVE_INFINITY;
  const x = wick.tensor([
    [-inf, 0, -inf],
    [-inf, -inf, -inf],
    [Number.NaN, 1, 2],
    [inf, 1, 2],
    [1e30, -1e30, 1e30],
  ]);
  const nan = Number.NaN;
  const want = wick.tensor([
    [0, 1, 0],
    [nan, nan, nan],
    [nan, nan, nan],
    [nan, nan, nan],
    [0.5, 0, 0.5],
  ]);
  near(x.softmax(1), want, 0, 'rows');
  near(x.T.contiguous().softmax(0).T, want, 0, 'columns');
});
softmaxes.run();
