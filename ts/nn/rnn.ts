import type { DType } from '../base/dtype.ts';
import { ShapeError, ValueError } from '../base/errors.ts';
import { show } from '../base/shape.ts';
import { cat, empty, stack, type Tensor, zeros } from '../tensor/index.ts';
import { dropout } from './functional/dropout.ts';
import { linear } from './functional/linear.ts';
import { gruStep, lstmStep, rnnStep } from './functional/rnn.ts';
import { uniform_ } from './init.ts';
import { Module } from './module.ts';
import { parameter } from './parameter.ts';

/** Options of the recurrent layers. */
export interface RecurrentOptions {
  readonly numLayers?: number;
  readonly bias?: boolean;
  /** Input and output are (N, L, ...) rather than (L, N, ...). */
  readonly batchFirst?: boolean;
  /** Dropout between layers, in training. */
  readonly dropout?: number;
  readonly bidirectional?: boolean;
  readonly dtype?: DType;
}

/** The weights of one direction of one layer. */
interface Direction {
  readonly weightIh: Tensor;
  readonly weightHh: Tensor;
  readonly biasIh: Tensor | null;
  readonly biasHh: Tensor | null;
  readonly weightHr: Tensor | null;
}
/** States of all layers and directions: one tensor (h), or two (h and c). */
type States = readonly Tensor[];

/** What RNN, LSTM and GRU share: weights weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, ..._l0_reverse, ..._l1, ... */
abstract class Recurrent extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  readonly projSize: number;

  constructor(gates: number, inputSize: number, hiddenSize: number, options: RecurrentOptions & { projSize?: number }) {
    super();
    const {
      numLayers = 1,
      bias = true,
      batchFirst = false,
      dropout: p = 0,
      bidirectional = false,
      projSize = 0,
      dtype = 'float32',
    } = options;
    if (!(p >= 0 && p <= 1)) throw new ValueError(`${this.constructor.name}: dropout ${p} is not a probability; give 0 to 1`);
    if (projSize < 0 || projSize >= hiddenSize)
      throw new ValueError(`${this.constructor.name}: projSize ${projSize} must be below hiddenSize ${hiddenSize}`);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.numLayers = numLayers;
    this.bias = bias;
    this.batchFirst = batchFirst;
    this.dropout = p;
    this.bidirectional = bidirectional;
    this.projSize = projSize;
    const bound = hiddenSize > 0 ? 1 / Math.sqrt(hiddenSize) : 0;
    const weight = (name: string, ...shape: number[]): void =>
      this.registerParameter(name, parameter(uniform_(empty(shape, { dtype }), -bound, bound)));
    for (const { suffix, layer } of this.directions()) {
      const width = layer === 0 ? inputSize : this.#width * this.#ways;
      weight(`weight_ih_${suffix}`, gates * hiddenSize, width);
      weight(`weight_hh_${suffix}`, gates * hiddenSize, this.#width);
      if (bias) {
        weight(`bias_ih_${suffix}`, gates * hiddenSize);
        weight(`bias_hh_${suffix}`, gates * hiddenSize);
      }
      if (projSize > 0) weight(`weight_hr_${suffix}`, projSize, hiddenSize);
    }
  }
  /** Width of the hidden state. */
  get #width(): number {
    return this.projSize > 0 ? this.projSize : this.hiddenSize;
  }
  get #ways(): number {
    return this.bidirectional ? 2 : 1;
  }
  *directions(): Generator<{ suffix: string; layer: number; reverse: boolean }> {
    for (let layer = 0; layer < this.numLayers; layer++) {
      yield { suffix: `l${layer}`, layer, reverse: false };
      if (this.bidirectional) yield { suffix: `l${layer}_reverse`, layer, reverse: true };
    }
  }
  #weights(): Direction[] {
    const own = new Map(this.ownParameters());
    return Array.from(this.directions(), ({ suffix }) => ({
      weightIh: own.get(`weight_ih_${suffix}`) as Tensor,
      weightHh: own.get(`weight_hh_${suffix}`) as Tensor,
      biasIh: own.get(`bias_ih_${suffix}`) ?? null,
      biasHh: own.get(`bias_hh_${suffix}`) ?? null,
      weightHr: own.get(`weight_hr_${suffix}`) ?? null,
    }));
  }
  /** The states after one time step. */
  protected abstract step(gates: Tensor, states: States, w: Direction): Tensor[];
  /** The widths of the states. */
  protected stateWidths(): number[] {
    return [this.#width];
  }

  /** Runs the whole sequence: the output (..., directions x width) and the last states (layers x directions, N, width). */
  protected run(input: Tensor, given: States | null): [output: Tensor, states: Tensor[]] {
    if (input.ndim !== 2 && input.ndim !== 3)
      throw new ShapeError(
        `${this.constructor.name}: input ${show(input.shape)} should be (L, N, in), (N, L, in) with batchFirst, or (L, in)`,
      );
    if (input.shape.at(-1) !== this.inputSize)
      throw new ShapeError(`${this.constructor.name}: input ${show(input.shape)} should end in inputSize ${this.inputSize}`);
    const single = input.ndim === 2;
    let x = single ? input.unsqueeze(1) : this.batchFirst ? input.transpose(0, 1) : input;
    const start = this.#start(x, given, single);
    const last: Tensor[][] = start.map(() => []);
    let outs: Tensor[] = [];
    this.#weights().forEach((w, k) => {
      const reverse = this.bidirectional && k % 2 === 1;
      const { out, states } = this.#direction(
        x,
        start.map((s) => s.select(0, k)),
        w,
        reverse,
      );
      states.forEach((s, i) => {
        last[i].push(s);
      });
      outs.push(out);
      if (outs.length < this.#ways) return;
      x = outs.length === 1 ? outs[0] : cat(outs, -1);
      if (k < this.numLayers * this.#ways - 1) x = dropout(x, this.dropout, { training: this.training });
      outs = [];
    });
    const states = last.map((list) => stack(list, 0));
    const output = single ? x.squeeze(1) : this.batchFirst ? x.transpose(0, 1) : x;
    return [output, single ? states.map((s) => s.squeeze(1)) : states];
  }
  #start(x: Tensor, given: States | null, single: boolean): Tensor[] {
    const count = this.numLayers * this.#ways;
    return this.stateWidths().map((width, i) => {
      const shape = [count, x.shape[1], width];
      if (given === null) return zeros(shape, { dtype: x.dtype });
      const s = single ? given[i].unsqueeze(1) : given[i];
      if (s.ndim !== 3 || s.shape.some((n, d) => n !== shape[d]))
        throw new ShapeError(`${this.constructor.name}: state ${show(given[i].shape)} should be ${show(single ? [count, width] : shape)}`);
      return s;
    });
  }
  #direction(x: Tensor, start: Tensor[], w: Direction, reverse: boolean): { out: Tensor; states: Tensor[] } {
    const gates = linear(x, w.weightIh, w.biasIh).unbind(0);
    if (reverse) gates.reverse();
    let states = start;
    const outs = gates.map((g) => {
      states = this.step(g, states, w);
      return states[0];
    });
    if (reverse) outs.reverse();
    return { out: stack(outs, 0), states };
  }
  override extraRepr(): string {
    const parts = [String(this.inputSize), String(this.hiddenSize)];
    if (this.projSize > 0) parts.push(`proj_size=${this.projSize}`);
    if (this.numLayers !== 1) parts.push(`num_layers=${this.numLayers}`);
    if (!this.bias) parts.push('bias=False');
    if (this.batchFirst) parts.push('batch_first=True');
    if (this.dropout !== 0) parts.push(`dropout=${this.dropout}`);
    if (this.bidirectional) parts.push('bidirectional=True');
    return parts.join(', ');
  }
}

