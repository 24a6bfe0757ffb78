import type { Tensor } from '../tensor/index.ts';
import * as F from './functional/dropout.ts';
import { Module } from './module.ts';

class Drop extends Module {
  readonly p: number;

  constructor(p: number = 0.5) {
    super();
    this.p = p;
  }
  override extraRepr(): string {
    return `p=${this.p}`;
  }
}

/** In training, drops elements with probability p and rescales the rest. */
export class Dropout extends Drop {
  override forward(x: Tensor): Tensor {
    return F.dropout(x, this.p, { training: this.training });
  }
}

/** In training, drops channels of (N, C, L) with probability p and rescales the rest. */
export class Dropout1d extends Drop {
  override forward(x: Tensor): Tensor {
    return F.dropout1d(x, this.p, { training: this.training });
  }
}

/** In training, drops channels of (N, C, H, W) with probability p and rescales the rest. */
export class Dropout2d extends Drop {
  override forward(x: Tensor): Tensor {
    return F.dropout2d(x, this.p, { training: this.training });
  }
}

/** In training, drops elements of SELU networks with probability p and rescales the rest. */
export class AlphaDropout extends Drop {
  override forward(x: Tensor): Tensor {
    return F.alphaDropout(x, this.p, { training: this.training });
  }
}
