import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';

const test = suite('fusion');
type Tensor = wick.Tensor;

const values = (x: Tensor): Float32Array => x.contiguous().dataSync() as Float32Array;
/** Same bits, NaN and the sign of zero included. */
const equal = (a: Tensor, b: Tensor, what: string): void => {
  const bytes = (x: Tensor): Uint8Array => new Uint8Array(values(x).slice().buffer);
  assert.equal(bytes(a), bytes(b), what);
};

const OPS: readonly ((x: Tensor, y: Tensor, s: Tensor) => Tensor)[] = [
  (x, y) => x.add(y),
  (x, y) => y.sub(x),
  (x, y) => x.mul(y).add(0.125),
  (x) => x.relu(),
  (x) => x.sigmoid(),
  (x) => x.tanh().mul(-1.5),
  (x, y) => x.maximum(y),
  (x) => x.clamp(-0.75, 0.5),
  (x, _, s) => x.mul(s),
  (x, y) => x.lerp(y, 0.25),
  (x) => x.square().neg().exp(),
  (x, y) => x.add_(y),
  (x) => x.mul_(0.5),
  (x, y) => x.div(y.abs().add(1)),
];

/** A random program of elementwise ops over a few values, some of them changed in place, some of them results. */
function program(seed: number): (xs: Tensor[], s: Tensor) => Tensor[] {
  let state = seed * 2654435761;
  const next = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % n;
  };
  const length = 3 + next(30);
  const choices = Array.from({ length }, () => [next(OPS.length), next(1000), next(1000), next(4)]);
  return (xs, s) => {
    const at = xs.map((x) => x.add(0));
    const out: Tensor[] = [];
    for (const [op, i, j, keep] of choices) {
      const y = OPS[op](at[i % at.length], at[j % at.length], s);
      at.push(y);
      if (keep === 0) out.push(y.add(1));
    }
    return [...out, at[at.length - 1]];
  };
}

test('random programs have the bits of eager work: sizes, dtypes, threads', () => {
  let spared = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const n = [1, 3, 4, 5, 31, 512, 513, 2000, 33000, 70001][seed % 10];
    const dtype = seed % 3 === 0 ? 'float64' : 'float32';
    const run = program(seed);
    wick.scope(() => {
      const fn = wick.compile((xs: Tensor[], s: Tensor) => run(xs, s));
      for (let call = 0; call < 3; call++) {
        const generator = new wick.Generator(seed * 10 + call);
        const xs = [0, 1, 2].map(() => wick.randn([n], { generator, dtype }));
        const s = wick.randn([], { generator, dtype });
        const planned = fn(xs, s);
        run(xs, s).forEach((y, i) => {
          equal(planned[i], y, `seed ${seed}, call ${call}, result ${i}`);
        });
      }
      spared += fn.plans[0].stats().fused;
      fn.dispose();
    });
  }
  assert.ok(spared > 300, `${spared} steps were fused`);
});

test('views at other places of one storage are not run ahead of', () => {
  wick.scope(() => {
    const fn = wick.compile((x: Tensor) => {
      const y = x.mul(2);
      y.narrow(0, 1, 2000).add_(y.narrow(0, 0, 2000).clone());
      return y
        .mul(3)
        .narrow(0, 0, 2000)
        .add(y.narrow(0, 1, 2000));
    });
    for (let call = 0; call < 3; call++) {
      const x = wick.randn([2001], { generator: new wick.Generator(call) });
      const y = x.mul(2);
      y.narrow(0, 1, 2000).add_(y.narrow(0, 0, 2000).clone());
      equal(
        fn(x),
        y
          .mul(3)
          .narrow(0, 0, 2000)
          .add(y.narrow(0, 1, 2000)),
        `call ${call}`,
      );
    }
    fn.dispose();
  });
});

test('an activation joins the product or convolution before it, unless the product is wanted too', () => {
  wick.scope(() => {
    const { linear, conv2d } = nn.functional;
    const [w, k] = [wick.randn([6, 5]), wick.randn([4, 3, 3, 3])];
    const calls = (fn: (x: Tensor) => Tensor | Tensor[], x: Tensor): number => {
      const compiled = wick.compile((y: Tensor) => wick.noGrad(() => fn(y)));
      for (let i = 0; i < 3; i++) {
        const [a, b] = [compiled(x), wick.noGrad(() => fn(x))].map((r) => (Array.isArray(r) ? r : [r]));
        a.forEach((y, j) => {
          equal(y, b[j], `call ${i}`);
        });
      }
      const n = compiled.plans[0].stats().calls;
      compiled.dispose();
      return n;
    };
    const x = wick.randn([7, 5]);
    const image = wick.randn([2, 3, 9, 8]);
    assert.is(
      calls((y) => linear(y, w).relu(), x),
      1,
    );
    assert.is(
      calls((y) => linear(y, w).relu_(), x),
      1,
    );
    assert.is(
      calls((y) => conv2d(y, k, null, { padding: 1 }).relu(), image),
      1,
    );
    assert.is(
      calls((y) => linear(y, w).relu().relu(), x),
      2,
    );
    const both = (y: Tensor): Tensor[] => {
      const z = linear(y, w);
      return [z, z.relu()];
    };
    assert.is(calls(both, x), 2);
    const read = (y: Tensor): Tensor => {
      const z = linear(y, w);
      const sum = z.sum();
      return z.relu_().add(sum);
    };
    assert.is(calls(read, x), 4);
  });
});

test.run();
