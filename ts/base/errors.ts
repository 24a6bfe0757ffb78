/** The base of every error wick throws on purpose: `catch (e) { if (e instanceof WickError) ... }`. */
export class WickError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Shapes that do not fit each other or the operation. */
export class ShapeError extends WickError {}
/** A dtype the operation does not take. */
export class DTypeError extends WickError {}
/** An index or dimension out of range. */
export class IndexError extends WickError {}
/** An argument whose value makes no sense. */
export class ValueError extends WickError {}
/** The engine's memory is exhausted. */
export class MemoryError extends WickError {}
/** A call at the wrong time, or on something already gone. */
export class StateError extends WickError {}
/** A file or byte string that is not what it claims to be. */
export class FormatError extends WickError {}
/** A device that is absent or cannot do what was asked. */
export class DeviceError extends WickError {}
