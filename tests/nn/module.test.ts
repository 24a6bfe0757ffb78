import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ones, StateError, type Tensor, tensor, ValueError, zeros } from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';

const isA =
  (type: abstract new (...args: never[]) => Error) =>
  (error: unknown): boolean =>
    error instanceof type;

class Net extends nn.Module {
  hidden = new nn.Linear(3, 4);
  norm = new nn.BatchNorm1d(4);
  out = new nn.Linear(4, 2, { bias: false });
  scale = nn.parameter(ones([1]));
  override forward(x: Tensor): Tensor {
    return this.out.forward(this.norm.forward(this.hidden.forward(x).relu())).mul(this.scale);
  }
}

const modules = suite('Module');

modules('names parameters and buffers in PyTorch order', () => {
  const net = new Net();
  assert.equal(Object.keys(net.stateDict()), [
    'scale',
    'hidden.weight',
    'hidden.bias',
    'norm.weight',
    'norm.bias',
    'norm.running_mean',
    'norm.running_var',
    'norm.num_batches_tracked',
    'out.weight',
  ]);
  assert.equal(
    Array.from(net.namedModules(), ([name]) => name),
    ['', 'hidden', 'norm', 'out'],
  );
  assert.equal(net.parameters().length, 6);
  assert.equal(net.buffers().length, 3);
  assert.is(net.norm.runningMean, Array.from(net.namedBuffers())[0][1]);
});

modules('lists a shared parameter once, and its keys twice', () => {
  const net = new nn.Sequential(new nn.Linear(2, 2), new nn.Linear(2, 2));
  (net[1] as nn.Linear).weight = (net[0] as nn.Linear).weight;
  assert.equal(
    Array.from(net.namedParameters(), ([k]) => k),
    ['0.weight', '0.bias', '1.bias'],
  );
  assert.equal(Object.keys(net.stateDict()), ['0.weight', '0.bias', '1.weight', '1.bias']);
});

modules('moves a state dict between models; the copies are their own', () => {
  const a = new Net();
  const b = new Net();
  b.loadStateDict(a.stateDict());
  a.eval();
  b.eval();
  const x = tensor([[1, -2, 3]]);
  assert.equal(b.forward(x).arraySync(), a.forward(x).arraySync());
  nn.init.zeros_(a.hidden.weight);
  assert.not.equal(b.hidden.weight.arraySync(), a.hidden.weight.arraySync());
});

modules('names every problem of a state dict and copies nothing', () => {
  const net = new Net();
  const before = net.hidden.weight.arraySync();
  const { scale: _, ...dict } = net.stateDict();
  const wrong = { ...dict, 'hidden.weight': zeros([3, 3]), extra: zeros([1]), 'hidden.bias': ones([4]) };
  try {
    net.loadStateDict(wrong);
    assert.unreachable('it loaded');
  } catch (error) {
    assert.instance(error, StateError);
    assert.match((error as Error).message, /missing keys: scale/);
    assert.match((error as Error).message, /unexpected keys: extra/);
    assert.match((error as Error).message, /'hidden.weight' has shape \[3, 3\] in the state dict, \[4, 3\] in the module/);
  }
  assert.equal(net.hidden.weight.arraySync(), before);
  assert.throws(() => net.loadStateDict(wrong, { strict: false }), /hidden.weight/);
  const { 'hidden.weight': __, ...rest } = wrong;
  assert.equal(net.loadStateDict(rest, { strict: false }), { missingKeys: ['scale', 'hidden.weight'], unexpectedKeys: ['extra'] });
  assert.equal(net.hidden.bias?.arraySync(), [1, 1, 1, 1]);
});

