import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';

const test = suite('compile');
type Tensor = wick.Tensor;

const drawn = (shape: number[], seed: number): Tensor => {
  const generator = new wick.Generator(seed);
  return wick.randn(shape, { generator });
};
const plain = (x: Tensor): (number | bigint)[] => Array.from(x.contiguous().dataSync() as Float32Array);
const bits = (x: Tensor): string => plain(x).join(' ');

/** The same calls of a function and of its compiled form give the same bits; the plan is in use from the third call on at the latest. */
function agrees(fn: (...xs: Tensor[]) => Tensor, calls: Tensor[][], plans: number = 1): void {
  const compiled = wick.compile(fn);
  wick.scope(() => {
    for (const xs of calls) assert.is(bits(wick.scope(() => compiled(...xs))), bits(wick.scope(() => fn(...xs))));
  });
  assert.is(compiled.plans.length, plans, JSON.stringify(wick.explain(compiled)));
  compiled.dispose();
}

test('inference: elementwise chains, reductions, views, dtypes', () => {
  const calls = [1, 2, 3].map((seed) => [drawn([6, 10], seed), drawn([10], seed + 9)]);
  agrees((x, y) => x.mul(2).add(y).relu().sub(1).exp(), calls);
  agrees((x, y) => x.t().matmul(x).softmax(-1).add(y).sum(0), calls);
  agrees((x) => x.reshape([3, 20]).narrow(1, 2, 7).t().cumsum(0), calls);
  agrees((x, y) => x.to('float16').mul(y.to('bfloat16')).to('float32'), calls);
  agrees((x) => x.argmax(1).add(wick.arange(6)).to('float32'), calls);
  agrees((x) => wick.tensor([1, 2, 3, 4, 5, 6]).unsqueeze(1).mul(x), calls);
  agrees((x, y) => x.eq(y).logicalNot().to('int32').sum(), calls);
  agrees((x, y) => wick.where(x.gt(0), x, y).sort(1).values, calls);
});

const networks: Record<string, () => { model: nn.Module; input: Tensor }> = {
  mlp: () => ({ model: new nn.Sequential(new nn.Linear(12, 20), new nn.ReLU(), new nn.Linear(20, 5)), input: drawn([7, 12], 1) }),
  cnn: () => ({
    model: new nn.Sequential(
      new nn.Conv2d(1, 6, 3, { padding: 1 }),
      new nn.BatchNorm2d(6),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Conv2d(6, 8, 3),
      new nn.Flatten(),
      new nn.Dropout(0.3),
      new nn.Linear(8 * 2 * 2, 5),
    ),
    input: drawn([7, 1, 8, 8], 2),
  }),
  lstm: () => ({ model: new Last(), input: drawn([7, 5, 4], 3) }),
  transformer: () => ({
    model: new nn.Sequential(
      new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, dropout: 0.1, batchFirst: true }),
      new nn.Flatten(),
      new nn.Linear(40, 5),
    ),
    input: drawn([7, 5, 8], 4),
  }),
};
class Last extends nn.Module {
  lstm = new nn.LSTM(4, 6, { batchFirst: true });
  out = new nn.Linear(6, 5);
  override forward(x: Tensor): Tensor {
    const [y] = this.lstm.forward(x);
    return this.out.forward(y.select(1, -1));
  }
}

test('every network infers alike', () => {
  for (const [name, make] of Object.entries(networks))
    wick.scope(() => {
      const { model, input } = make();
      model.eval();
      const compiled = wick.compile(model as { forward(x: Tensor): Tensor });
      const eager = wick.noGrad(() => bits(model.forward(input)));
      for (let i = 0; i < 3; i++)
        assert.is(
          wick.noGrad(() => bits(compiled(input))),
          eager,
          name,
        );
      assert.is(compiled.plans.length, 1, `${name}: ${JSON.stringify(wick.explain(compiled))}`);
      compiled.dispose();
    });
});

