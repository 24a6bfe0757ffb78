// The kernels of quantised convolutions against sums written out, over shapes, borders, strides, dilations, dtypes and zero points.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';
import type { KernelOp } from '../../ts/ops/op.ts';
import * as rows from '../../ts/ops/quantised.ts';
import * as convRows from '../../ts/ops/quantised-conv.ts';
import { TABLE } from '../../ts/ops/table.ts';
import { call, joinQuantised } from '../../ts/quant/index.ts';
import { multiplierOf, rounded, scaled } from '../../ts/tflite/fixed.ts';
import { scaleTensor } from '../../ts/tflite/quantised.ts';

joinQuantised();
const { combine, integerPool } = rows;
const { integerConvolution, integerDepthwise } = convRows;
const LOW = { int8: -128, uint8: 0 } as const;
type Byte = keyof typeof LOW;

let seed = 1;
/** A whole number below n of a sequence that is the same in every run. */
function below(n: number): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 4294967296) * n);
}
const pick = <T>(...list: readonly T[]): T => list[below(list.length)];
const bytes = (n: number, dtype: Byte): number[] => Array.from({ length: n }, () => LOW[dtype] + below(256));

interface Case {
  readonly x: number[];
  readonly w: number[];
  readonly shape: readonly [n: number, h: number, w: number, c: number];
  readonly kernel: readonly [number, number];
  readonly outs: number;
  readonly bias: number[] | null;
  readonly scales: readonly number[];
  readonly real: boolean;
  readonly depthwise: boolean;
  readonly types: readonly [x: Byte, w: Byte];
  readonly attrs: Required<convRows.Convolution>;
}
function expected({ x, w, shape, kernel, outs, bias, scales, real, depthwise, attrs }: Case): number[] {
  const [n, h, wide, c] = shape;
  const { stride, dilation, padding, out, xZero, wZero, zero, low, high } = attrs;
  const result: number[] = [];
  for (let image = 0; image < n; image++)
    for (let py = 0; py < out[0]; py++)
      for (let px = 0; px < out[1]; px++)
        for (let o = 0; o < outs; o++) {
          let sum = bias?.[o] ?? 0;
          for (let ky = 0; ky < kernel[0]; ky++)
            for (let kx = 0; kx < kernel[1]; kx++) {
              const [iy, ix] = [py * stride[0] - padding[0] + ky * dilation[0], px * stride[1] - padding[1] + kx * dilation[1]];
              if (iy < 0 || iy >= h || ix < 0 || ix >= wide) continue;
              const pixel = ((image * h + iy) * wide + ix) * c;
              const tap = ky * kernel[1] + kx;
              if (depthwise) sum += (x[pixel + Math.floor((o * c) / outs)] - xZero) * (w[tap * outs + o] - wZero);
              else for (let i = 0; i < c; i++) sum += (x[pixel + i] - xZero) * (w[(o * kernel[0] * kernel[1] + tap) * c + i] - wZero);
            }
          const scale = scales[scales.length === 1 ? 0 : o];
          const y = real ? rounded(sum * scale) : scaled(sum, multiplierOf(scale));
          result.push(Math.min(Math.max(y + zero, low), high));
        }
  return result;
}

function drawn(depthwise: boolean): Case {
  const types = [pick<Byte>('int8', 'uint8'), pick<Byte>('int8', 'uint8')] as const;
  const dtype = pick<Byte>('int8', 'uint8');
  const c = pick(1, 2, 3, 5, 8, 12, 16, 24);
  const outs = depthwise ? c * pick(1, 1, 1, 2) : pick(1, 4, 7, 8, 9, 16, 20);
  const shape = [pick(1, 2), 1 + below(9), 1 + below(9), c] as const;
  const kernel = [pick(1, 1, 2, 3, 5), pick(1, 1, 2, 3, 4)] as const;
  const dilation = [pick(1, 1, 2), pick(1, 1, 3)] as const;
  const stride = [pick(1, 1, 2), pick(1, 1, 2, 3)] as const;
  const padding = kernel.map((k, d) => below((k - 1) * dilation[d] + 1)) as [number, number];
  // As many windows as begin inside, so that some reach beyond both ends.
  const out = padding.map((before, d) => Math.floor((shape[1 + d] - 1 + before) / stride[d]) + 1) as [number, number];
  const taps = kernel[0] * kernel[1];
  const count = pick(1, outs);
  // Some multipliers shift left.
  const scales = Array.from({ length: count }, () => pick(0.0005, 0.004, 0.02, 1.7) * (1 + below(1000) / 1000));
  const [low, high] = pick([0, 255], [17, 90]).map((v) => LOW[dtype] + v);
  return {
    ...{ types, shape, kernel, outs, depthwise, scales, real: pick(true, false) },
    x: bytes(
      shape.reduce((a, b) => a * b),
      types[0],
    ),
    w: bytes(taps * outs * (depthwise ? 1 : c), types[1]),
    bias: pick(true, false) ? Array.from({ length: outs }, () => below(20001) - 10000) : null,
    attrs: {
      ...{ dtype, stride, dilation, padding, out, low, high },
      xZero: LOW[types[0]] + below(256),
      wZero: LOW[types[1]] + below(256),
      zero: LOW[dtype] + below(256),
    },
  };
}

