import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { StateError, scope, type Tensor, tensor, ValueError, zeros } from '../../ts/index.ts';
import { parameter } from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';

const isA =
  (type: abstract new (...args: never[]) => Error) =>
  (error: unknown): boolean =>
    error instanceof type;

type Any = optim.Optimizer<{ lr: number }>;
const start = (): Tensor => parameter(tensor([1, -2, 3], { dtype: 'float32' }));
const MAKERS: Record<string, (p: Tensor[]) => Any> = {
  SGD: (p) => new optim.SGD(p, { lr: 0.05, momentum: 0.9, nesterov: true }),
  Adam: (p) => new optim.Adam(p, { lr: 0.1, amsgrad: true }),
  AdamW: (p) => new optim.AdamW(p, { lr: 0.1 }),
  RMSprop: (p) => new optim.RMSprop(p, { lr: 0.05, centered: true, momentum: 0.5 }),
  Adagrad: (p) => new optim.Adagrad(p, { lr: 0.5 }),
  Adadelta: (p) => new optim.Adadelta(p, { lr: 10 }),
  Adamax: (p) => new optim.Adamax(p, { lr: 0.1 }),
  NAdam: (p) => new optim.NAdam(p, { lr: 0.1 }),
  RAdam: (p) => new optim.RAdam(p, { lr: 0.1 }),
  Rprop: (p) => new optim.Rprop(p, { lr: 0.1 }),
};
function run(optimizer: Any, p: Tensor, steps: number): void {
  for (let t = 0; t < steps; t++) {
    scope(() => {
      optimizer.zeroGrad();
      p.square().sum().backward();
      optimizer.step();
    });
  }
}

const optimizers = suite('optimizers');

for (const [name, make] of Object.entries(MAKERS)) {
  optimizers(`${name} goes downhill`, () => {
    const p = start();
    run(make([p]), p, 60);
    assert.ok(p.square().sum().itemSync() < 7, `${p.arraySync()}`);
  });
  optimizers(`${name} goes on from a state dict as if never stopped`, () => {
    const a = start();
    const whole = make([a]);
    run(whole, a, 6);
    const b = start();
    const first = make([b]);
    run(first, b, 3);
    const second = make([b]);
    second.loadStateDict(first.stateDict());
    run(second, b, 3);
    assert.equal(b.arraySync(), a.arraySync());
  });
}

optimizers('keep PyTorch layout and names', () => {
  const p = start();
  const adam = new optim.Adam([p], { weightDecay: 0.1 });
  run(adam as unknown as Any, p, 2);
  const { state, param_groups } = adam.stateDict();
  assert.equal(Object.keys(state[0]), ['step', 'exp_avg', 'exp_avg_sq']);
  assert.is((state[0].step as Tensor).itemSync(), 2);
  assert.is(param_groups[0].weight_decay, 0.1);
  assert.equal(param_groups[0].params, [0]);
});

optimizers('take groups, and refuse what is no parameter', () => {
  const [a, b] = [start(), start()];
  const sgd = new optim.SGD([{ params: [a] }, { params: b, lr: 0 }], { lr: 0.1 });
  for (const p of [a, b]) p.square().sum().backward();
  sgd.step();
  assert.not.equal(a.arraySync(), [1, -2, 3]);
  assert.equal(b.arraySync(), [1, -2, 3]);
  assert.throws(() => new optim.SGD([]), isA(ValueError));
  assert.throws(() => sgd.addParamGroup({ params: [a] }), /given twice/);
  assert.throws(() => new optim.SGD([a.mul(2)]), isA(ValueError));
  assert.throws(() => new optim.SGD([a], { lr: -1 }), /lr -1/);
  assert.throws(() => new optim.SGD([a], { nesterov: true }), isA(ValueError));
  assert.throws(() => new optim.Adam([a], { betas: [1, 0.9] }), /betas\[0\]/);
  assert.throws(() => new optim.LBFGS([a]).step(), isA(StateError));
  assert.throws(() => new optim.SGD([a]).loadStateDict({ state: {}, param_groups: [] }), isA(StateError));
});

optimizers('maximise on request, and fill gradients with zeros on request', () => {
  const p = start();
  const sgd = new optim.SGD([p], { lr: 0.5, maximize: true });
  p.sum().backward();
  sgd.step();
  assert.equal(p.arraySync(), [1.5, -1.5, 3.5]);
  sgd.zeroGrad({ setToNone: false });
  assert.equal((p.grad as Tensor).arraySync(), [0, 0, 0]);
  sgd.zeroGrad();
  assert.is(p.grad, null);
});

optimizers.run();

const schedules = suite('schedules');

schedules('go on from a state dict', () => {
  const make = (): [optim.SGD, optim.lrScheduler.LRScheduler] => {
    const sgd = new optim.SGD([parameter(zeros([1]))], { lr: 0.1, momentum: 0.9 });
    return [sgd, new optim.lrScheduler.OneCycleLR(sgd, { maxLr: 1, totalSteps: 20 })];
  };
  const [, a] = make();
  for (let t = 0; t < 9; t++) a.step();
  const [, b] = make();
  for (let t = 0; t < 4; t++) b.step();
  const [, c] = make();
  c.loadStateDict(b.stateDict());
  for (let t = 0; t < 5; t++) c.step();
  assert.equal(c.getLastLr(), a.getLastLr());
  assert.throws(() => {
    for (let t = 0; t < 30; t++) a.step();
  }, /totalSteps/);
});

schedules('cycle betas where there is no momentum, and refuse where there is neither', () => {
  const p = parameter(zeros([1]));
  const adam = new optim.Adam([p]);
  new optim.lrScheduler.OneCycleLR(adam, { maxLr: 1, totalSteps: 20 });
  assert.equal(adam.paramGroups[0].betas, [0.95, 0.999]);
  const adagrad = new optim.Adagrad([p]);
  assert.throws(() => new optim.lrScheduler.OneCycleLR(adagrad, { maxLr: 1, totalSteps: 20 }), /cycleMomentum/);
});

schedules.run();
