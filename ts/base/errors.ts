/** The base of every error that wick throws on purpose: its message names the op, the shapes or values, and the remedy. */
export class WickError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}
/** Shapes that do not fit each other or the op. */
export class ShapeError extends WickError {}
/** A dtype that the op does not take, or a promotion that does not exist. */
export class DTypeError extends WickError {}
/** An index or a dimension out of range. */
export class IndexError extends WickError {}
/** An argument whose value is not allowed. */
export class ValueError extends WickError {}
/** No memory left for the request; nothing was lost and the engine goes on. */
export class MemoryError extends WickError {}
/** An operation at a moment that does not allow it: backward twice, a disposed tensor, an in-place change of a needed value. */
export class StateError extends WickError {}
/** A file or message that is damaged, truncated or of another format. */
export class FormatError extends WickError {}
/** A device that cannot do what is asked. */
export class DeviceError extends WickError {}
