import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { manualSeed, ones, randn, ShapeError, StateError, type Tensor, tensor, ValueError, zeros } from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';

const isA =
  (type: abstract new (...args: never[]) => Error) =>
  (error: unknown): boolean =>
    error instanceof type;

const F = nn.functional;
const near = (a: number, b: number, tolerance: number = 1e-5): void => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);

const layers = suite('layers');

layers('start as PyTorch starts them', () => {
  manualSeed(1);
  const linear = new nn.Linear(100, 200);
  near(linear.weight.abs().amax().itemSync(), 0.1, 1e-3);
  assert.ok((linear.bias as Tensor).abs().amax().itemSync() <= 0.1);
  const conv = new nn.Conv2d(4, 8, 5);
  assert.ok(conv.weight.abs().amax().itemSync() <= 0.1);
  near(new nn.Embedding(1000, 10).weight.std().itemSync(), 1, 0.05);
  near(new nn.LSTM(3, 16).parameters()[0].abs().amax().itemSync(), 0.25, 0.02);
});

layers('drop and rescale only in training', () => {
  manualSeed(2);
  const drop = new nn.Dropout(0.25);
  const x = ones([100, 100]);
  const y = drop.forward(x);
  near(y.mean().itemSync(), 1, 0.05);
  near(y.eq(0).to('float32').mean().itemSync(), 0.25, 0.03);
  assert.is(drop.eval().forward(x), x);
  const planes = new nn.Dropout2d(0.5)
    .forward(ones([4, 8, 3, 3]))
    .mean([2, 3])
    .arraySync() as number[][];
  assert.ok(planes.flat().every((v) => v === 0 || v === 2));
  assert.throws(() => F.dropout(x, 2), isA(ValueError));
});

