// What a model may ask for: sizes and counts in a file are only numbers, until its own length and its inputs back them.
import { FormatError, ShapeError } from '../base/errors.ts';
import { show } from '../base/shape.ts';

/** Elements of one result that any model may ask for, and how many more each byte of the file or element of the inputs allows. */
const ELEMENTS = 1 << 22;
const ELEMENTS_EACH = 1024;
/** How much more a number in a list of the host costs than an element of a tensor. */
const HOST = 8;
/** Dimensions that a tensor of a file may have. */
export const RANK: number = 64;
/** Steps that any run may take; each byte and element allows one more. */
const STEPS = 20_000;

/** What one run of a model may ask for beyond what it is given. */
export class Allowance {
  private readonly elements: number;
  private steps: number;

  /** `given`: bytes of the model and elements of its inputs; infinite for a model that is trusted. */
  constructor(given: number) {
    this.elements = Math.min(0x7fffffff, Math.max(ELEMENTS, ELEMENTS_EACH * given));
    this.steps = STEPS + given;
  }
  /** A shape that the file decides. Throws ShapeError where it is none, or larger than this model justifies. */
  room(shape: readonly number[]): readonly number[] {
    if (shape.length > RANK) throw new ShapeError(`a shape of ${shape.length} dimensions; at most ${RANK} are made`);
    if (!shape.every((n) => Number.isInteger(n) && n >= 0)) throw new ShapeError(`the impossible shape ${show(shape)}`);
    const n = shape.reduce((a, b) => a * b, 1);
    if (n > this.elements)
      throw new ShapeError(
        `a result of shape ${show(shape)}: a model of this size may make ${this.elements} elements at once, unless it is loaded with { trusted: true }`,
      );
    return shape;
  }
  /** The length of a list of numbers on the host. Throws ShapeError. */
  list(n: number): number {
    this.room([n, HOST]);
    return n;
  }
  /** Counts the steps of a loop that the file decides. Throws FormatError where they are too many. */
  turns(n: number): number {
    if (!(n >= 0)) throw new FormatError(`a loop of ${n} turns`);
    this.steps -= n;
    if (this.steps < 0)
      throw new FormatError(
        'one run takes more steps than a model of this size may, as if a loop did not end; if it does, load it with { trusted: true }',
      );
    return n;
  }
}
