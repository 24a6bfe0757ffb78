import type { DType } from '../base/dtype.ts';
import { ShapeError, ValueError } from '../base/errors.ts';
import { show } from '../base/shape.ts';
import { cat, empty, type Tensor, zeros } from '../tensor/index.ts';
import { additiveMask, scaledDotProductAttention } from './functional/attention.ts';
import { dropout } from './functional/dropout.ts';
import { linear } from './functional/linear.ts';
import { pad } from './functional/pad.ts';
import { constant_, xavierNormal_, xavierUniform_ } from './init.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';
import { parameter } from './parameter.ts';

/** Options of MultiheadAttention. */
export interface MultiheadAttentionOptions {
  readonly dropout?: number;
  readonly bias?: boolean;
  /** Adds a learned key and value to the sequence. */
  readonly addBiasKv?: boolean;
  /** Adds a key and value of zeros. */
  readonly addZeroAttn?: boolean;
  /** Widths of keys and values where they differ from embedDim. */
  readonly kdim?: number | null;
  readonly vdim?: number | null;
  /** Input and output are (N, L, E) rather than (L, N, E). */
  readonly batchFirst?: boolean;
  readonly dtype?: DType;
}

/** Options of a call. */
export interface AttentionCall {
  /** (N, S): boolean with true: ignore that key, or added to the scores. */
  readonly keyPaddingMask?: Tensor | null;
  /** Whether to return the attention weights. */
  readonly needWeights?: boolean;
  /** (L, S) or (N heads, L, S): boolean with true: may not attend, or added to the scores. */
  readonly attnMask?: Tensor | null;
  /** The mean of the weights over the heads rather than each head's. */
  readonly averageAttnWeights?: boolean;
  /** A hint that attnMask is the causal mask; it must be given all the same. */
  readonly isCausal?: boolean;
}

/**
 * Attention with several heads (Vaswani et al. 2017). forward(query, key, value, options) gives [output, weights or null].
 * Keys in_proj_weight (or q_/k_/v_proj_weight), in_proj_bias, bias_k, bias_v, out_proj.weight, out_proj.bias.
 */
export class MultiheadAttention extends Module {
  declare inProjWeight: Tensor | null;
  declare qProjWeight: Tensor | null;
  declare kProjWeight: Tensor | null;
  declare vProjWeight: Tensor | null;
  declare inProjBias: Tensor | null;
  declare biasK: Tensor | null;
  declare biasV: Tensor | null;
  declare outProj: Linear;
  readonly embedDim: number;
  readonly numHeads: number;
  readonly dropout: number;
  readonly addZeroAttn: boolean;
  readonly batchFirst: boolean;

  constructor(embedDim: number, numHeads: number, options: MultiheadAttentionOptions = {}) {
    super();
    const { dropout: p = 0, bias = true, addBiasKv = false, addZeroAttn = false, batchFirst = false, dtype = 'float32' } = options;
    const kdim = options.kdim ?? embedDim;
    const vdim = options.vdim ?? embedDim;
    if (!(embedDim > 0 && numHeads > 0) || embedDim % numHeads !== 0)
      throw new ValueError(`MultiheadAttention: embedDim ${embedDim} does not divide into ${numHeads} heads`);
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.dropout = p;
    this.addZeroAttn = addZeroAttn;
    this.batchFirst = batchFirst;
    const weight = (...shape: number[]): Tensor => parameter(xavierUniform_(empty(shape, { dtype })));
    const split = kdim !== embedDim || vdim !== embedDim;
    this.registerParameter('q_proj_weight', split ? weight(embedDim, embedDim) : null);
    this.registerParameter('k_proj_weight', split ? weight(embedDim, kdim) : null);
    this.registerParameter('v_proj_weight', split ? weight(embedDim, vdim) : null);
    this.registerParameter('in_proj_weight', split ? null : weight(3 * embedDim, embedDim));
    this.registerParameter('in_proj_bias', bias ? parameter(zeros([3 * embedDim], { dtype })) : null);
    const extra = (): Tensor | null => (addBiasKv ? parameter(xavierNormal_(empty([1, 1, embedDim], { dtype }))) : null);
    this.registerParameter('bias_k', extra());
    this.registerParameter('bias_v', extra());
    const out = new Linear(embedDim, embedDim, { bias, dtype });
    if (out.bias !== null) constant_(out.bias, 0);
    this.registerModule('out_proj', out);
  }

