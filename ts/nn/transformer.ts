import type { DType } from '../base/dtype.ts';
import type { Tensor } from '../tensor/index.ts';
import { full } from '../tensor/index.ts';
import { MultiheadAttention } from './attention.ts';
import { ModuleList } from './containers.ts';
import { Dropout } from './dropout.ts';
import { gelu, relu } from './functional/activation.ts';
import { xavierUniform_ } from './init.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';
import { LayerNorm } from './norm.ts';

/** Options of the transformer's layers. */
export interface TransformerLayerOptions {
  readonly dimFeedforward?: number;
  readonly dropout?: number;
  readonly activation?: 'relu' | 'gelu' | ((x: Tensor) => Tensor);
  readonly layerNormEps?: number;
  readonly batchFirst?: boolean;
  /** Normalise before each part rather than after. */
  readonly normFirst?: boolean;
  readonly bias?: boolean;
  readonly dtype?: DType;
}

/** Masks of an encoder layer. */
export interface EncoderMasks {
  /** (L, L): what a position may not see (true), or added to the scores. */
  readonly srcMask?: Tensor | null;
  /** (N, L): keys to ignore (true). */
  readonly srcKeyPaddingMask?: Tensor | null;
}
/** Masks of a decoder. */
export interface DecoderMasks {
  readonly tgtMask?: Tensor | null;
  readonly memoryMask?: Tensor | null;
  readonly tgtKeyPaddingMask?: Tensor | null;
  readonly memoryKeyPaddingMask?: Tensor | null;
}

/** A (size, size) mask of -Infinity above the diagonal: no position sees a later one. */
export function generateSquareSubsequentMask(size: number, { dtype = 'float32' }: { dtype?: DType } = {}): Tensor {
  return full([size, size], Number.NEGATIVE_INFINITY, { dtype }).triu(1);
}

/** What encoder and decoder layers share: attention to themselves and the feed-forward part. */
class TransformerLayer extends Module {
  declare selfAttn: MultiheadAttention;
  readonly normFirst: boolean;
  readonly #activation: (x: Tensor) => Tensor;

  constructor({ activation = 'relu', normFirst = false }: TransformerLayerOptions) {
    super();
    this.normFirst = normFirst;
    this.#activation = activation === 'relu' ? relu : activation === 'gelu' ? gelu : activation;
  }
  protected feed(x: Tensor, first: Linear, drop: Dropout, second: Linear): Tensor {
    return second.forward(drop.forward(this.#activation(first.forward(x))));
  }
  /** x plus a part of the layer, normalised before or after. */
  protected residual(x: Tensor, norm: LayerNorm, part: (x: Tensor) => Tensor): Tensor {
    return this.normFirst ? x.add(part(norm.forward(x))) : norm.forward(x.add(part(x)));
  }
}

/** Self-attention and a feed-forward network. Keys self_attn, linear1, linear2, norm1, norm2. */
export class TransformerEncoderLayer extends TransformerLayer {
  declare linear1: Linear;
  declare dropout: Dropout;
  declare linear2: Linear;
  declare norm1: LayerNorm;
  declare norm2: LayerNorm;
  declare dropout1: Dropout;
  declare dropout2: Dropout;
  readonly #rebuild: () => TransformerEncoderLayer;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super(options);
    const { dimFeedforward = 2048, dropout = 0.1, layerNormEps = 1e-5, batchFirst = false, bias = true, dtype = 'float32' } = options;
    this.#rebuild = () => new TransformerEncoderLayer(dModel, nhead, options);
    this.registerModule('self_attn', new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, dtype }));
    this.linear1 = new Linear(dModel, dimFeedforward, { bias, dtype });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, { bias, dtype });
    this.norm1 = new LayerNorm(dModel, { eps: layerNormEps, bias, dtype });
    this.norm2 = new LayerNorm(dModel, { eps: layerNormEps, bias, dtype });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
  }
  /** A layer of the same making with the same weights. */
  copy(): TransformerEncoderLayer {
    return copied(this, this.#rebuild());
  }
  override forward(src: Tensor, { srcMask = null, srcKeyPaddingMask = null }: EncoderMasks = {}): Tensor {
    const attended = this.residual(src, this.norm1, (x) =>
      this.dropout1.forward(
        this.selfAttn.forward(x, x, x, { attnMask: srcMask, keyPaddingMask: srcKeyPaddingMask, needWeights: false })[0],
      ),
    );
    return this.residual(attended, this.norm2, (x) => this.dropout2.forward(this.feed(x, this.linear1, this.dropout, this.linear2)));
  }
}