/** Elman network. forward(x, h?) gives [output, h]. */
export class RNN extends Recurrent {
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions & { readonly nonlinearity?: 'tanh' | 'relu' } = {}) {
    super(1, inputSize, hiddenSize, options);
    this.nonlinearity = options.nonlinearity ?? 'tanh';
  }
  protected override step(gates: Tensor, [h]: States, w: Direction): Tensor[] {
    return [rnnStep(gates, h, w.weightHh, w.biasHh, this.nonlinearity)];
  }
  override forward(x: Tensor, h: Tensor | null = null): [output: Tensor, h: Tensor] {
    const [output, [last]] = this.run(x, h === null ? null : [h]);
    return [output, last];
  }
}

/** Gated recurrent unit. forward(x, h?) gives [output, h]. */
export class GRU extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(3, inputSize, hiddenSize, options);
  }
  protected override step(gates: Tensor, [h]: States, w: Direction): Tensor[] {
    return [gruStep(gates, h, w.weightHh, w.biasHh)];
  }
  override forward(x: Tensor, h: Tensor | null = null): [output: Tensor, h: Tensor] {
    const [output, [last]] = this.run(x, h === null ? null : [h]);
    return [output, last];
  }
}

/** Long short-term memory; `projSize` projects the hidden state. forward(x, [h, c]?) gives [output, [h, c]]. */
export class LSTM extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions & { readonly projSize?: number } = {}) {
    super(4, inputSize, hiddenSize, options);
  }
  protected override stateWidths(): number[] {
    return [...super.stateWidths(), this.hiddenSize];
  }
  protected override step(gates: Tensor, [h, c]: States, w: Direction): Tensor[] {
    return lstmStep(gates, h, c, w.weightHh, w.biasHh, w.weightHr);
  }
  override forward(x: Tensor, states: readonly [Tensor, Tensor] | null = null): [output: Tensor, states: [h: Tensor, c: Tensor]] {
    const [output, [h, c]] = this.run(x, states);
    return [output, [h, c]];
  }
}
