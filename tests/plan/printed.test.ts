// Chains that wick/jit prints, against eager calls and against the interpreter, which runs a plan's first two calls.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';
import { BODIES, INSTRUCTIONS } from '../../ts/jit/bodies.ts';
import '../../ts/jit/index.ts';
import { relu6 } from '../../ts/nn/functional/index.ts';
import * as nn from '../../ts/nn/index.ts';
import type { MapOp } from '../../ts/ops/op.ts';
import { TABLE } from '../../ts/ops/table.ts';
import * as optim from '../../ts/optim/index.ts';
import { callMap } from '../../ts/tensor/index.ts';
import { mixture } from './mixtures.ts';
import { equal, OPS, program } from './programs.ts';

const test = suite('printed chains');
type Tensor = wick.Tensor;

/** Calls that a plan's interpreter takes before its chains are printed. */
const COLD = 2;
/** Random programs of mixtures. */
const SEEDS = 84;
const SPECIAL = [0, -0, 1, -1, 0.5, -0.5, 6, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
const TINY = { float32: [2 ** -149, -(2 ** -149), 2 ** -127, -(2 ** -126)], float64: [5e-324, -5e-324, 2 ** -1023, -(2 ** -1022)] };

/** Random numbers with every special one among them. */
function mixed(n: number, dtype: 'float32' | 'float64', seed: number): Tensor {
  const x = wick.randn([n], { generator: new wick.Generator(seed), dtype });
  const data = x.dataSync().slice() as Float32Array | Float64Array;
  const special = [...SPECIAL, ...TINY[dtype]];
  for (let i = seed % 3; i < n; i += 3) data[i] = special[((i * 7 + seed * 3) >>> 1) % special.length];
  return wick.tensor(data);
}

const MORE: typeof OPS = [
  ...OPS,
  (x, y) => x.minimum(y),
  (x, y) => x.fmax(y),
  (x, y) => x.fmin(y.neg()),
  (x, y) => x.copysign(y),
  (x) => x.abs().sqrt(),
  (x) => x.reciprocal(),
  (x) => x.rsqrt(),
  (x) => x.sign(),
  (x) => x.round().add(x.floor()),
  (x) => x.ceil().sub(x.trunc()),
  (x) => x.frac(),
  (x, y, s) => x.lerp(y, s),
  (x) => relu6(x),
  (x) => x.mul(3).relu().neg(),
  (x, y) => x.div(y),
  (x, y) => wick.where(x.gt(y), x, y.mul(2)),
  (x, y) => wick.where(x.isnan(), 0.25, y),
  (x, y, s) => wick.where(x.le(s), y, x).add(wick.where(x.ne(y).logicalNot(), 1, y)),
];

test('random programs, printed and interpreted, have the bits of eager work', () => {
  let printed = 0;
  for (let seed = 1; seed <= 72; seed++) {
    wick.setThreads([1, 2, 4][seed % 3]);
    const n = [1, 2, 3, 4, 5, 7, 31, 512, 513, 2047, 33001, 70001][seed % 12];
    const dtype = seed % 4 === 0 ? 'float64' : 'float32';
    const run = program(seed, MORE);
    wick.scope(() => {
      const fn = wick.compile((xs: Tensor[], s: Tensor) => run(xs, s));
      for (let call = 0; call < COLD + 3; call++) {
        const xs = [0, 1, 2].map((i) => mixed(n, dtype, seed * 100 + call * 10 + i));
        const s = wick.randn([], { generator: new wick.Generator(seed + call), dtype });
        const planned = fn(xs, s);
        run(xs, s).forEach((y, i) => {
          equal(planned[i], y, `seed ${seed}, call ${call}, result ${i}`);
        });
        assert.ok(call > COLD || fn.plans[0].stats().printed.length === 0, 'printed too early');
      }
      printed += fn.plans[0].stats().printed.length;
      fn.dispose();
    });
  }
  wick.setThreads(1);
  assert.ok(printed >= 100, `${printed} chains were printed`);
});

/** Random numbers of any dtype, special ones among them. */
function operand(shape: readonly number[], dtype: wick.DType, seed: number): Tensor {
  const n = shape.reduce((size, d) => size * d, 1);
  if (dtype === 'float32' || dtype === 'float64') return mixed(n, dtype, seed).reshape(shape);
  const generator = new wick.Generator(seed);
  const x = wick.randn([n], { generator, dtype: 'float64' });
  return wick.where(x.gt(1.2), x.mul(1e9), x.mul(2)).reshape(shape).to(dtype);
}

test('random programs of broadcasts, casts, integers and conditions have the bits of eager work', () => {
  const shapes = [
    ...([[3, 4, 5], [1, 7, 16], [2, 3, 64], [5, 1, 33], [4, 9, 1], [1, 1, 1], [40, 30, 10], [3, 200, 100]] as const),
    ...([[6, 3, 3], [1, 2, 200], [2, 2, 12], [17, 1, 8], [1, 600, 1], [2, 130, 257]] as const),
  ];
  let printed = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { inputs, run } = mixture(seed, shapes[seed % shapes.length]);
    wick.setThreads([1, 2, 4][Math.floor(seed / shapes.length) % 3]);
    wick.scope(() => {
      const fn = wick.compile((xs: Tensor[]) => run(xs));
      for (let call = 0; call < COLD + 2; call++) {
        const xs = inputs.map(({ shape, dtype }, i) => operand(shape, dtype, seed * 100 + call * 10 + i));
        const eager = run(xs);
        fn(xs).forEach((y, i) => {
          assert.is(y.dtype, eager[i].dtype);
          equal(y, eager[i], `seed ${seed}, call ${call}, result ${i}`);
        });
      }
      printed += fn.plans[0].stats().printed.length;
      fn.dispose();
    });
  }
  wick.setThreads(1);
  assert.ok(printed >= SEEDS, `${printed} chains were printed`);
});