/** Losses and weights after some steps whose rate changes half-way. */
function trained(
  make: () => { model: nn.Module; input: Tensor },
  opt: (p: Iterable<Tensor>) => optim.Optimizer,
  compiled: boolean,
): unknown[] {
  return wick.scope(() => {
    wick.manualSeed(3);
    const { model, input } = make();
    const optimizer = opt(model.parameters());
    const target = wick.arange(input.shape[0]).remainder(5);
    wick.manualSeed(4);
    const step = (x: Tensor, y: Tensor): Tensor => {
      optimizer.zeroGrad();
      const loss = nn.functional.crossEntropy(model.forward(x) as Tensor, y);
      loss.backward();
      optimizer.step();
      return loss;
    };
    const run = compiled ? wick.compile(step) : step;
    const seen: unknown[] = [];
    for (let i = 0; i < 8; i++) {
      if (i === 5) for (const g of optimizer.paramGroups) g.lr /= 3;
      seen.push(wick.scope(() => bits(run(input, target))));
    }
    if (compiled) seen.push(wick.explain(run as never).map((e) => e.runs));
    for (const p of model.parameters()) seen.push(bits(p), bits(p.grad as Tensor));
    for (const b of model.buffers()) seen.push(bits(b));
    for (const state of optimizer.state.values()) for (const v of Object.values(state)) seen.push(typeof v === 'number' ? v : bits(v));
    return seen;
  });
}
const optimizers: Record<string, [(p: Iterable<Tensor>) => optim.Optimizer, planned: boolean]> = {
  SGD: [(p) => new optim.SGD(p, { lr: 0.05 }), true],
  momentum: [(p) => new optim.SGD(p, { lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 0.01 }), true],
  Adam: [(p) => new optim.Adam(p, { lr: 0.01 }), true],
  amsgrad: [(p) => new optim.AdamW(p, { lr: 0.01, amsgrad: true }), true],
  RMSprop: [(p) => new optim.RMSprop(p, { lr: 0.01, momentum: 0.5, centered: true }), true],
  Adagrad: [(p) => new optim.Adagrad(p, { lr: 0.05, lrDecay: 0.1 }), true],
  Adadelta: [(p) => new optim.Adadelta(p, { lr: 0.5, weightDecay: 0.01 }), true],
  Adamax: [(p) => new optim.Adamax(p, { lr: 0.01, maximize: true }), true],
  NAdam: [(p) => new optim.NAdam(p, { lr: 0.01, weightDecay: 0.01, decoupledWeightDecay: true }), true],
  // Rectified from its sixth step on.
  RAdam: [(p) => new optim.RAdam(p, { lr: 0.01, weightDecay: 0.01, decoupledWeightDecay: true }), true],
  Rprop: [(p) => new optim.Rprop(p, { lr: 0.01 }), true],
};

test('training steps: every network with Adam, every optimizer with the mlp', () => {
  const check = (name: string, make: (typeof networks)[string], [opt, planned]: (typeof optimizers)[string]): void => {
    const eager = trained(make, opt, false);
    const plan = trained(make, opt, true);
    const runs = plan.splice(8, 1)[0] as string[];
    assert.is(runs[0] === 'plan', planned, `${name}: ${runs}`);
    assert.equal(plan, eager, name);
  };
  for (const [name, make] of Object.entries(networks)) check(name, make, optimizers.Adam);
  for (const [name, entry] of Object.entries(optimizers)) check(name, networks.mlp, entry);
});

test('the bits do not depend on the number of threads', () => {
  const fn = wick.compile((a: Tensor, b: Tensor) => a.matmul(b).relu().add(1).log().sum(0));
  const [a, b] = [drawn([300, 200], 1), drawn([200, 260], 2)];
  const seen = new Set<string>();
  try {
    for (const n of [1, 2, 4]) {
      wick.setThreads(n);
      for (let i = 0; i < 3; i++) seen.add(wick.scope(() => bits(fn(a, b))));
    }
  } finally {
    wick.setThreads(2);
  }
  assert.is(seen.size, 1);
  fn.dispose();
});

