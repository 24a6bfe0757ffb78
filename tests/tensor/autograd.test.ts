// The graph: recording, backward passes, in-place changes, hooks, second derivatives.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';

const test = suite('autograd');
const { StateError, ShapeError, DTypeError, tensor, zeros, ones, grad, noGrad, enableGrad, setGradEnabled } = wick;
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

test('requiresGrad spreads from leaves to results', () => {
  const x = leaf([1, 2]);
  assert.ok(x.requiresGrad && x.isLeaf);
  const y = x.mul(2);
  assert.ok(y.requiresGrad && !y.isLeaf);
  assert.not.ok(tensor([1]).mul(2).requiresGrad);
  assert.not.ok(x.gt(1).requiresGrad);
  assert.not.ok(x.to('int64').requiresGrad);
  assert.not.ok(x.argmax().requiresGrad);
  throws(() => tensor([1], { dtype: 'int32', requiresGrad: true }), DTypeError, /int32/, /floating/);
  throws(() => tensor([1], { dtype: 'int64' }).requiresGrad_(), DTypeError, /requiresGrad_/);
  throws(() => y.requiresGrad_(false), StateError, /detach/);
});

test('backward adds to what is in .grad', () => {
  const x = leaf([1, 2, 3]);
  x.mul(x).sum().backward();
  assert.equal(values(x.grad), [2, 4, 6]);
  x.mul(3).sum().backward();
  assert.equal(values(x.grad), [5, 7, 9]);
  const y = x.mul(2).add(x);
  y.backward(tensor([1, 10, 100], { dtype: 'float64' }));
  assert.equal(values(x.grad), [8, 37, 309]);
  assert.not.ok((x.grad as Tensor).requiresGrad);
});

test('backward asks for a gradient where there is more than one element', () => {
  const x = leaf([1, 2]);
  throws(() => x.mul(2).backward(), wick.ValueError, /backward/, /\[2\]/, /sum/);
  throws(() => x.mul(2).backward(ones([3])), ShapeError, /\[3\]/, /\[2\]/);
  throws(() => tensor([1]).sum().backward(), StateError, /does not require grad/, /requiresGrad/);
});

test('a second backward pass needs retainGraph', () => {
  const x = leaf([1, 2]);
  const y = x.mul(x).sum();
  y.backward(null, { retainGraph: true });
  y.backward();
  assert.equal(values(x.grad), [4, 8]);
  throws(() => y.backward(), StateError, /mul/, /retainGraph/);
  assert.equal(values(x.grad), [4, 8]);
});

test('an in-place change of a leaf is a StateError while recording', () => {
  const x = leaf([1, 2]);
  throws(() => x.add_(1), StateError, /add_/, /leaf/, /noGrad/);
  throws(() => x.select(0, 0).mul_(2), StateError, /mul_/, /leaf/);
  assert.equal(values(x), [1, 2]);
  noGrad(() => x.add_(1));
  assert.equal(values(x), [2, 3]);
  assert.ok(x.requiresGrad && x.isLeaf);
});

test('a changed saved value is a StateError that names the op', () => {
  const x = leaf([1, 2]);
  const h = x.mul(1);
  const y = h.exp().add(0);
  const z = h.mul(h).sum();
  h.add_(1);
  throws(() => z.backward(), StateError, /^mul: /, /\[2\]/, /changed in place/, /clone/);
  y.sum().backward();
  const e = leaf([1]).mul(1).exp();
  e.zero_();
  const w = leaf([3]);
  const p = w.exp();
  p.add_(1);
  throws(() => p.sum().backward(), StateError, /^exp: /);
  // What is not saved may change.
  const a = x.mul(3);
  const s = a.add(1).sum();
  a.zero_();
  s.backward();
});

test('a change through a view counts for all that share the memory', () => {
  const x = leaf([1, 2, 3]);
  const h = x.mul(1);
  const y = h.square().sum();
  h.narrow(0, 0, 1).fill_(5);
  throws(() => y.backward(), StateError, /^square: /);
  const c = tensor([1, 2], { dtype: 'float64' });
  const z = leaf([1, 1]).mul(c).sum();
  c.detach().add_(1);
  throws(() => z.backward(), StateError, /^mul: /);
});

/** The same computation in place and out of place; gradients of all leaves agree. */
function same(name: string, shapes: number[][], inPlace: (...x: Tensor[]) => Tensor, out: (...x: Tensor[]) => Tensor): void {
  const run = (f: (...x: Tensor[]) => Tensor): unknown => {
    const g = new wick.Generator(3);
    const xs = shapes.map((shape) => wick.rand(shape, { dtype: 'float64', generator: g }).requiresGrad_());
    const y = f(...xs);
    const w = wick.rand(y.shape, { dtype: 'float64', generator: g });
    const gs = grad(y.mul(w).sum(), xs, { allowUnused: true });
    return [values(y), ...gs.map((v) => v && values(v))];
  };
  assert.equal(run(inPlace), run(out), name);
}

