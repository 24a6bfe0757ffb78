// Instructions of Wasm as the bytes that functions are made of.
import { leb, signed } from '../base/sections.ts';

export type Bytes = readonly number[];

export const ADD = 0x6a;
export const SUB = 0x6b;
export const MUL = 0x6c;
export const DIV = 0x6e;
export const REM = 0x70;
export const AND = 0x71;
export const SHL = 0x74;
export const LESS = 0x49;
export const MORE = 0x4b;
export const AT_LEAST = 0x4f;
export const END = 0x0b;
export const RETURN = 0x0f;

export const number = (n: number): Bytes => [0x41, ...signed(n)];
export const get = (local: number): Bytes => [0x20, ...leb(local)];
export const set = (local: number): Bytes => [0x21, ...leb(local)];
/** The word `offset` bytes behind an address. */
export const word = (offset: number): Bytes => [0x28, 2, ...leb(offset)];
export const shifted = (by: number): Bytes => (by === 0 ? [] : [...number(by), SHL]);
/** An instruction on vectors. */
export const vector = (instruction: number): Bytes => [0xfd, ...leb(instruction)];
/** A load or store of a vector, whole or as far as `instruction` says. */
export const access = (instruction: number, offset: number): Bytes => [...vector(instruction), 0, ...leb(offset)];
/** Lanes of 4 bytes of two vectors (numbered 0 to 7). */
export const shuffle = (...lanes: readonly number[]): Bytes => [
  ...vector(0x0d),
  ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
];
/** The smaller of two numbers without sign. */
export const smaller = (a: Bytes, b: Bytes): Bytes => [...a, ...b, ...a, ...b, LESS, 0x1b];
/** Runs `body` until `done` holds before a turn. */
export const turns = (done: Bytes, body: Bytes): Bytes => [0x02, 0x40, 0x03, 0x40, ...done, 0x0d, 1, ...body, 0x0c, 0, END, END];
/** Runs `body`, or `other`, by the condition on the stack. */
export const either = (body: Bytes, other: Bytes = []): Bytes => [0x04, 0x40, ...body, ...(other.length > 0 ? [0x05, ...other] : []), END];