  override forward(query: Tensor, key: Tensor, value: Tensor, options: AttentionCall = {}): [output: Tensor, weights: Tensor | null] {
    const { needWeights = true, averageAttnWeights = true } = options;
    const single = query.ndim === 2;
    if (query.ndim !== key.ndim || key.ndim !== value.ndim || (query.ndim !== 2 && query.ndim !== 3))
      throw new ShapeError(
        `MultiheadAttention: query ${show(query.shape)}, key ${show(key.shape)}, value ${show(value.shape)}; all must have 2 or 3 dimensions`,
      );
    if (query.shape.at(-1) !== this.embedDim)
      throw new ShapeError(`MultiheadAttention: query ${show(query.shape)} should end in embedDim ${this.embedDim}`);
    // (N, L, E) throughout.
    const rows = (x: Tensor): Tensor => (single ? x.unsqueeze(0) : this.batchFirst ? x : x.transpose(0, 1));
    let [q, k, v] = this.#project(rows(query), rows(key), rows(value));
    const batch = q.shape[0];
    const widen = (x: Tensor, row: Tensor): Tensor => cat([x, row.expand([batch, 1, this.embedDim])], 1);
    let added = 0;
    if (this.biasK !== null && this.biasV !== null) {
      k = widen(k, this.biasK);
      v = widen(v, this.biasV);
      added++;
    }
    if (this.addZeroAttn) {
      const zero = zeros([1, 1, this.embedDim], { dtype: k.dtype });
      k = widen(k, zero);
      v = widen(v, zero);
      added++;
    }
    const width = this.embedDim / this.numHeads;
    const heads = (x: Tensor): Tensor => x.unflatten(2, [this.numHeads, width]).transpose(1, 2);
    if (!needWeights && !(this.training && this.dropout > 0)) {
      const mask = this.#masks(options, batch, added, q).reduce<Tensor | null>((a, b) => (a === null ? b : a.add(b)), null);
      const y = scaledDotProductAttention(heads(q), heads(k), heads(v), { attnMask: mask });
      return [this.#result(y, single), null];
    }
    let scores = heads(q)
      .mul(1 / Math.sqrt(width))
      .matmul(heads(k).mT);
    for (const mask of this.#masks(options, batch, added, scores)) scores = scores.add(mask);
    const weights = scores.softmax(-1);
    const attended = dropout(weights, this.dropout, { training: this.training }).matmul(heads(v));
    const output = this.#result(attended, single);
    if (!needWeights) return [output, null];
    const shown = averageAttnWeights ? weights.mean(1) : weights;
    return [output, single ? shown.squeeze(0) : shown];
  }

  #result(attended: Tensor, single: boolean): Tensor {
    const y = this.outProj.forward(attended.transpose(1, 2).flatten(2));
    return single ? y.squeeze(0) : this.batchFirst ? y : y.transpose(0, 1);
  }
  #project(query: Tensor, key: Tensor, value: Tensor): [Tensor, Tensor, Tensor] {
    const biases = this.inProjBias?.chunk(3, 0) ?? [null, null, null];
    if (this.inProjWeight !== null && query === key && key === value)
      return linear(query, this.inProjWeight, this.inProjBias).chunk(3, -1) as [Tensor, Tensor, Tensor];
    const weights = this.inProjWeight?.chunk(3, 0) ?? ([this.qProjWeight, this.kProjWeight, this.vProjWeight] as Tensor[]);
    return [query, key, value].map((x, i) => linear(x, weights[i], biases[i])) as [Tensor, Tensor, Tensor];
  }
  /** The masks as scores to add, (1 or N, 1 or heads, 1 or L, S + added). */
  #masks({ attnMask, keyPaddingMask }: AttentionCall, batch: number, added: number, scores: Tensor): Tensor[] {
    const ready = (mask: Tensor): Tensor => {
      const m = additiveMask(mask, scores);
      return added > 0 ? pad(m, [0, added]) : m;
    };
    const masks: Tensor[] = [];
    if (attnMask) {
      const m = ready(attnMask);
      masks.push(m.ndim === 3 ? m.reshape([batch, this.numHeads, ...m.shape.slice(1)]) : m);
    }
    if (keyPaddingMask) {
      const m = ready(keyPaddingMask);
      masks.push(m.reshape([batch, 1, 1, m.shape.at(-1) as number]));
    }
    return masks;
  }
}