test('in-place changes of views rebase the base', () => {
  same(
    'select mul_',
    [[3, 2]],
    (x) => {
      const b = x.mul(2);
      b.select(0, 1).mul_(3);
      return b;
    },
    (x) => x.mul(2).mul(tensor([[1], [3], [1]], { dtype: 'float64' })),
  );
  same(
    'copy into a slice of a constant',
    [[2], [2]],
    (x, y) => {
      const b = zeros([2, 2], { dtype: 'float64' });
      b.select(0, 0).copy_(x);
      b.select(0, 1).select(0, 1).copy_(y.select(0, 0));
      return b;
    },
    (x, y) => wick.stack([x, wick.stack([tensor(0, { dtype: 'float64' }), y.select(0, 0)])]),
  );
  same(
    'view of a view',
    [[3, 4], [2]],
    (x, y) => {
      const b = x.clone();
      b.transpose(0, 1).narrow(0, 1, 2).select(1, 2).copy_(y);
      return b.exp();
    },
    (x, y) => {
      const mask = zeros([3, 4], { dtype: 'float64' });
      mask.select(0, 2).narrow(0, 1, 2).fill_(1);
      const nought = zeros([1], { dtype: 'float64' });
      const placed = wick
        .cat([nought, y, nought])
        .reshape([1, 4])
        .mul(tensor([[0], [0], [1]], { dtype: 'float64' }));
      return x.mul(mask.neg().add(1)).add(placed).exp();
    },
  );
  same(
    'the other views see it',
    [[4]],
    (x) => {
      const b = x.mul(1);
      const early = b.narrow(0, 0, 2);
      b.narrow(0, 1, 2).mul_(5);
      return early.mul(2);
    },
    (x) =>
      x
        .mul(tensor([1, 5, 5, 1], { dtype: 'float64' }))
        .narrow(0, 0, 2)
        .mul(2),
  );
  same(
    'twice, and the base in between',
    [[4]],
    (x) => {
      const b = x.mul(1);
      const v = b.narrow(0, 0, 2);
      v.add_(x.narrow(0, 2, 2));
      b.mul_(2);
      v.mul_(3);
      return b;
    },
    (x) => {
      const v = x
        .narrow(0, 0, 2)
        .add(x.narrow(0, 2, 2))
        .mul(6);
      return wick.cat([v, x.narrow(0, 2, 2).mul(2)]);
    },
  );
  same(
    'a view of a constant base that later takes a gradient',
    [[3]],
    (x) => {
      const b = ones([3], { dtype: 'float64' });
      const v = b.narrow(0, 1, 2);
      b.add_(x);
      return v.mul(2);
    },
    (x) => x.narrow(0, 1, 2).add(1).mul(2),
  );
  same(
    'a base overwritten by a constant',
    [[3]],
    (x) => {
      const b = x.mul(2);
      b.narrow(0, 0, 2).zero_();
      return b;
    },
    (x) => x.mul(tensor([0, 0, 2], { dtype: 'float64' })),
  );
});

test('in-place changes of what was expanded are refused', () => {
  throws(() => zeros([1]).expand(3).add_(1), StateError, /add_/, /clone/);
});

test('in-place chains that need their own result', () => {
  same(
    'exp_',
    [[3]],
    (x) => x.mul(2).exp_().mul(3),
    (x) => x.mul(2).exp().mul(3),
  );
  same(
    'sigmoid_ of a sum',
    [[3], [3]],
    (x, y) => x.add(y).sigmoid_(),
    (x, y) => x.add(y).sigmoid(),
  );
});

test('hooks see and may replace gradients', () => {
  const x = leaf([1, 2]);
  const seen: unknown[] = [];
  const h = x.mul(2);
  const remove = h.registerHook((g) => {
    seen.push(values(g));
    return g.mul(10);
  });
  x.registerHook((g) => {
    seen.push(values(g));
    return undefined;
  });
  h.sum().backward(null, { retainGraph: true });
  assert.equal(seen, [
    [1, 1],
    [20, 20],
  ]);
  assert.equal(values(x.grad), [20, 20]);
  remove();
  x.grad = null;
  h.sum().backward();
  assert.equal(values(x.grad), [2, 2]);
  const bad = leaf([1, 2]);
  bad.registerHook(() => ones([3]));
  throws(() => bad.mul(2).sum().backward(), ShapeError, /hook/, /\[3\]/, /\[2\]/);
  throws(() => tensor([1]).registerHook(() => undefined), StateError, /registerHook/);
});

