// What steps, programs and threads need of a linear memory.
import type { Storage } from '../backend.ts';

/** A storage with an address. */
export interface Place extends Storage {
  /** Of its first byte. */
  readonly pointer: number;
}
/** The memory as the host sees it: views that are re-made when it grows. */
export interface Words {
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
}
export interface Space extends Words {
  /** A storage of `bytes` bytes, padded to 64. @throws MemoryError after which the engine works on */
  alloc(bytes: number): Place;
  /** Memory for the owner to free with freeRaw. @throws MemoryError */
  allocRaw(bytes: number): number;
  freeRaw(pointer: number, bytes: number): void;
}