modules('runs hooks around forward until they are removed', () => {
  const layer = new nn.Linear(2, 2);
  const seen: string[] = [];
  const before = layer.registerForwardPreHook((_, [x]) => {
    seen.push('before');
    return [(x as Tensor).mul(0)];
  });
  const after = layer.registerForwardHook((_, __, y) => {
    seen.push('after');
    return (y as Tensor).add(1);
  });
  const bias = layer.bias as Tensor;
  assert.equal(layer.forward(ones([1, 2])).arraySync(), [bias.add(1).arraySync()]);
  before();
  after();
  layer.forward(ones([1, 2]));
  assert.equal(seen, ['before', 'after']);
});

modules('switches modes, freezes, casts', () => {
  const net = new Net().eval();
  assert.not(net.norm.training);
  net.train();
  assert.ok(net.norm.training);
  net.requiresGrad_(false);
  assert.ok(net.parameters().every((p) => !p.requiresGrad));
  net.to('float64');
  assert.is(net.hidden.weight.dtype, 'float64');
  assert.is(net.norm.runningVar?.dtype, 'float64');
  assert.is(net.norm.numBatchesTracked?.dtype, 'int64');
  assert.ok(net.parameters().every((p) => !p.requiresGrad));
});

modules('prints like PyTorch and sums up', () => {
  const net = new nn.Sequential(new nn.Conv2d(1, 2, 3, { padding: 1 }), new nn.ReLU(), new nn.Flatten(), new nn.Linear(32, 5));
  assert.is(
    net.toString(),
    'Sequential(\n  (0): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))\n  (1): ReLU()\n  (2): Flatten(start_dim=1, end_dim=-1)\n  (3): Linear(in_features=32, out_features=5, bias=True)\n)',
  );
  const text = net.summary([1, 1, 4, 4]);
  assert.match(text, /0: Conv2d\s+\[1, 2, 4, 4\]\s+20/);
  assert.match(text, /3: Linear\s+\[1, 5\]\s+165/);
  assert.match(text, /185 parameters \(185 trained\)/);
  assert.ok(net.training, 'the mode is as before');
});

modules('refuses names that it cannot keep', () => {
  const net = new nn.Module();
  assert.throws(() => net.registerModule('a.b', new nn.ReLU()), isA(ValueError));
  assert.throws(() => net.registerModule('forward', new nn.ReLU()), isA(ValueError));
  assert.throws(() => net.forward(), isA(StateError));
});

modules.run();

const containers = suite('containers');

containers('hold modules and parameters by number and by name', () => {
  const list = new nn.ModuleList([new nn.Linear(1, 1), new nn.ReLU()]);
  assert.is(list.length, 2);
  assert.instance(list[1], nn.ReLU);
  assert.instance(list.at(-1), nn.ReLU);
  assert.equal(
    Array.from(list.namedParameters(), ([k]) => k),
    ['0.weight', '0.bias'],
  );
  const dict = new nn.ModuleDict({ left: new nn.Linear(1, 1), right_side: new nn.ReLU() });
  assert.equal(dict.keys(), ['left', 'right_side']);
  assert.instance(dict.get('right_side'), nn.ReLU);
  assert.throws(() => dict.get('up'), isA(ValueError));
  const params = new nn.ParameterList([zeros([2]), ones([3])]);
  assert.is(params.parameters().length, 2);
  assert.ok(params[0].requiresGrad);
  const named = new nn.Sequential({ first: new nn.Linear(2, 3), second: new nn.Linear(3, 1) });
  assert.equal(Object.keys(named.stateDict()), ['first.weight', 'first.bias', 'second.weight', 'second.bias']);
  assert.equal(named.forward(zeros([4, 2])).shape, [4, 1]);
});

containers('mark parameters with and without new', () => {
  for (const p of [new nn.Parameter(zeros([2])), nn.Parameter(zeros([2])), nn.parameter(zeros([2]))]) {
    assert.ok(p instanceof nn.Parameter);
    assert.ok(p.requiresGrad && p.isLeaf);
  }
  assert.not(zeros([2]) instanceof nn.Parameter);
  assert.not(nn.parameter(zeros([2], { dtype: 'int64' })).requiresGrad);
});

containers.run();