test('retainGrad keeps the gradient of a result', () => {
  const x = leaf([1, 2]);
  const h = x.mul(3);
  h.retainGrad();
  h.square().sum().backward();
  assert.equal(values(h.grad), [6, 12]);
  assert.equal(values(x.grad), [18, 36]);
  const plain = leaf([1]).mul(2);
  plain.sum().backward();
  assert.is(plain.grad, null);
});

test('grad() leaves .grad alone and knows unused inputs', () => {
  const x = leaf([1, 2]);
  const y = leaf([3, 4]);
  const [gx, gy] = grad(x.mul(y).sum(), [x, y]);
  assert.equal(
    [values(gx), values(gy)],
    [
      [3, 4],
      [1, 2],
    ],
  );
  assert.is(x.grad, null);
  throws(() => grad(x.sum(), [x, y]), StateError, /input 1/, /\[2\]/, /allowUnused/);
  const found = grad(x.sum(), [x, y], { allowUnused: true });
  assert.equal(values(found[0]), [1, 1]);
  assert.is(found[1], null);
  const h = x.mul(2);
  assert.equal(values(grad(h.square().sum(), h)[0]), [4, 8]);
  assert.equal(values(grad([x.sum(), x.mul(3)], x, { gradOutputs: [null, ones([2])] })[0]), [4, 4]);
});

test('createGraph gives second and third derivatives', () => {
  const x = leaf([2]);
  const [d1] = grad(x.pow(4).sum(), x, { createGraph: true });
  const [d2] = grad((d1 as Tensor).sum(), x, { createGraph: true });
  const [d3] = grad((d2 as Tensor).sum(), x);
  assert.equal([values(d1), values(d2), values(d3)], [[32], [48], [48]]);
  const y = leaf([3]);
  const [g] = grad(y.square().mul(y).sum(), y, { createGraph: true });
  (g as Tensor).sum().backward();
  assert.equal(values(y.grad), [18]);
});

test('noGrad, enableGrad, setGradEnabled, detach', () => {
  const x = leaf([1]);
  assert.not.ok(noGrad(() => x.mul(2)).requiresGrad);
  assert.ok(noGrad(() => enableGrad(() => x.mul(2))).requiresGrad);
  assert.throws(
    () =>
      noGrad(() => {
        throw new Error('inside');
      }),
    /inside/,
  );
  assert.ok(wick.isGradEnabled());
  assert.is(setGradEnabled(false), true);
  assert.not.ok(x.mul(2).requiresGrad);
  assert.is(setGradEnabled(true), false);
  const d = x.mul(2).detach();
  assert.ok(!d.requiresGrad && d.isLeaf);
  const y = x.mul(3).mul(d);
  assert.equal(values(grad(y.sum(), x)[0]), [6]);
});

test('gradients flow through promotion, broadcasts, views, joins, gathers', () => {
  const f = tensor([1, 2], { dtype: 'float32', requiresGrad: true });
  const h = tensor([3], { dtype: 'float16', requiresGrad: true });
  f.mul(leaf([2, 3]))
    .sum()
    .backward();
  assert.is((f.grad as Tensor).dtype, 'float32');
  assert.equal(values(f.grad), [2, 3]);
  h.mul(f).sum().backward();
  assert.is((h.grad as Tensor).dtype, 'float16');
  assert.equal(values(h.grad), [3]);
  const b = leaf([[1], [2]]);
  b.mul(ones([3, 2, 4], { dtype: 'float64' }))
    .sum()
    .backward();
  assert.equal(values(b.grad), [[12], [12]]);
  const e = leaf([1, 2]);
  e.expand(5, 2).sum().backward();
  assert.equal(values(e.grad), [5, 5]);
  const s = leaf([1, 2, 3, 4]);
  wick
    .cat([s.narrow(0, 1, 2), s.narrow(0, 2, 2)])
    .mul(tensor([1, 10, 100, 1000]))
    .sum()
    .backward();
  assert.equal(values(s.grad), [0, 1, 110, 1000]);
  const g = leaf([
    [1, 2],
    [3, 4],
  ]);
  g.gather(
    1,
    tensor(
      [
        [0, 0],
        [1, 0],
      ],
      { dtype: 'int64' },
    ),
  )
    .mul(
      tensor([
        [1, 2],
        [3, 4],
      ]),
    )
    .sum()
    .backward();
  assert.equal(values(g.grad), [
    [3, 0],
    [4, 3],
  ]);
  const z = leaf([]);
  z.mul(2).sum().backward();
  assert.equal(values(z.grad), []);
  const i = leaf([1, 2]);
  i.mul(tensor([2, 3], { dtype: 'int64' }))
    .sum()
    .backward();
  assert.equal(values(i.grad), [2, 3]);
});

test.run();
