import type { Tensor } from '../../ts/index.ts';
import { Sha256 } from './sha256.ts';

/** A hash over tensors: dtype, shape and bytes, NaNs as one pattern (which NaN an instruction makes is the processor's affair). */
export class Digest {
  private readonly sha = new Sha256();

  add(...tensors: readonly Tensor[]): this {
    for (const t of tensors) {
      this.text(`${t.dtype} ${t.shape.join(',')};`);
      const data = t.detach().dataSync();
      if (data instanceof Float32Array) canonical(data, new Uint32Array(data.buffer, data.byteOffset, data.length), [0x7fc00000]);
      if (data instanceof Float64Array) canonical(data, new Uint32Array(data.buffer, data.byteOffset, 2 * data.length), [0, 0x7ff80000]);
      this.sha.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    return this;
  }
  text(text: string): this {
    this.sha.update(Uint8Array.from(text, (c) => c.charCodeAt(0)));
    return this;
  }
  hex(): string {
    return this.sha.hex();
  }
}

function canonical(values: Float32Array | Float64Array, words: Uint32Array, nan: readonly number[]): void {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) words.set(nan, nan.length * i);
}