for (const depthwise of [false, true])
  test(`${depthwise ? 'depthwise convolutions' : 'convolutions'} of bytes`, () => {
    for (let i = 0; i < 300; i++) {
      const one = drawn(depthwise);
      const { x, w, shape, kernel, outs, bias, scales, real, types, attrs } = one;
      const weightShape = depthwise ? [1, ...kernel, outs] : [outs, ...kernel, shape[3]];
      const by = scaleTensor(real ? scales : scales.map(multiplierOf));
      const inputs = [
        wick.tensor(x, { dtype: types[0], shape }),
        wick.tensor(w, { dtype: types[1], shape: weightShape }),
        bias && wick.tensor(bias, { dtype: 'int32' }),
        by,
      ];
      const y = call(depthwise ? integerDepthwise : integerConvolution, inputs, { ...attrs });
      assert.equal([...y.flatten().dataSync()], expected(one), JSON.stringify({ shape, kernel, outs, types, attrs, real, scales }));
    }
  });

test('sums, differences and products of bytes, by tables and without', () => {
  const [a, b, y] = [0.7, 0.31, 0.9].map(multiplierOf);
  for (const n of [5, 64, 1031, 4099])
    for (const mode of ['add', 'sub', 'mul'] as rows.Combination[])
      for (const [p, r, dtype] of [
        ['int8', 'int8', 'int8'],
        ['uint8', 'int8', 'uint8'],
      ] as [Byte, Byte, Byte][]) {
        const [u, v] = [bytes(n, p), bytes(n, r)];
        const [aZero, bZero, zero, left] = [LOW[p] + 9, LOW[r] + 200, LOW[dtype] + 100, mode === 'mul' ? 0 : 20];
        const by = mode === 'mul' ? multiplierOf(0.003) : { multiplier: y.multiplier, shift: y.shift - 19 };
        const got = call(combine, [wick.tensor(u, { dtype: p }), wick.tensor(v, { dtype: r })], {
          ...{ mode, dtype, aZero, bZero, zero, left, a, b, y: by },
        });
        const want = u.map((_, i) => {
          const [q, s] = [u[i] - aZero, v[i] - bZero];
          const [c, d] = mode === 'mul' ? [0, 0] : [scaled(q * 2 ** left, a), scaled(s * 2 ** left, b)];
          const sum = mode === 'mul' ? q * s : mode === 'add' ? c + d : c - d;
          return Math.min(Math.max(scaled(sum, by) + zero, LOW[dtype]), LOW[dtype] + 255);
        });
        assert.equal([...got.dataSync()], want, `${mode} of ${n}`);
      }
});

test('means of bytes, eight channels at a time and the rest', () => {
  for (const dtype of ['int8', 'uint8'] as const)
    for (const c of [3, 8, 21]) {
      const [h, w] = [5, 4];
      const x = bytes(h * w * c, dtype);
      const y = call(integerPool, [wick.tensor(x, { dtype, shape: [1, h, w, c] })], {
        ...{ mean: true, size: [h, w], stride: [1, 1], padding: [0, 0], out: [1, 1] },
      });
      const sums = Array.from({ length: c }, (_, k) => x.reduce((sum, v, i) => (i % c === k ? sum + v : sum), 0));
      assert.equal(
        [...y.flatten().dataSync()],
        sums.map((v) => rounded(v / (h * w))),
      );
    }
});

// Bundles drop the rows' own note of their kernels, so the names are all that opcodes are found by.
test('kernels bear the names of their rows', () => {
  const opcodes = new Set<number>();
  for (const [name, op] of Object.entries({ ...rows, ...convRows } as Record<string, unknown>)) {
    if (typeof op !== 'object' || op === null || !('kernel' in op)) continue;
    assert.is((op as KernelOp).kernel.name, name);
    opcodes.add(TABLE[name].opcode as number);
  }
  assert.is(opcodes.size, 11);
});

test.run();
