import type { DType } from '../base/dtype.ts';
import { empty, noGrad, type Tensor } from '../tensor/index.ts';
import { embedding } from './functional/linear.ts';
import { normal_ } from './init.ts';
import { Module } from './module.ts';
import { parameter } from './parameter.ts';

/** Options of Embedding. */
export interface EmbeddingOptions {
  /** This row starts as zeros and takes no gradient. */
  readonly paddingIdx?: number | null;
  /** Rows that are looked up and longer than this are shortened to it, in place. */
  readonly maxNorm?: number | null;
  /** The p of maxNorm's norm. */
  readonly normType?: number;
  readonly dtype?: DType;
}

/** A table of vectors: integer indices of any shape give (..., embeddingDim). Key weight (numEmbeddings, embeddingDim). */
export class Embedding extends Module {
  weight: Tensor;
  readonly paddingIdx: number | null;
  readonly maxNorm: number | null;
  readonly normType: number;

  constructor(
    numEmbeddings: number,
    embeddingDim: number,
    { paddingIdx = null, maxNorm = null, normType = 2, dtype = 'float32' }: EmbeddingOptions = {},
  ) {
    super();
    this.paddingIdx = paddingIdx !== null && paddingIdx < 0 ? paddingIdx + numEmbeddings : paddingIdx;
    this.maxNorm = maxNorm;
    this.normType = normType;
    this.weight = parameter(empty([numEmbeddings, embeddingDim], { dtype }));
    normal_(this.weight);
    if (this.paddingIdx !== null) noGrad(() => this.weight.select(0, this.paddingIdx as number).zero_());
  }
  /** An embedding over a given table; `freeze` keeps it as it is. */
  static fromPretrained(table: Tensor, { freeze = true, ...options }: EmbeddingOptions & { freeze?: boolean } = {}): Embedding {
    const e = new Embedding(0, table.shape[1], { ...options, paddingIdx: null });
    e.weight = parameter(table, !freeze);
    (e as { paddingIdx: number | null }).paddingIdx = options.paddingIdx ?? null;
    return e;
  }
  override forward(index: Tensor): Tensor {
    if (this.maxNorm !== null) noGrad(() => this.#shorten(index.reshape([-1]), this.maxNorm as number));
    return embedding(index, this.weight, this.paddingIdx === null ? {} : { paddingIdx: this.paddingIdx });
  }
  #shorten(index: Tensor, maxNorm: number): void {
    const rows = this.weight.indexSelect(0, index);
    const norms = rows.norm(this.normType, 1, { keepdim: true });
    const scale = norms.add(1e-7).reciprocal().mul(maxNorm);
    const short = rows.mul(scale.clamp({ max: 1 }));
    this.weight.copy_(this.weight.indexCopy(0, index, short));
  }
  override extraRepr(): string {
    const padding = this.paddingIdx === null ? '' : `, padding_idx=${this.paddingIdx}`;
    return `${this.weight.shape[0]}, ${this.weight.shape[1]}${padding}`;
  }
}
