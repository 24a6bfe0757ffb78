import type { DType } from '../base/dtype.ts';
import { empty, type Tensor, zeros } from '../tensor/index.ts';
import { linear } from './functional/linear.ts';
import { gruStep, lstmStep, rnnStep } from './functional/rnn.ts';
import { uniform_ } from './init.ts';
import { Module } from './module.ts';
import { parameter } from './parameter.ts';

/** Options of the cells. */
export interface CellOptions {
  readonly bias?: boolean;
  readonly dtype?: DType;
}

/** What the cells share: keys weight_ih, weight_hh, bias_ih, bias_hh. */
class Cell extends Module {
  declare weightIh: Tensor;
  declare weightHh: Tensor;
  declare biasIh: Tensor | null;
  declare biasHh: Tensor | null;
  readonly inputSize: number;
  readonly hiddenSize: number;

  constructor(gates: number, inputSize: number, hiddenSize: number, { bias = true, dtype = 'float32' }: CellOptions) {
    super();
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    const bound = hiddenSize > 0 ? 1 / Math.sqrt(hiddenSize) : 0;
    const weight = (...shape: number[]): Tensor => parameter(uniform_(empty(shape, { dtype }), -bound, bound));
    this.registerParameter('weight_ih', weight(gates * hiddenSize, inputSize));
    this.registerParameter('weight_hh', weight(gates * hiddenSize, hiddenSize));
    this.registerParameter('bias_ih', bias ? weight(gates * hiddenSize) : null);
    this.registerParameter('bias_hh', bias ? weight(gates * hiddenSize) : null);
  }
  protected gates(x: Tensor): Tensor {
    return linear(x, this.weightIh, this.biasIh);
  }
  protected start(x: Tensor): Tensor {
    return zeros([...x.shape.slice(0, -1), this.hiddenSize], { dtype: x.dtype });
  }
  override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.biasIh === null ? ', bias=False' : ''}`;
  }
}

/** One step of an Elman network: (N, in) and (N, hidden) give (N, hidden); also without N. */
export class RNNCell extends Cell {
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(inputSize: number, hiddenSize: number, options: CellOptions & { readonly nonlinearity?: 'tanh' | 'relu' } = {}) {
    super(1, inputSize, hiddenSize, options);
    this.nonlinearity = options.nonlinearity ?? 'tanh';
  }
  override forward(x: Tensor, h: Tensor = this.start(x)): Tensor {
    return rnnStep(this.gates(x), h, this.weightHh, this.biasHh, this.nonlinearity);
  }
}

/** One step of an LSTM: (N, in) and [h, c] give the new [h, c]; also without N. */
export class LSTMCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(4, inputSize, hiddenSize, options);
  }
  override forward(x: Tensor, [h, c]: readonly [Tensor, Tensor] = [this.start(x), this.start(x)]): [h: Tensor, c: Tensor] {
    return lstmStep(this.gates(x), h, c, this.weightHh, this.biasHh, null);
  }
}

/** One step of a GRU: (N, in) and (N, hidden) give (N, hidden); also without N. */
export class GRUCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(3, inputSize, hiddenSize, options);
  }
  override forward(x: Tensor, h: Tensor = this.start(x)): Tensor {
    return gruStep(this.gates(x), h, this.weightHh, this.biasHh);
  }
}
