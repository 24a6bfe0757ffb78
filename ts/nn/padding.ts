import { ValueError } from '../base/errors.ts';
import type { Tensor } from '../tensor/index.ts';
import { type PadMode, pad } from './functional/pad.ts';
import { Module } from './module.ts';

/** Pads the last `rank` dimensions; sizes are (before, after) from the last dimension backwards. */
class Pad extends Module {
  readonly padding: readonly number[];
  readonly #mode: PadMode;
  readonly #value: number;

  constructor(rank: number, padding: number | readonly number[], mode: PadMode, value: number = 0) {
    super();
    this.padding = typeof padding === 'number' ? new Array<number>(2 * rank).fill(padding) : [...padding];
    if (this.padding.length !== 2 * rank)
      throw new ValueError(`${this.constructor.name}: padding [${this.padding.join(', ')}] should be one number or ${2 * rank}`);
    this.#mode = mode;
    this.#value = value;
  }
  override forward(x: Tensor): Tensor {
    return pad(x, this.padding, this.#mode === 'constant' ? { value: this.#value } : { mode: this.#mode });
  }
  override extraRepr(): string {
    return `(${this.padding.join(', ')})${this.#mode === 'constant' && this.#value !== 0 ? `, value=${this.#value}` : ''}`;
  }
}

/** Pads the last dimension with zeros: one number, or (before, after) for each from the last backwards. */
export class ZeroPad1d extends Pad {
  constructor(padding: number | readonly number[]) {
    super(1, padding, 'constant');
  }
}

/** Pads the last 2 dimensions with zeros: one number, or (before, after) for each from the last backwards. */
export class ZeroPad2d extends Pad {
  constructor(padding: number | readonly number[]) {
    super(2, padding, 'constant');
  }
}

/** Pads the last 3 dimensions with zeros: one number, or (before, after) for each from the last backwards. */
export class ZeroPad3d extends Pad {
  constructor(padding: number | readonly number[]) {
    super(3, padding, 'constant');
  }
}

/** Pads the last dimension with one value: one number, or (before, after) for each from the last backwards. */
export class ConstantPad1d extends Pad {
  constructor(padding: number | readonly number[], value: number) {
    super(1, padding, 'constant', value);
  }
}

/** Pads the last 2 dimensions with one value: one number, or (before, after) for each from the last backwards. */
export class ConstantPad2d extends Pad {
  constructor(padding: number | readonly number[], value: number) {
    super(2, padding, 'constant', value);
  }
}

/** Pads the last 3 dimensions with one value: one number, or (before, after) for each from the last backwards. */
export class ConstantPad3d extends Pad {
  constructor(padding: number | readonly number[], value: number) {
    super(3, padding, 'constant', value);
  }
}

/** Pads the last dimension with the mirrored inside: one number, or (before, after) for each from the last backwards. */
export class ReflectionPad1d extends Pad {
  constructor(padding: number | readonly number[]) {
    super(1, padding, 'reflect');
  }
}

/** Pads the last 2 dimensions with the mirrored inside: one number, or (before, after) for each from the last backwards. */
export class ReflectionPad2d extends Pad {
  constructor(padding: number | readonly number[]) {
    super(2, padding, 'reflect');
  }
}

/** Pads the last 3 dimensions with the mirrored inside: one number, or (before, after) for each from the last backwards. */
export class ReflectionPad3d extends Pad {
  constructor(padding: number | readonly number[]) {
    super(3, padding, 'reflect');
  }
}

/** Pads the last dimension with copies of the edge: one number, or (before, after) for each from the last backwards. */
export class ReplicationPad1d extends Pad {
  constructor(padding: number | readonly number[]) {
    super(1, padding, 'replicate');
  }
}

/** Pads the last 2 dimensions with copies of the edge: one number, or (before, after) for each from the last backwards. */
export class ReplicationPad2d extends Pad {
  constructor(padding: number | readonly number[]) {
    super(2, padding, 'replicate');
  }
}

/** Pads the last 3 dimensions with copies of the edge: one number, or (before, after) for each from the last backwards. */
export class ReplicationPad3d extends Pad {
  constructor(padding: number | readonly number[]) {
    super(3, padding, 'replicate');
  }
}

/** Pads the last dimension with the opposite side: one number, or (before, after) for each from the last backwards. */
export class CircularPad1d extends Pad {
  constructor(padding: number | readonly number[]) {
    super(1, padding, 'circular');
  }
}

/** Pads the last 2 dimensions with the opposite side: one number, or (before, after) for each from the last backwards. */
export class CircularPad2d extends Pad {
  constructor(padding: number | readonly number[]) {
    super(2, padding, 'circular');
  }
}

/** Pads the last 3 dimensions with the opposite side: one number, or (before, after) for each from the last backwards. */
export class CircularPad3d extends Pad {
  constructor(padding: number | readonly number[]) {
    super(3, padding, 'circular');
  }
}
