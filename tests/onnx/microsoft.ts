// Operators of com.microsoft with results worked out by their definitions, number by number: the tests run them in wick, tests/onnx/ort in
// onnxruntime where its processor has them.
import { type DType, type Tensor, tensor } from '../../ts/index.ts';
import type { TensorProto } from '../../ts/onnx/messages.ts';
import { codeOf, type ElemType } from '../../ts/onnx/types.ts';
import { modelOf, node, port } from './build.ts';

/** One call with the numbers that it should give. */
export interface MicrosoftCase {
  readonly name: string;
  readonly model: Uint8Array;
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly wanted: readonly { readonly shape: readonly number[]; readonly list: readonly number[] }[];
}
type Shape = readonly number[];
interface Operand {
  readonly type: ElemType;
  readonly shape: Shape;
  readonly list: readonly number[];
  /** A constant of the model; else an input. */
  readonly fixed?: boolean;
}
let state = 17;
const next = (): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 4294967296;
};
const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
const real = (shape: Shape, spread: number = 2): Operand => ({
  ...{ type: 'float', shape },
  list: Array.from({ length: size(shape) }, () => Math.fround((next() - 0.5) * 2 * spread)),
});
const whole = (type: ElemType, shape: Shape, low: number, high: number, fixed: boolean = false): Operand => ({
  ...{ type, shape, fixed },
  list: Array.from({ length: size(shape) }, () => low + Math.floor(next() * (high - low + 1))),
});
const one = (type: ElemType, v: number): Operand => ({ type, shape: [], list: [Math.fround(v)], fixed: true });
const fixed = (x: Operand): Operand => ({ ...x, fixed: true });

const BYTES = { float: Float32Array, int8: Int8Array, uint8: Uint8Array, int32: Int32Array } as const;
function constant(name: string, { type, shape, list }: Operand): Partial<TensorProto> {
  const proto = { name, dims: [...shape], dataType: codeOf(type) };
  if (type === 'int4' || type === 'uint4') {
    // Two to a byte, the first in its lower half.
    const rawData = Uint8Array.from({ length: Math.ceil(list.length / 2) }, (_, i) => (list[2 * i] & 15) | ((list[2 * i + 1] & 15) << 4));
    return { ...proto, rawData };
  }
  return { ...proto, rawData: new Uint8Array(BYTES[type as keyof typeof BYTES].from(list).buffer) };
}
const DTYPES: Readonly<Record<string, DType>> = { float: 'float32', int32: 'int32', int64: 'int64', uint8: 'uint8', int8: 'int8' };
function call(
  name: string,
  op: string,
  operands: readonly (Operand | null)[],
  attrs: object,
  wanted: readonly { readonly shape: Shape; readonly list: readonly number[] }[],
): MicrosoftCase {
  const named = operands.flatMap((x, i) => (x === null ? [] : [[`x${i}`, x] as const]));
  const free = named.filter(([, x]) => x.fixed !== true);
  return {
    name: `${op}, ${name}`,
    wanted,
    model: modelOf({
      nodes: [
        node(
          op,
          operands.map((x, i) => (x === null ? '' : `x${i}`)),
          wanted.map((_, i) => `y${i}`),
          attrs as never,
          'com.microsoft',
        ),
      ],
      inputs: free.map(([n, x]) => port(n, x.type, x.shape)),
      outputs: wanted.map(({ shape }, i) => port(`y${i}`, 'float', shape)),
      initializers: named.filter(([, x]) => x.fixed === true).map(([n, x]) => constant(n, x)),
    }),
    feeds: Object.fromEntries(
      free.map(([n, { type, shape, list }]) => [
        n,
        tensor(type === 'int64' ? list.map(BigInt) : [...list], { shape, dtype: DTYPES[type] }),
      ]),
    ),
  };
}