test('every op that has a body does what its kernel does', () => {
  for (const [name, body] of Object.entries(BODIES)) {
    const op = TABLE[name] as MapOp;
    for (const [type, dtype] of (['float32', 'float64', 'int32', 'int64'] as const).entries()) {
      // Conditions are bool: every comparison is followed by one.
      if (name === 'where') continue;
      const whole = body.split(' ').every((word) => INSTRUCTIONS[word]?.[type] !== null);
      if (!whole || !op.dtypes.includes(dtype) || (type > 1 && op.promote === 'float')) continue;
      wick.scope(() => {
        const special = type > 1 ? [0, 1, -1, 5, -7, 0x7fffffff, -0x80000000] : [...SPECIAL, ...TINY[dtype as keyof typeof TINY]];
        const n = special.length;
        const at = (div: number): number[] => Array.from({ length: n * n * n }, (_, i) => special[Math.floor(i / div) % n]);
        const xs = [1, n, n * n].slice(0, op.inputs.length).map((div) => wick.tensor(at(div), { dtype }));
        const choice = op.out === 'bool';
        const fn = (...given: Tensor[]): Tensor => {
          const y = callMap(op, given);
          return (choice ? wick.where(y, given[0], 3) : y).neg();
        };
        const compiled = wick.compile(fn);
        for (let call = 0; call < COLD + 2; call++) equal(compiled(...xs), fn(...xs), `${name} ${dtype}, call ${call}`);
        assert.equal(compiled.plans[0].stats().printed, [`${name} ${choice ? 'where ' : ''}neg`], `${name} ${dtype}`);
        compiled.dispose();
      });
    }
  }
});

test('chains of one form share their code, whatever their numbers and sizes', () => {
  wick.scope(() => {
    for (const [n, k] of [
      [7, 2],
      [1000, 3],
      [40000, -0.5],
    ]) {
      const fn = (x: Tensor): Tensor => x.mul(k).add(1).relu().sub(k);
      const compiled = wick.compile(fn);
      for (let call = 0; call < COLD + 2; call++) {
        const x = mixed(n, 'float32', n + call);
        equal(compiled(x), fn(x), `${n} elements, call ${call}`);
      }
      assert.match(compiled.plans[0].print(), /printed: mul add relu sub/);
      compiled.dispose();
    }
  });
});

test('kernels between printed runs, with numbers of their own', () => {
  wick.scope(() => {
    const fns: ((x: Tensor, y: Tensor) => Tensor)[] = [
      (x, y) => x.mul(2).add(y).exp().mul(y).add(1).tanh(),
      (x, y) => x.add(1).mul(y).pow(3).sub(y).mul(x),
      (x, y) => wick.elu(x.mul(y).add(0.5), 0.75).mul(2).add(x),
      (x, y) => wick.gelu(x.sub(y).mul(3)).add(y).mul(0.25).log().relu().neg(),
    ];
    for (const n of [1, 6, 511, 513, 70003])
      fns.forEach((fn, i) => {
        const compiled = wick.compile(fn);
        for (let call = 0; call < COLD + 2; call++) {
          const [x, y] = [0, 1].map((k) => mixed(n, 'float32', n + 2 * call + k));
          equal(compiled(x, y), fn(x, y), `function ${i}, ${n} elements, call ${call}`);
        }
        assert.is(compiled.plans[0].stats().printed.length, 1, `function ${i}`);
        compiled.dispose();
      });
  });
});

