// Custom functions, gradcheck, checkpoints: what is built on the graph.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as autograd from '../../ts/autograd/index.ts';
import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';

const test = suite('autograd extensions');
const { StateError, ShapeError, DTypeError, tensor, ones, grad, noGrad } = wick;
const values = (x: Tensor | null): unknown => (x as Tensor).arraySync();
const leaf = (data: unknown): Tensor => tensor(data as number[], { dtype: 'float64', requiresGrad: true });
const throws = (fn: () => unknown, type: new (m: string) => Error, ...words: RegExp[]): void => {
  let error: unknown = null;
  try {
    fn();
  } catch (e) {
    error = e;
  }
  assert.instance(error, type, `expected a ${type.name}, got ${error}`);
  for (const w of words) assert.match((error as Error).message, w);
};

class Cube extends autograd.Function {
  static override forward(ctx: autograd.FunctionContext, x: Tensor): Tensor {
    ctx.saveForBackward(x);
    return x.mul(x).mul(x);
  }
  static override backward(ctx: autograd.FunctionContext, dy: Tensor): Tensor {
    const [x] = ctx.savedTensors as Tensor[];
    return dy.mul(x.mul(x).mul(3));
  }
}
class ScaledExp extends autograd.Function {
  static override forward(ctx: autograd.FunctionContext, x: Tensor, scale: number): Tensor[] {
    const y = x.exp().mul(scale);
    const whole = y.floor();
    ctx.saveForBackward(y);
    ctx.markNonDifferentiable(whole);
    ctx.needs = ctx.needsInputGrad;
    return [y, whole];
  }
  static override backward(ctx: autograd.FunctionContext, dy: Tensor, dw: Tensor): (Tensor | null)[] {
    assert.equal(ctx.needs, [true, false]);
    assert.equal(values(dw), [0, 0]);
    return [dy.mul((ctx.savedTensors as Tensor[])[0]), null];
  }
}

test('custom functions have the derivative they say', () => {
  const x = leaf([2, -1]);
  assert.ok(autograd.gradcheck((v) => Cube.apply(v), [x]));
  assert.ok(autograd.gradgradcheck((v) => Cube.apply(v), [x]));
  const [y, whole] = ScaledExp.apply(leaf([0, 1]), 2);
  assert.ok(y.requiresGrad && !whole.requiresGrad);
  assert.ok(autograd.gradcheck((v) => ScaledExp.apply(v, 2), [x]));
  assert.ok(autograd.gradgradcheck((v) => ScaledExp.apply(v, 2), [x]));
  assert.not.ok(noGrad(() => Cube.apply(x)).requiresGrad);
  const c = Cube.apply(x);
  c.sum().backward();
  throws(() => c.sum().backward(), StateError, /Cube/);
  class Short extends autograd.Function {
    static override forward(_: autograd.FunctionContext, a: Tensor, b: Tensor): Tensor {
      return a.add(b);
    }
    static override backward(_: autograd.FunctionContext, dy: Tensor): Tensor {
      return dy;
    }
  }
  throws(() => Short.apply(x, x).sum().backward(), StateError, /Short/, /1 gradients for 2 inputs/);
  class Wrong extends Cube {
    static override backward(): Tensor {
      return ones([5]);
    }
  }
  throws(() => Wrong.apply(x).sum().backward(), ShapeError, /Wrong/, /\[5\]/, /\[2\]/);
  class Same extends autograd.Function {
    static override forward(_: autograd.FunctionContext, a: Tensor): Tensor {
      return a;
    }
    static override backward(_: autograd.FunctionContext, dy: Tensor): Tensor {
      return dy.mul(2);
    }
  }
  assert.equal(values(grad(Same.apply(x).sum(), x)[0]), [2, 2]);
  assert.ok(x.isLeaf);
});

test('a saved value of a custom function is checked for changes', () => {
  const x = leaf([1, 2]);
  const h = x.mul(1);
  const y = Cube.apply(h).sum();
  h.add_(1);
  throws(() => y.backward(), StateError, /^Cube: /, /changed in place/);
});

