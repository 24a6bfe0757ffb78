import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import { equal, program } from './programs.ts';

const test = suite('fusion');
type Tensor = wick.Tensor;

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

test('a number is not overwritten while elements further on still want it', () => {
  wick.scope(() => {
    const scaled = (x: Tensor): Tensor[] => {
      const y = x.mul(2);
      const z = y.mul(y.narrow(0, 0, 1));
      return [z, y.add_(1)];
    };
    const fn = wick.compile(scaled);
    for (let call = 0; call < 3; call++) {
      const x = wick.randn([70001], { generator: new wick.Generator(call) });
      const eager = scaled(x);
      fn(x).forEach((y, i) => {
        equal(y, eager[i], `call ${call}, result ${i}`);
      });
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