test('conditions stay in registers where nobody else reads them', () => {
  wick.scope(() => {
    const fns: readonly (readonly [(x: Tensor, y: Tensor) => Tensor[], number])[] = [
      [(x, y) => [wick.where(x.gt(y), x, y).mul(2)], 1],
      [
        (x, y) => {
          const larger = x.add(1).gt(y);
          return [wick.where(larger, x, y).mul(2).add(x), larger];
        },
        1,
      ],
      [(x, y) => [wick.where(x.mul(2).gt(y).logicalAnd(y.gt(0)), x.neg(), y)], 0],
      [(x, y) => [wick.where(x.to('int32'), x.abs(), y).neg()], 0],
      [
        (x, y) => [
          wick
            .where(y.narrow(0, 0, 1).gt(0), x.mul(3), y)
            .neg()
            .add(x),
        ],
        0,
      ],
      [(x, y) => [x.mul(x.gt(y)).add(y), x.gt(y).to('float32').mul(3).sub(x)], 0],
    ];
    for (const n of [1, 5, 600, 40001])
      fns.forEach(([fn, least], i) => {
        const compiled = wick.compile(fn);
        for (let call = 0; call < COLD + 2; call++) {
          const [x, y] = [0, 1].map((k) =>
            mixed(n, 'float32', n + 2 * call + k)
              .clamp(-1e4, 1e4)
              .fmax(-5),
          );
          const eager = fn(x, y);
          compiled(x, y).forEach((z, k) => {
            equal(z, eager[k], `function ${i}, ${n} elements, call ${call}, result ${k}`);
          });
        }
        assert.ok(n === 1 || compiled.plans[0].stats().printed.length >= least, `function ${i} of ${n} elements was not printed`);
        compiled.dispose();
      });
  });
});

test('a reduction takes what a chain makes where it is made, if nobody else wants that', () => {
  const fns: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
    'sub square mean': (x, y) => x.sub(y).square().mean(),
    'mul sum': (x, y) => x.mul(y).sum({ dim: -1 }),
    'mul add amax': (x, y) => x.mul(y).add(1).amax({ dim: -1 }),
    'abs neg amin': (x) => x.abs().neg().amin(),
    'sub exp tanh sum': (x, y) => x.sub(y).exp().tanh().sum({ dim: -1, keepdim: true }).add(x),
    'add prod': (x) => x.add(1).prod({ dim: -1 }),
    // Others read the result too, or it is not reduced along its rows.
    'mul add sum': (x, y) => {
      const z = x.mul(y).add(1);
      return z.sum().add(z.amax());
    },
    'mul sub': (x, y) => x.mul(y).sub(2).sum({ dim: 0 }),
  };
  const shapes = [
    [7, 5],
    [5, 1001],
    [1001, 5],
    [2, 100003],
    [40, 3300],
    [300, 100],
  ];
  for (const [threads, dtype] of [
    [1, 'float64'],
    [4, 'float32'],
  ] as const) {
    wick.setThreads(threads);
    for (const [i, shape] of shapes.entries())
      for (const [name, fn] of Object.entries(fns))
        wick.scope(() => {
          const compiled = wick.compile(fn);
          for (let call = 0; call < COLD + 2; call++) {
            const generator = new wick.Generator(10 * i + call);
            const [x, y] = [0, 1].map(() => wick.randn(shape, { generator, dtype }));
            equal(compiled(x, y), fn(x, y), `${name} of ${shape} ${dtype}, call ${call}, ${threads} threads`);
          }
          assert.is(compiled.plans[0].stats().printed[0], name, `${name} of ${shape}`);
          compiled.dispose();
        });
  }
  wick.setThreads(1);
});

test('training steps: losses and weights', () => {
  wick.scope(() => {
    const trainer = () => {
      const w = new nn.Parameter(wick.randn([300, 200], { generator: new wick.Generator(1) }));
      const optimizer = new optim.SGD([w], { lr: 0.1 });
      const step = (x: Tensor, y: Tensor): Tensor => {
        optimizer.zeroGrad();
        const loss = x.mul(w).sub(y).square().mean();
        loss.backward();
        optimizer.step();
        return loss.detach();
      };
      return { w, step };
    };
    const [eager, planned] = [trainer(), trainer()];
    const compiled = wick.compile(planned.step);
    for (let call = 0; call < COLD + 5; call++) {
      const [x, y] = [0, 1].map((k) => wick.randn([300, 200], { generator: new wick.Generator(call * 2 + k) }));
      equal(compiled(x, y), eager.step(x, y), `loss, call ${call}`);
      equal(planned.w.detach(), eager.w.detach(), `weights, call ${call}`);
    }
    assert.ok(compiled.plans[0].stats().printed.length > 0);
    compiled.dispose();
  });
});

// Last: the engine does not try again.
test('where nothing may be compiled, chains are interpreted', () => {
  const { Module } = WebAssembly;
  const refusing = function refuse(): never {
    throw new WebAssembly.CompileError('code generation is disallowed');
  };
  wick.scope(() => {
    const fn = (x: Tensor): Tensor => x.add(3).mul(x).neg().square().sub(x);
    const compiled = wick.compile(fn);
    try {
      Object.assign(WebAssembly, { Module: refusing });
      for (let call = 0; call < COLD + 3; call++) {
        const x = mixed(100, 'float32', call);
        equal(compiled(x), fn(x), `call ${call}`);
      }
    } finally {
      Object.assign(WebAssembly, { Module });
    }
    assert.equal(compiled.plans[0].stats().printed, []);
    compiled.dispose();
  });
});

test.run();