test('a plan allocates its results alone, and dispose gives its memory back', () => {
  wick.scope(() => {
    const x = drawn([64, 64], 1);
    const before = wick.memory().live;
    const fn = wick.compile((y: Tensor) => y.exp().matmul(y.relu()).matmul(y.neg()).tanh());
    for (let i = 0; i < 3; i++) fn(x).dispose();
    const { live, allocations } = wick.memory();
    for (let i = 0; i < 50; i++) fn(x).dispose();
    assert.is(wick.memory().live, live);
    assert.is(wick.memory().allocations - allocations, 50);
    const stats = fn.plans[0].stats();
    assert.ok(stats.arena <= stats.live * 1.1, JSON.stringify(stats));
    fn.dispose();
    assert.is(wick.memory().live, before);
  });
});

test('each kind of call has its plan: shapes, numbers, containers, gradient mode', () => {
  wick.scope(() => {
    const fn = wick.compile((x: Tensor, { by, list }: { by: number; list: Tensor[] }) => ({ y: x.mul(by), z: [list[0].add(x), x] }));
    for (const shape of [[3], [4], [3]])
      for (const by of [2, 5]) {
        const x = drawn(shape, by);
        const { y, z } = fn(x, { by, list: [x.neg()] });
        assert.equal([plain(y), plain(z[0])], [plain(x.mul(by)), plain(x.neg().add(x))]);
        assert.ok(z[1] === x || bits(z[1]) === bits(x));
      }
    assert.is(fn.plans.length, 4);
    assert.match(wick.explain(fn)[0].signature, /float32\[3\].*by: 5.*list/);
    assert.match(fn.plans[0].print(), /mul\(in0:float32\[3\], 5\)/);
    fn.dispose();
  });
});

test('results may be arguments, views of them, views of state or of what was computed', () => {
  wick.scope(() => {
    const state = drawn([4, 4], 7);
    const fn = wick.compile((x: Tensor) => [x, x.t(), state.select(0, 1), x.mul(2).select(0, 1), x.mul(2)] as const);
    for (let i = 0; i < 3; i++) {
      const x = drawn([4, 4], i);
      const [a, b, c, d, e] = fn(x);
      assert.equal([a, b, c, d, e].map(plain), [x, x.t(), state.select(0, 1), x.mul(2).select(0, 1), x.mul(2)].map(plain));
      state.add_(1);
      assert.equal(plain(c), plain(state.select(0, 1)), 'a view of state sees its changes');
    }
    fn.dispose();
  });
});

test('arguments and state that change in place, an offset argument, aliases', () => {
  wick.scope(() => {
    const total = wick.zeros([3]);
    const fn = wick.compile((x: Tensor) => {
      total.add_(x);
      x.mul_(2);
      return total.sum();
    });
    const base = drawn([6, 3], 1);
    const expected = new Float32Array(3);
    for (let i = 0; i < 5; i++) {
      const row = base.select(0, i);
      plain(row).forEach((v, k) => {
        expected[k] += v as number;
      });
      const doubled = plain(row.mul(2));
      fn(row);
      assert.equal(plain(row), doubled);
    }
    assert.equal(plain(total), Array.from(expected));
    fn.dispose();
    const two = wick.compile((x: Tensor, y: Tensor) => x.add(y));
    for (let i = 0; i < 3; i++) assert.equal(plain(two(base, base)), plain(base.mul(2)));
    const shared = wick.compile((x: Tensor, y: Tensor) => x.add_(1).add(y));
    for (let i = 0; i < 3; i++) {
      const x = drawn([3], i);
      const y = x.view([3]);
      assert.equal(plain(shared(x, y)), plain(drawn([3], i).add(1).mul(2)));
    }
    assert.match(wick.explain(shared)[0].runs, /share memory/);
  });
});

test('gradients accumulate as they do eagerly where the function does not drop them', () => {
  const grads = (compiled: boolean): unknown => {
    const w = wick.tensor([1, 2, 3], { requiresGrad: true });
    const step = (x: Tensor): void => w.mul(x).sum().backward();
    const run = compiled ? wick.compile(step) : step;
    const seen: unknown[] = [];
    for (let i = 0; i < 7; i++) {
      if (i === 4) w.grad = null;
      wick.scope(() => run(drawn([3], i)));
      seen.push(plain(w.grad as unknown as Tensor));
    }
    return seen;
  };
  assert.equal(grads(true), grads(false));
});

