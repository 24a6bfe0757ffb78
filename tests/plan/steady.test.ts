import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { load, save } from '../../ts/formats/plan.ts';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';

const test = suite('steady parts of plans');
type Tensor = wick.Tensor;
const values = (x: Tensor): number[] => Array.from(x.contiguous().dataSync() as Float32Array);
const onceOf = (plan: wick.Plan): string[] => {
  const parts = plan.print().split('\n\n');
  return parts.length === 2 ? parts[0].split('\n') : [];
};

test('what depends on state alone is computed when the state changes, with the bits of eager calls', () => {
  wick.scope(() => {
    const [w, x] = [wick.randn([5, 4]), wick.randn([3, 4])];
    const eager = (y: Tensor): Tensor => y.matmul(w.t().mul(2).exp()).add(wick.tensor([1, 2, 3, 4, 5]).sqrt());
    const fn = wick.compile(eager);
    const before = values(fn(x));
    assert.equal(values(fn(x)), before);
    const once = onceOf(fn.plans[0]);
    assert.is(once.length, 3, fn.plans[0].print());
    assert.ok(['mul', 'exp', 'sqrt'].every((name) => once.some((line) => line.includes(`= ${name}(`))));
    assert.is(fn.plans[0].stats().calls, 2);
    w.mul_(3);
    assert.equal(values(fn(x)), values(eager(x)));
    assert.not.equal(values(fn(x)), before);
    const again = load(save(fn.plans[0]));
    for (let i = 0; i < 2; i++) assert.equal(values(again(x) as Tensor), values(eager(x)));
    again.dispose();
    fn.dispose();
  });
});

test('a step that changes its weights, random numbers and fills are of every run', () => {
  wick.scope(() => {
    const w = wick.randn([4]);
    const step = wick.compile((x: Tensor) => {
      const y = w
        .mul(2)
        .add(x)
        .add(wick.rand([4]))
        .add(wick.full([4], 3));
      wick.noGrad(() => w.add_(1));
      return y;
    });
    const x = wick.zeros([4]);
    for (let i = 0; i < 3; i++) step(x);
    assert.equal(onceOf(step.plans[0]), []);
    step.dispose();
  });
});

test('steady results are freed with the plan', () => {
  const w = wick.randn([64, 64]);
  const x = wick.randn([8, 64]);
  const bytes = (): number => {
    wick.reclaim();
    return wick.memory().live;
  };
  const live = bytes();
  const fn = wick.compile((y: Tensor) => y.matmul(w.exp()));
  for (let i = 0; i < 3; i++) fn(x).dispose();
  assert.ok(bytes() - live >= 64 * 64 * 4);
  fn.dispose();
  assert.is(bytes(), live);
  for (const t of [w, x]) t.dispose();
});

/** A network whose norms have statistics and weights worth folding. */
function normed(...parts: nn.Module[]): nn.Sequential {
  const model = new nn.Sequential(...parts);
  wick.noGrad(() => {
    for (const part of parts)
      if (part instanceof nn.BatchNorm2d || part instanceof nn.BatchNorm1d)
        for (const t of [part.weight, part.bias, part.runningMean, part.runningVar])
          (t as Tensor | null)?.copy_(wick.rand([part.runningMean?.numel ?? 0]).add(0.5));
  });
  return model.eval() as nn.Sequential;
}
const close = (a: number[], b: number[], at: string): void =>
  a.forEach((x, i) => assert.ok(Math.abs(x - b[i]) <= 1e-5 + 1e-5 * Math.abs(b[i]), `${at}: ${x} and ${b[i]}`));

test('exact: false folds batch norms into what comes before them, and says so', () => {
  wick.scope(() => {
    const cases: [string, nn.Sequential, Tensor, number][] = [
      [
        'bias, groups, relu6',
        normed(new nn.Conv2d(4, 8, 3, { groups: 2 }), new nn.BatchNorm2d(8), new nn.ReLU6()),
        wick.randn([2, 4, 7, 7]),
        1,
      ],
      [
        'no bias, no weight',
        normed(new nn.Conv2d(4, 8, 1, { bias: false }), new nn.BatchNorm2d(8, { affine: false })),
        wick.randn([2, 4, 5, 5]),
        1,
      ],
      [
        'depthwise, twice',
        normed(new nn.Conv2d(6, 6, 3, { groups: 6 }), new nn.BatchNorm2d(6), new nn.ReLU(), new nn.Conv2d(6, 5, 1), new nn.BatchNorm2d(5)),
        wick.randn([1, 6, 6, 6]),
        2,
      ],
      ['linear', normed(new nn.Linear(5, 7), new nn.BatchNorm1d(7)), wick.randn([3, 5]), 1],
      ['nothing before', normed(new nn.BatchNorm2d(3), new nn.Conv2d(3, 4, 1)), wick.randn([2, 3, 4, 4]), 0],
    ];
    for (const [name, model, x, count] of cases) {
      const eager = (): number[] => wick.noGrad(() => values(model.forward(x) as Tensor));
      const fn = wick.compile((y: Tensor) => wick.noGrad(() => model.forward(y) as Tensor), { exact: false });
      for (let i = 0; i < 3; i++) close(values(fn(x)), eager(), name);
      const [plan] = fn.plans;
      assert.is(plan.changes.length, count, `${name}\n${plan.print()}`);
      assert.is(wick.explain(fn as never)[0].changes.length, count);
      const each = plan.print().split('\n\n').at(-1) as string;
      assert.is(/normalization/.test(each), count === 0, each);
      assert.is(/(relu|clamp)\(/.test(each), false, each);
      const loaded = load(save(plan));
      close(values(loaded(x) as Tensor), eager(), name);
      assert.equal(loaded.plan.changes, plan.changes);
      // New statistics reach the folded weights.
      wick.noGrad(() => {
        for (const p of model.buffers()) if (p.dtype === 'float32') p.mul_(1.5);
      });
      close(values(fn(x)), eager(), name);
      const exact = wick.compile((y: Tensor) => wick.noGrad(() => model.forward(y) as Tensor));
      for (let i = 0; i < 2; i++) assert.equal(values(exact(x)), eager());
      assert.equal(exact.plans[0].changes, []);
      for (const f of [fn, exact, loaded]) f.dispose();
    }
  });
});

test('a norm whose input is read elsewhere stays', () => {
  wick.scope(() => {
    const conv = new nn.Conv2d(2, 3, 1);
    const norm = normed(new nn.BatchNorm2d(3));
    const run = (x: Tensor): Tensor =>
      wick.noGrad(() => {
        const y = conv.forward(x);
        return (norm.forward(y) as Tensor).add(y);
      });
    const fn = wick.compile(run, { exact: false });
    const x = wick.randn([1, 2, 4, 4]);
    for (let i = 0; i < 2; i++) assert.equal(values(fn(x)), values(run(x)));
    assert.equal(fn.plans[0].changes, []);
    fn.dispose();
  });
});

test.run();