layers('embed, with a padding row and a largest norm', () => {
  const table = new nn.Embedding(5, 2, { paddingIdx: 1 });
  assert.equal(table.weight.select(0, 1).arraySync(), [0, 0]);
  table
    .forward(tensor([0, 1, 0], { dtype: 'int64' }))
    .sum()
    .backward();
  assert.equal((table.weight.grad as Tensor).arraySync(), [
    [2, 2],
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
  const short = new nn.Embedding(3, 2, { maxNorm: 1 });
  nn.init.constant_(short.weight, 3);
  short.forward(tensor([0], { dtype: 'int64' }));
  near(short.weight.select(0, 0).norm().itemSync(), 1, 1e-4);
  near(short.weight.select(0, 1).norm().itemSync(), Math.sqrt(18), 1e-4);
});

layers('refuse shapes that do not fit and say which', () => {
  assert.throws(() => new nn.Linear(3, 2).forward(zeros([1, 4])), /\[1, 4\]/);
  assert.throws(() => new nn.BatchNorm2d(3).forward(zeros([2, 3])), isA(ShapeError));
  assert.throws(() => new nn.BatchNorm1d(3).forward(zeros([1, 3])), /more than one value per channel/);
  assert.throws(() => new nn.LSTM(3, 4).forward(zeros([5, 2, 2])), /inputSize 3/);
  assert.throws(() => new nn.MultiheadAttention(5, 2), isA(ValueError));
  assert.throws(() => new nn.Conv2d(3, 4, 3, { groups: 2 }), isA(ValueError));
  assert.throws(() => F.crossEntropy(zeros([2, 3]), zeros([3], { dtype: 'int64' })), isA(ShapeError));
  assert.throws(() => F.mseLoss(zeros([1]), zeros([1]), { reduction: 'avg' as never }), isA(ValueError));
  assert.throws(() => F.layerNorm(zeros([2, 3]), [4]), isA(ShapeError));
});

layers('keep the size with padding same, also for even kernels', () => {
  assert.equal(new nn.Conv2d(1, 2, 4, { padding: 'same' }).forward(zeros([1, 1, 7, 6])).shape, [1, 2, 7, 6]);
  assert.equal(new nn.Conv1d(1, 2, 3, { padding: 'same', dilation: 2, paddingMode: 'circular' }).forward(zeros([1, 9])).shape, [2, 9]);
});

layers('attend to nothing later under the causal mask', () => {
  manualSeed(3);
  const [q, k, v] = [randn([1, 2, 4, 8]), randn([1, 2, 4, 8]), randn([1, 2, 4, 8])];
  const y = F.scaledDotProductAttention(q, k, v, { isCausal: true });
  assert.equal(y.select(2, 0).arraySync(), v.select(2, 0).arraySync());
  const keepOut = F.futureMask(4);
  const masked = F.scaledDotProductAttention(q, k, v, { attnMask: keepOut.logicalNot() });
  assert.ok(y.sub(masked).abs().amax().itemSync() < 1e-6);
});

layers.run();

const losses = suite('losses');

losses('agree with values worked out by hand', () => {
  const logits = tensor([
    [1, 2, 3],
    [1, 1, 1],
  ]);
  const target = tensor([2, 0], { dtype: 'int64' });
  const first = Math.log(Math.exp(1) + Math.exp(2) + Math.exp(3)) - 3;
  near(F.crossEntropy(logits, target).itemSync(), (first + Math.log(3)) / 2);
  near(F.crossEntropy(logits, target, { weight: tensor([2, 1, 1]) }).itemSync(), (first + 2 * Math.log(3)) / 3);
  near(F.crossEntropy(logits, target, { ignoreIndex: 0 }).itemSync(), first);
  const oneHot = tensor(
    [
      [0, 0, 1],
      [1, 0, 0],
    ],
    { dtype: 'float32' },
  );
  near(F.crossEntropy(logits, oneHot).itemSync(), (first + Math.log(3)) / 2);
  near(F.binaryCrossEntropy(tensor([0.5, 1]), tensor([1, 0], { dtype: 'float32' })).itemSync(), (Math.log(2) + 100) / 2, 1e-4);
  near(F.huberLoss(tensor([0.5, 3]), zeros([2])).itemSync(), (0.125 + 2.5) / 2);
});

losses.run();

const init = suite('init');

init('fills with the deviation it names', () => {
  manualSeed(4);
  const w = zeros([300, 200]);
  near(nn.init.kaimingNormal_(w, { nonlinearity: 'relu' }).std().itemSync(), Math.sqrt(2 / 200), 2e-3);
  near(nn.init.xavierUniform_(w).abs().amax().itemSync(), Math.sqrt(6 / 500), 1e-3);
  const cut = nn.init.truncNormal_(w, { std: 2, a: -1, b: 1 });
  assert.ok(cut.abs().amax().itemSync() <= 1);
  assert.equal(nn.init.eye_(zeros([2, 2])).arraySync(), [
    [1, 0],
    [0, 1],
  ]);
  const q = nn.init.orthogonal_(zeros([3, 5]));
  assert.ok(
    q
      .matmul(q.t())
      .sub(nn.init.eye_(zeros([3, 3])))
      .abs()
      .amax()
      .itemSync() < 1e-5,
  );
  assert.equal(nn.init.calculateFanInAndFanOut(zeros([8, 4, 3, 3])), { fanIn: 36, fanOut: 72 });
  assert.throws(() => nn.init.xavierNormal_(zeros([3])), isA(ShapeError));
  near(nn.init.calculateGain('leakyRelu', 0.2), Math.sqrt(2 / 1.04));
});

init.run();

const clip = suite('clipping');

clip('scales gradients to a norm and refuses infinities when asked', () => {
  const p = nn.parameter(zeros([2]));
  p.grad = tensor([3, 4], { dtype: 'float32' });
  near(nn.clipGradNorm_([p], 1).itemSync(), 5);
  near((p.grad as Tensor).norm().itemSync(), 1, 1e-5);
  p.grad = tensor([3, Number.POSITIVE_INFINITY]);
  assert.throws(() => nn.clipGradNorm_(p, 1, { errorIfNonfinite: true }), isA(StateError));
  p.grad = tensor([-3, 0.5]);
  nn.clipGradValue_(p, 1);
  assert.equal((p.grad as Tensor).arraySync(), [-1, 0.5]);
});

clip.run();
