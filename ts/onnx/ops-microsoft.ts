// Operators of the domain com.microsoft that onnxruntime's optimiser and quantiser write.
import { functional as F } from '../nn/index.ts';
import { cat, type Tensor, where } from '../tensor/index.ts';
import { type Call, Call as CallOf, type Out, type Row } from './call.ts';
import { activation } from './ops-activation.ts';
import { CONVOLUTIONS } from './ops-conv.ts';
import { NORMS } from './ops-norm.ts';
import { dynamicProduct } from './ops-quant.ts';
import { lstmBy } from './ops-recurrent.ts';
import { quantised } from './ops-types.ts';
import { Value } from './value.ts';

/** The same node with other inputs. */
const again = (c: Call, inputs: readonly (Value | null)[], row: Row): Out =>
  row.run(new CallOf({ ...c.node, domain: '', version: 21 }, inputs, c.enter, c.allowance));
const first = (out: Out): Tensor => {
  const x = Array.isArray(out) ? out[0] : out;
  return x instanceof Value ? x.tensor() : (x as Tensor);
};
const optional = (c: Call, i: number): Value | null => (c.has(i) ? c.v(i) : null);

/** Real numbers of a quantised input with scale and zero point behind it. */
function real(c: Call, x: number, scale: number, zero: number): Tensor {
  const wide = c.x(x).to('int32');
  const moved = c.has(zero) ? wide.sub(c.x(zero).to('int32').reshape([])) : wide;
  return moved.to('float32').mul(c.x(scale).reshape([]));
}

/** An LSTM over weights [directions, in, gates * hidden] of eight bits; inputs and states are quantised by their own range at each product. */
function dynamicQuantizeLstm(c: Call): Out {
  const by = (at: number, scale: number, d: number) => {
    const of = (i: number): Tensor => (c.x(i).ndim > 1 || c.x(i).numel > 1 ? c.x(i).select(0, d) : c.x(i));
    return (x: Tensor): Tensor =>
      dynamicProduct(x.reshape([-1, x.shape[x.ndim - 1]]), c.x(at).select(0, d), of(scale), of(scale + 1)).reshape([
        ...x.shape.slice(0, -1),
        -1,
      ]);
  };
  const turned = (i: number): Value => Value.of(c.x(i).transpose(1, 2), c.type(i));
  const inputs = [optional(c, 0), turned(1), turned(2), ...[3, 4, 5, 6, 7].map((i) => optional(c, i))];
  const run = lstmBy((_, d) => ({ input: by(1, 8, d), state: by(2, 10, d) }));
  return again(c, inputs, { run });
}
function qlinearPool(c: Call): Value {
  const nhwc = c.int('channels_last', 0) !== 0;
  const x = real(c, 0, 1, 2);
  const y = first(again(c, [Value.of(nhwc ? x.movedim(-1, 1) : x)], CONVOLUTIONS.AveragePool));
  return quantised((nhwc ? y.movedim(1, -1) : y).div(c.x(3).reshape([])), c.opt(4)?.reshape([]) ?? null, c.type(c.has(4) ? 4 : 0));
}
function qlinearWhere(c: Call): Value {
  const y = where(c.x(0), real(c, 1, 2, 3), real(c, 4, 5, 6));
  return quantised(y.div(c.x(7).reshape([])), c.x(8).reshape([]), c.type(1));
}

/** A product or convolution with an activation behind it. */
function fused(row: Row, inputs: number): Row {
  return {
    run: (c) => {
      let y = first(
        again(
          c,
          c.inputs.slice(0, inputs).map((_, i) => optional(c, i)),
          row,
        ),
      );
      if (c.has(inputs)) y = y.add(c.x(inputs));
      const name = c.str('activation', '');
      const [alpha, beta] = c.floatsOr('activation_params') ?? [c.attr('activation_alpha') ? c.float('activation_alpha') : undefined];
      if (name === '') return y;
      return name.toLowerCase() === 'clip' ? y.clamp(alpha ?? null, beta ?? null) : activation(name, alpha, beta, c)(y);
    },
  };
}

/** Rows of 4-bit (or 8-bit) weights in blocks of columns, [n, blocks, bytes]. */
function matMulNBits(c: Call): Tensor {
  const [k, n, bits, block] = [c.int('K'), c.int('N'), c.int('bits', 4), c.int('block_size')];
  if (bits !== 4 && bits !== 8) c.fail(`weights of ${bits} bits; 4 and 8 are supported`);
  const x = c.x(0);
  const blocks = Math.ceil(k / block);
  const nibbles = (t: Tensor, last: number): Tensor => {
    if (bits === 8) return t.to('int32');
    const wide = t.to('int32').unsqueeze(t.ndim);
    const pairs = cat([wide.bitwiseAnd(15), wide.bitwiseRightShift(4)], t.ndim);
    const shape = [...t.shape.slice(0, -1), t.shape[t.ndim - 1] * 2];
    return pairs.reshape(shape).narrow(t.ndim - 1, 0, last);
  };
  const q = nibbles(c.x(1).reshape([n, blocks, -1]), block).to(x.dtype);
  const scale = c.x(2).reshape([n, blocks, 1]).to(x.dtype);
  const bytes = Math.ceil((blocks * bits) / 8);
  const zero = c.has(3)
    ? c.type(3) === 'uint8'
      ? nibbles(c.x(3).reshape([n, bytes]), blocks)
          .reshape([n, blocks, 1])
          .to(x.dtype)
      : c.x(3).reshape([n, blocks, 1]).to(x.dtype)
    : bits === 4
      ? 8
      : 128;
  const w = q
    .sub(zero)
    .mul(scale)
    .reshape([n, blocks * block])
    .narrow(1, 0, k);
  const y = x.matmul(w.t());
  return c.has(5) ? y.add(c.x(5)) : y;
}

/** Lookups of words, places and kinds, added and normalised. */
function embedLayerNorm(c: Call): (Tensor | null)[] {
  const words = c.x(0);
  const row = (table: Tensor, at: Tensor): Tensor => table.indexSelect(0, at.to('int64').reshape([-1])).reshape([...at.shape, -1]);
  let sum = row(c.x(2), words);
  const places = c.opt(8);
  sum = sum.add(places === null ? c.x(3).narrow(0, 0, words.shape[1]) : row(c.x(3), places));
  if (c.has(4) && c.has(1)) sum = sum.add(row(c.x(4), c.x(1)));
  const y = F.layerNorm(sum, sum.shape.slice(-1), { weight: c.x(5), bias: c.x(6), eps: c.float('epsilon', 1e-12) });
  const mask = c.opt(7);
  return [y, mask === null ? null : mask.sum(1).to('int32'), sum];
}

/** com.microsoft. */
export const MICROSOFT: Readonly<Record<string, Row>> = Object.fromEntries(
  Object.entries<Row>({
    DynamicQuantizeLSTM: { quantised: true, fixed: [8, 9, 10, 11], run: dynamicQuantizeLstm },
    QLinearAveragePool: { fixed: [1, 2, 3, 4], run: qlinearPool },
    QLinearWhere: { fixed: [2, 3, 5, 6, 7, 8], run: qlinearWhere },
    FusedConv: fused(CONVOLUTIONS.Conv, 3),
    FusedGemm: fused(NORMS.Gemm, 3),
    MatMulNBits: { fixed: [2, 3], run: matMulNBits },
    EmbedLayerNormalization: { run: embedLayerNorm },
  }).map(([name, row]) => [`com.microsoft:${name}`, row]),
);
