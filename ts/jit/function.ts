// A function of Wasm that grows: its instructions and its locals.
import { joined, leb } from '../base/sections.ts';
import { type Bytes, END } from './code.ts';
import type { Body } from './lanes.ts';

const NUMBER = 0x7f;
const VECTOR = 0x7b;

/** A function called as kernels are, with (step, phase, tile). */
export class Printed implements Body {
  out: number[] = [];
  private readonly types: number[] = [];
  private readonly pool: number[] = [];
  private used = 0;

  /** A local of four bytes. */
  number(): number {
    return this.local(NUMBER);
  }
  /** A local of a vector that lasts. */
  lasting(): number {
    return this.local(VECTOR);
  }
  /** A local of a vector that others take once `passing` ends. */
  vector(): number {
    if (this.used === this.pool.length) this.pool.push(this.local(VECTOR));
    return this.pool[this.used++];
  }
  private local(type: number): number {
    this.types.push(type);
    return 2 + this.types.length;
  }
  /** The code that `write` emits, whose vectors are free again behind it. */
  passing(write: () => void): Bytes {
    const { out, used } = this;
    this.out = [];
    write();
    const code = this.out;
    this.out = out;
    this.used = used;
    return code;
  }
  emit(...code: readonly Bytes[]): void {
    for (const part of code) for (const byte of part) this.out.push(byte);
  }
  bytes(): Uint8Array {
    const locals = [leb(this.types.length), ...this.types.map((type) => [1, type])].flat();
    const code = joined([locals, this.out, [END]]);
    return joined([leb(code.length), code]);
  }
}