/** The error function by its series and its continued fraction (Abramowitz and Stegun 7.1.6 and 7.1.14). */
function erf(x: number): number {
  if (Math.abs(x) > 2.5) {
    let t = 0;
    for (let k = 60; k > 0; k--) t = k / 2 / (Math.abs(x) + t);
    return Math.sign(x) * (1 - Math.exp(-x * x) / (Math.sqrt(Math.PI) * (Math.abs(x) + t)));
  }
  let [sum, term] = [x, x];
  for (let k = 1; k < 60; k++) {
    term *= (2 * x * x) / (2 * k + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
const gelu = (x: number): number => 0.5 * x * (1 + erf(x / Math.SQRT2));
const softmax = (list: readonly number[]): number[] => {
  const top = Math.max(...list);
  const e = list.map((v) => Math.exp(v - top));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / sum);
};

function biases(): MicrosoftCase[] {
  const [x, b, skip] = [real([2, 3, 8]), real([8]), real([2, 3, 8])];
  const wide = real([2, 3, 8], 4);
  const split = wide.list.map((v, i) => v + b.list[i % 8]);
  return [
    call('with what it skips', 'BiasAdd', [x, b, skip], {}, [
      { shape: x.shape, list: x.list.map((v, i) => v + b.list[i % 8] + skip.list[i]) },
    ]),
    call('halves', 'BiasSplitGelu', [wide, b], {}, [
      {
        shape: [2, 3, 4],
        list: Array.from({ length: 24 }, (_, i) => {
          const at = Math.floor(i / 4) * 8 + (i % 4);
          return split[at] * gelu(split[at + 4]);
        }),
      },
    ]),
  ];
}
/** Scores [2, 3, 4, 5] and a bias that is the same for heads and rows, or for the batch. */
function biasSoftmax(): MicrosoftCase[] {
  const shape = [2, 3, 4, 5];
  const made = (name: string, own: Shape, axis: number, inner: number, at: (b: number, h: number, r: number, c: number) => number) => {
    const [x, bias] = [real(shape), real(own)];
    const sums = x.list.map((v, i) => v + bias.list[at(Math.floor(i / 60), Math.floor(i / 20) % 3, Math.floor(i / 5) % 4, i % 5)]);
    const line = size(shape.slice(axis));
    const list = Array.from({ length: 120 / line }, (_, k) => softmax(sums.slice(k * line, (k + 1) * line))).flat();
    return call(name, 'BiasSoftmax', [x, bias], { axis, is_inner_broadcast: inner }, [{ shape, list }]);
  };
  return [
    made('a mask of keys', [2, 1, 1, 5], 3, 1, (b, _h, _r, c) => b * 5 + c),
    made('a mask for all of the batch', [1, 1, 4, 5], 3, 0, (_b, _h, r, c) => r * 5 + c),
    made('over two dimensions', [1, 3, 4, 5], 2, 0, (_b, h, r, c) => (h * 4 + r) * 5 + c),
  ];
}
function groupNorm(): MicrosoftCase[] {
  const made = (name: string, last: boolean, activation: number): MicrosoftCase => {
    const [n, c, area, groups] = [2, 6, 12, 3];
    const x = real(last ? [n, 3, 4, c] : [n, c, 3, 4]);
    const [gamma, beta] = [fixed(real([c])), fixed(real([c]))];
    const at = (b: number, ch: number, p: number): number => (last ? (b * area + p) * c + ch : (b * c + ch) * area + p);
    const list = [...x.list];
    for (let b = 0; b < n; b++)
      for (let g = 0; g < groups; g++) {
        const places = Array.from({ length: (c / groups) * area }, (_, i) => [g * (c / groups) + Math.floor(i / area), i % area] as const);
        const values = places.map(([ch, p]) => x.list[at(b, ch, p)]);
        const mean = values.reduce((s, v) => s + v, 0) / values.length;
        const variance = values.reduce((s, v) => s + (v - mean) ** 2, 0) / values.length;
        for (const [ch, p] of places) {
          const y = ((x.list[at(b, ch, p)] - mean) / Math.sqrt(variance + 1e-3)) * gamma.list[ch] + beta.list[ch];
          list[at(b, ch, p)] = activation === 1 ? y / (1 + Math.exp(-y)) : y;
        }
      }
    const attrs = { epsilon: { float: 1e-3 }, groups, activation, channels_last: last ? 1 : 0 };
    return call(name, 'GroupNorm', [x, gamma, beta], attrs, [{ shape: x.shape, list }]);
  };
  return [made('channels last', true, 0), made('channels last, a Swish behind it', true, 1), made('channels first', false, 1)];
}
function gatherBlocks(): MicrosoftCase[] {
  const [rows, columns, block] = [5, 40, 16];
  const blocks = Math.ceil(columns / block);
  const index = { type: 'int64' as const, shape: [2, 3], list: [4, 0, 2, 2, 1, 3] };
  const made = (name: string, type: ElemType, bits: number, zeros: boolean): MicrosoftCase => {
    const [low, high] = type === 'int4' ? [-8, 7] : type === 'int8' ? [-128, 127] : [0, (1 << bits) - 1];
    const values = whole('int32', [rows, columns], low, high).list;
    const scales = fixed(real([rows, blocks], 1));
    const points = whole('int32', [rows, blocks], low, high).list;
    const middle = type === 'uint8' ? 1 << (bits - 1) : 0;
    const list = index.list.flatMap((r) =>
      Array.from({ length: columns }, (_, j) => {
        const k = r * blocks + Math.floor(j / block);
        return (values[r * columns + j] - (zeros ? points[k] : middle)) * scales.list[k];
      }),
    );
    // Four bits in bytes: two to a byte along the columns, the first in its lower half.
    const stored = (from: readonly number[], across: number): Operand => {
      if (type !== 'uint8' || bits === 8) return { type, shape: [rows, across], list: from, fixed: true };
      const half = Math.ceil(across / 2);
      const bytes = Array.from({ length: rows * half }, (_, i) => {
        const [r, j] = [Math.floor(i / half), (i % half) * 2];
        return from[r * across + j] | ((j + 1 < across ? from[r * across + j + 1] : 0) << 4);
      });
      return { type, shape: [rows, half], list: bytes, fixed: true };
    };
    const operands = [stored(values, columns), index, scales, zeros ? stored(points, blocks) : null];
    const attrs = { block_size: block, bits, gather_axis: 0, quantize_axis: 1 };
    return call(name, 'GatherBlockQuantized', zeros ? operands : operands.slice(0, 3), attrs, [{ shape: [2, 3, columns], list }]);
  };
  return [
    made('int4', 'int4', 4, false),
    made('int4 with zero points', 'int4', 4, true),
    made('uint4 with zero points', 'uint4', 4, true),
    made('four bits in bytes', 'uint8', 4, false),
    made('four bits in bytes with zero points', 'uint8', 4, true),
    made('bytes', 'uint8', 8, false),
    made('bytes with zero points', 'uint8', 8, true),
  ];
}
function qAttention(): MicrosoftCase[] {
  const [batch, time, width, heads, part] = [2, 4, 6, 2, 3];
  const made = (name: string, of: { type: ElemType; columns?: boolean; later?: boolean; mask?: boolean; past?: number }): MicrosoftCase => {
    const signed = of.type === 'int8';
    const x = signed ? whole('int8', [batch, time, width], -128, 127) : whole('uint8', [batch, time, width], 0, 255);
    const w = whole(of.type, [width, 3 * width], signed ? -128 : 0, signed ? 127 : 255, true);
    const bias = fixed(real([3 * width]));
    const [xScale, xZero, wZero] = [one('float', 0.02), one(x.type, signed ? 3 : 129), one(of.type, signed ? -2 : 120)];
    const wScale: Operand = of.columns
      ? {
          type: 'float',
          shape: [3 * width],
          list: Array.from({ length: 3 * width }, (_, i) => Math.fround(0.004 + 0.0002 * i)),
          fixed: true,
        }
      : one('float', 0.006);
    const past = of.past ?? 0;
    const before = past > 0 ? real([2, batch, heads, past, part]) : null;
    const keys = past + time;
    const mask = of.mask
      ? { type: 'int32' as const, shape: [batch, keys], list: Array.from({ length: batch * keys }, (_, i) => (i % 5 === 3 ? 0 : 1)) }
      : null;
    const product = (b: number, t: number, column: number): number => {
      let sum = 0;
      for (let k = 0; k < width; k++)
        sum += (x.list[(b * time + t) * width + k] - xZero.list[0]) * (w.list[k * 3 * width + column] - wZero.list[0]);
      return sum * xScale.list[0] * wScale.list[of.columns ? column : 0] + bias.list[column];
    };
    /** Query (0), key (1) or value (2) number `t`, counted from the past on. */
    const vector = (b: number, h: number, t: number, which: number): number[] =>
      Array.from({ length: part }, (_, i) =>
        t < past && which > 0
          ? (before as Operand).list[((((which - 1) * batch + b) * heads + h) * past + t) * part + i]
          : product(b, t - past, which * width + h * part + i),
      );
    const list = new Array<number>(batch * time * width).fill(0);
    for (let b = 0; b < batch; b++)
      for (let h = 0; h < heads; h++)
        for (let t = 0; t < time; t++) {
          const q = vector(b, h, past + t, 0);
          const scores = Array.from({ length: keys }, (_, s) => {
            const dot = vector(b, h, s, 1).reduce((sum, v, i) => sum + v * q[i], 0) / Math.sqrt(part);
            if (of.later && s > past + t) return -Infinity;
            return dot + (mask !== null && mask.list[b * keys + s] === 0 ? -10000 : 0);
          });
          softmax(scores).forEach((p, s) => {
            vector(b, h, s, 2).forEach((v, i) => {
              list[(b * time + t) * width + h * part + i] += p * v;
            });
          });
        }
    const present = [1, 2].flatMap((which) =>
      Array.from({ length: batch * heads * keys }, (_, i) =>
        vector(Math.floor(i / (heads * keys)), Math.floor(i / keys) % heads, i % keys, which),
      ).flat(),
    );
    const wanted = [
      { shape: [batch, time, width], list },
      { shape: [2, batch, heads, keys, part], list: present },
    ];
    const attrs = { num_heads: heads, unidirectional: of.later ? 1 : 0 };
    const operands = [x, w, bias, xScale, wScale, mask, xZero, wZero, ...(before === null ? [] : [before])];
    return call(name, 'QAttention', operands, attrs, before === null ? wanted.slice(0, 1) : wanted);
  };
  return [
    made('uint8', { type: 'uint8' }),
    made('int8 weights of one scale, a mask', { type: 'int8', mask: true }),
    made('a scale for each column, no later keys', { type: 'int8', columns: true, later: true }),
    made('keys and values of before', { type: 'uint8', later: true, past: 3 }),
  ];
}

/** Every case. */
export function microsoftCases(): MicrosoftCase[] {
  state = 17;
  return [...biases(), ...biasSoftmax(), ...groupNorm(), ...gatherBlocks(), ...qAttention()];
}