/** Self-attention, attention to the encoder's memory, and a feed-forward network. Keys self_attn, multihead_attn, linear1, linear2, norm1 to norm3. */
export class TransformerDecoderLayer extends TransformerLayer {
  declare multiheadAttn: MultiheadAttention;
  declare linear1: Linear;
  declare dropout: Dropout;
  declare linear2: Linear;
  declare norm1: LayerNorm;
  declare norm2: LayerNorm;
  declare norm3: LayerNorm;
  declare dropout1: Dropout;
  declare dropout2: Dropout;
  declare dropout3: Dropout;
  readonly #rebuild: () => TransformerDecoderLayer;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super(options);
    const { dimFeedforward = 2048, dropout = 0.1, layerNormEps = 1e-5, batchFirst = false, bias = true, dtype = 'float32' } = options;
    this.#rebuild = () => new TransformerDecoderLayer(dModel, nhead, options);
    this.registerModule('self_attn', new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, dtype }));
    this.registerModule('multihead_attn', new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, dtype }));
    this.linear1 = new Linear(dModel, dimFeedforward, { bias, dtype });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, { bias, dtype });
    this.norm1 = new LayerNorm(dModel, { eps: layerNormEps, bias, dtype });
    this.norm2 = new LayerNorm(dModel, { eps: layerNormEps, bias, dtype });
    this.norm3 = new LayerNorm(dModel, { eps: layerNormEps, bias, dtype });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.dropout3 = new Dropout(dropout);
  }
  /** A layer of the same making with the same weights. */
  copy(): TransformerDecoderLayer {
    return copied(this, this.#rebuild());
  }
  override forward(tgt: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    const attend = (
      attention: MultiheadAttention,
      x: Tensor,
      to: Tensor,
      attnMask?: Tensor | null,
      keyPaddingMask?: Tensor | null,
    ): Tensor => attention.forward(x, to, to, { attnMask, keyPaddingMask, needWeights: false })[0];
    const first = this.residual(tgt, this.norm1, (x) =>
      this.dropout1.forward(attend(this.selfAttn, x, x, masks.tgtMask, masks.tgtKeyPaddingMask)),
    );
    const second = this.residual(first, this.norm2, (x) =>
      this.dropout2.forward(attend(this.multiheadAttn, x, memory, masks.memoryMask, masks.memoryKeyPaddingMask)),
    );
    return this.residual(second, this.norm3, (x) => this.dropout3.forward(this.feed(x, this.linear1, this.dropout, this.linear2)));
  }
}

function copied<M extends Module>(from: M, to: M): M {
  to.loadStateDict(from.stateDict());
  return to.train(from.training);
}

/** numLayers copies of a layer, one after the other, then a norm if given. Keys layers.0, ..., norm. */
export class TransformerEncoder extends Module {
  layers: ModuleList<TransformerEncoderLayer>;
  norm: Module | null;

  constructor(layer: TransformerEncoderLayer, numLayers: number, { norm = null }: { norm?: Module | null } = {}) {
    super();
    this.layers = new ModuleList(Array.from({ length: numLayers }, () => layer.copy()));
    this.norm = norm;
  }
  /** `mask` is every layer's srcMask. */
  override forward(
    src: Tensor,
    { mask, srcKeyPaddingMask }: { readonly mask?: Tensor | null; readonly srcKeyPaddingMask?: Tensor | null } = {},
  ): Tensor {
    let x = src;
    for (const layer of this.layers) x = layer.forward(x, { srcMask: mask, srcKeyPaddingMask });
    return this.norm === null ? x : this.norm.forward(x);
  }
}

/** numLayers copies of a decoder layer, one after the other, then a norm if given. Keys layers.0, ..., norm. */
export class TransformerDecoder extends Module {
  layers: ModuleList<TransformerDecoderLayer>;
  norm: Module | null;

  constructor(layer: TransformerDecoderLayer, numLayers: number, { norm = null }: { norm?: Module | null } = {}) {
    super();
    this.layers = new ModuleList(Array.from({ length: numLayers }, () => layer.copy()));
    this.norm = norm;
  }
  override forward(tgt: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    let x = tgt;
    for (const layer of this.layers) x = layer.forward(x, memory, masks);
    return this.norm === null ? x : this.norm.forward(x);
  }
}

/** Options of Transformer. */
export interface TransformerOptions extends TransformerLayerOptions {
  readonly dModel?: number;
  readonly nhead?: number;
  readonly numEncoderLayers?: number;
  readonly numDecoderLayers?: number;
}

/** Encoder and decoder (Vaswani et al. 2017). forward(src, tgt, masks) gives the decoder's output. Keys encoder, decoder. */
export class Transformer extends Module {
  encoder: TransformerEncoder;
  decoder: TransformerDecoder;

  constructor({ dModel = 512, nhead = 8, numEncoderLayers = 6, numDecoderLayers = 6, ...options }: TransformerOptions = {}) {
    super();
    const { layerNormEps: eps = 1e-5, bias = true, dtype = 'float32' } = options;
    const norm = (): LayerNorm => new LayerNorm(dModel, { eps, bias, dtype });
    this.encoder = new TransformerEncoder(new TransformerEncoderLayer(dModel, nhead, options), numEncoderLayers, { norm: norm() });
    this.decoder = new TransformerDecoder(new TransformerDecoderLayer(dModel, nhead, options), numDecoderLayers, { norm: norm() });
    for (const p of this.parameters()) if (p.ndim > 1) xavierUniform_(p);
  }
  override forward(
    src: Tensor,
    tgt: Tensor,
    {
      srcMask,
      srcKeyPaddingMask,
      ...masks
    }: DecoderMasks & { readonly srcMask?: Tensor | null; readonly srcKeyPaddingMask?: Tensor | null } = {},
  ): Tensor {
    const memory = this.encoder.forward(src, { mask: srcMask, srcKeyPaddingMask });
    return this.decoder.forward(tgt, memory, masks);
  }
}