test('gradcheck reports the worst element of a wrong derivative', () => {
  class Bad extends Cube {
    static override backward(ctx: autograd.FunctionContext, dy: Tensor): Tensor {
      return super.backward(ctx, dy).mul(
        tensor([
          [1, 1, 1],
          [1, 1, 2],
        ]),
      );
    }
  }
  const x = leaf([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  throws(() => autograd.gradcheck((v) => Bad.apply(v), [x]), wick.ValueError, /input 0/, /\[2, 3\]/, /\[1, 2\]/, /analytic/, /numeric/);
  throws(() => autograd.gradcheck((v) => v.mul(2), [tensor([1], { requiresGrad: true })]), DTypeError, /float64/);
  throws(() => autograd.gradcheck((v) => v.mul(2), [tensor([1])]), wick.ValueError, /requiresGrad/);
});

test('a graph outlives the scope that made it', () => {
  const x = leaf([0.5, 1]);
  const y = wick.scope(() => x.mul(2).exp().sin().sum());
  y.backward();
  const [g] = grad(
    wick.scope(() => x.mul(2).exp().sum()),
    x,
    { createGraph: true },
  );
  const want = [Math.E, Math.E * Math.E].map((e) => Math.cos(e) * e * 2);
  (values(x.grad) as number[]).forEach((v, i) => assert.ok(Math.abs(v - want[i]) < 1e-12));
  assert.ok((g as Tensor).requiresGrad);
  const [h] = grad((g as Tensor).sum(), x);
  assert.ok(Math.abs((values(h) as number[])[0] - 4 * Math.E) < 1e-12);
});

test('checkpoint: the same gradients for less memory', () => {
  const run = (on: boolean): { grads: unknown; held: number } => {
    wick.manualSeed(5);
    const w = Array.from({ length: 4 }, () => wick.randn([32, 32], { dtype: 'float64' }).mul(0.2).requiresGrad_());
    const x = wick.randn([64, 32], { dtype: 'float64' }).requiresGrad_();
    const live = (): number => (wick.backend() as unknown as { stats(): { live: number } }).stats().live;
    const before = live();
    const layers = (h: Tensor): Tensor => w.reduce((v, m) => v.matmul(m).gelu().dropout({ p: 0.3 }), h);
    const y = wick.scope(() => (on ? autograd.checkpoint(layers, x) : layers(x)));
    const held = live() - before;
    y.square().sum().backward();
    return { grads: [values(x.grad), ...w.map((m) => values(m.grad))], held };
  };
  const plain = run(false);
  const frugal = run(true);
  assert.equal(frugal.grads, plain.grads);
  assert.ok(frugal.held * 4 < plain.held, `${frugal.held} bytes held, ${plain.held} without checkpoint`);
});

test('checkpoint: second derivatives, draws, nesting, changed inputs', () => {
  const x = leaf([
    [0.3, -0.7],
    [1.1, 0.4],
  ]);
  const w = leaf([
    [0.5, 0.2],
    [-0.3, 0.8],
  ]);
  const f = (a: Tensor, b: Tensor): Tensor => autograd.checkpoint((p: Tensor, q: Tensor) => p.matmul(q).tanh().mul(p), a, b);
  assert.ok(autograd.gradcheck(f, [x, w]));
  assert.ok(autograd.gradgradcheck(f, [x, w]));
  const nested = (a: Tensor): Tensor =>
    autograd.checkpoint((p: Tensor) => autograd.checkpoint((q: Tensor) => q.sin().exp(), p.mul(2)).cos(), a);
  assert.ok(autograd.gradcheck(nested, [x]));
  wick.manualSeed(1);
  const y = autograd.checkpoint((p: Tensor) => p.exp().dropout({ p: 0.5 }), x);
  const after = values(wick.rand(3));
  y.sum().backward();
  assert.equal(values(x.grad), values(y));
  const next = values(wick.rand(3));
  wick.manualSeed(1);
  x.exp().dropout({ p: 0.5 });
  assert.equal([values(wick.rand(3)), values(wick.rand(3))], [after, next]);
  const h = x.mul(1);
  const z = autograd.checkpoint((p: Tensor) => p.exp().sin(), h).sum();
  h.add_(1);
  throws(() => z.backward(), StateError, /checkpoint/, /changed in place/);
  let turn = 0;
  const odd = autograd.checkpoint((p: Tensor) => (turn++ === 0 ? p.exp().sin() : p.exp()), x).sum();
  throws(() => odd.backward(), StateError, /checkpoint/, /both times/);
});

test.run();