test('train and eval have plans of their own conditions', () => {
  wick.scope(() => {
    const model = new nn.Sequential(new nn.BatchNorm1d(3), new nn.Dropout(0.5));
    const fn = wick.compile((x: Tensor) => wick.noGrad(() => model.forward(x) as Tensor));
    const x = drawn([8, 3], 1);
    for (const mode of [true, false, true, false]) {
      model.train(mode);
      wick.manualSeed(1);
      const compiled = [1, 2, 3].map(() => bits(fn(x)));
      if (!mode) assert.is(new Set(compiled).size, 1);
      else assert.is(new Set(compiled).size, 3, 'dropout draws anew');
    }
    fn.dispose();
  });
});

test('what a plan cannot hold is told', () => {
  wick.scope(() => {
    const x = drawn([3], 1);
    const reads = wick.compile((y: Tensor) => (y.sum().itemSync() > 0 ? y : y.neg()));
    assert.throws(
      () => reads(x),
      (e: Error) => e instanceof wick.StateError && /value is read while the function is captured/.test(e.message),
    );
    const optimizer = new optim.SGD([wick.zeros([3], { requiresGrad: true })]);
    const scheduler = new optim.lrScheduler.StepLR(optimizer, { stepSize: 2 });
    assert.throws(() => wick.compile(() => scheduler.step())(), /scheduler.step\(\) changes state.*outside/);
    assert.throws(() => wick.compile(() => wick.manualSeed(1) && x)(), /manualSeed/);
    const w = wick.ones([3], { requiresGrad: true });
    const open = wick.compile((y: Tensor) => y.mul(w));
    const y = open(x);
    y.sum().backward();
    assert.equal(plain(w.grad as unknown as Tensor), plain(x));
    assert.match(wick.explain(open)[0].runs, /wants a gradient/);
    assert.throws(() => wick.explain((() => 1) as never), /does not come from compile/);
    const gone = wick.compile((z: Tensor) => z.add(1));
    gone(x);
    const dead = drawn([3], 2);
    dead.dispose();
    assert.throws(() => gone(dead), /disposed/);
  });
});

test('an error while a plan runs names its op, and the engine goes on', () => {
  wick.scope(() => {
    const weight = drawn([4, 2], 1);
    const fn = wick.compile((i: Tensor) => nn.functional.embedding(i, weight).relu().sum(0));
    const good = wick.tensor([0n, 3n, 1n]);
    const expected = plain(fn(good));
    for (let k = 0; k < 3; k++) {
      assert.throws(
        () => fn(wick.tensor([0n, 9n, 1n])),
        (e: Error) => e instanceof wick.IndexError && /embedding: index 9/.test(e.message),
      );
      assert.equal(plain(fn(good)), expected);
    }
    fn.dispose();
  });
});

test('a profile times every step, and its results are freed', () => {
  wick.scope(() => {
    const fn = wick.compile((x: Tensor) => x.matmul(x).relu().add(1).sum(0));
    const x = drawn([20, 20], 1);
    for (let i = 0; i < 2; i++) fn(x).dispose();
    const { live } = wick.memory();
    const profile = fn.plans[0].profile(x);
    assert.equal(
      profile.map((s) => s.name),
      ['matmul', 'relu add', 'sum'],
    );
    assert.ok(profile.every((s, i) => s.duration >= 0 && (i === 0 || s.start >= profile[i - 1].start)));
    assert.is(wick.memory().live, live);
    assert.throws(() => fn.plans[0].profile(drawn([3, 3], 1)), /made for .*float32\[20, 20\]/);
    fn.dispose();
  });
});

test('twins are computed once, what nobody reads is left out', () => {
  wick.scope(() => {
    const fn = wick.compile((x: Tensor) => {
      x.exp().sum();
      return x.mul(2).exp().add(x.mul(2).exp());
    });
    const x = drawn([9], 1);
    const expected = plain(x.mul(2).exp().mul(2));
    for (let i = 0; i < 3; i++) assert.equal(plain(fn(x)), expected);
    assert.is(fn.plans[0].stats().calls, 3);
    assert.is(fn.plans[0].captured.split('\n').length, 7);
    fn.dispose();
  });
});

test.run();
