// Inference alone: runs .wick files on the engine, without tensors, autograd or networks.
import type { Data, Storage, View } from '../backend.ts';
import { type DType, SIZE } from '../base/dtype.ts';
import { ShapeError, StateError, ValueError } from '../base/errors.ts';
import { show, sizeOf } from '../base/shape.ts';
import { checkNames, type RawPort, rawCalls } from '../formats/ports.ts';
import { readRecipe } from '../formats/recipe.ts';
import { steadied } from '../plan/steady.ts';
import { decode, encode } from '../tensor/bytes.ts';
import { Engine } from '../wasm/engine.ts';

export type { Data } from '../backend.ts';
export type { DType } from '../base/dtype.ts';
export * from '../base/errors.ts';

/** An input or output of a model. */
export interface Port {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}
/** A result: its elements, row-major, in the typed array of its dtype (float16 and bfloat16 as Float32Array, bool as Uint8Array). */
export interface Result extends Port {
  readonly data: Data;
}
/** The elements of an input, row-major. */
export type Values = ArrayLike<number> | ArrayLike<bigint> | ArrayLike<boolean>;

/** A model that came from a .wick file. */
export interface Model {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Takes inputs and gives outputs by name. Throws ValueError for a missing or unknown input, ShapeError for another number of elements. */
  run(inputs: Readonly<Record<string, Values>>): Record<string, Result>;
  /** Frees its memory. */
  dispose(): void;
}

let engine: Engine | null = null;
/** Made at the first load, so that importing costs nothing. */
const device = (): Engine => {
  engine ??= new Engine();
  return engine;
};
const viewOf = (storage: Storage, bytes: number): View => ({
  storage,
  offset: 0,
  shape: [bytes],
  strides: [1],
  dtype: 'uint8',
  rowMajor: true,
});

/** Uses n threads in all, this one included. The bits of results do not depend on it. */
export function setThreads(n: number): void {
  if (!Number.isInteger(n) || n < 1 || n > 64) throw new ValueError(`setThreads: ${n} is not a whole number from 1 to 64`);
  device().pool.set(n);
}

/**
 * Reads a plan that wick saved and makes it ready to run. The file's checksum and the places of its operands are checked, but not the rules
 * of its ops, as wick does: load only files that come from wick. Throws FormatError on anything but a whole file of this version, MemoryError where
 * its weights do not fit.
 *
 * `load(await (await fetch('model.wick')).bytes()).run({ x0: pixels }).y.data`
 */
export function load(bytes: Uint8Array): Model {
  const on = device();
  const states: Storage[] = [];
  const fill = (data: Uint8Array): Storage => {
    const storage = on.alloc(data.length);
    states.push(storage);
    on.write(viewOf(storage, data.length), data);
    return storage;
  };
  const recipe = readRecipe(bytes, fill, ({ op, inputs }) =>
    op.kind === 'view' || inputs.length !== op.inputs.length ? `${inputs.length} operands` : null,
  );
  const { calls, inputs, outputs } = rawCalls(recipe);
  const storagesOf = (ports: readonly RawPort[]): Storage[] => ports.map((p) => p.storage);
  const program = steadied(on, { calls, inputs: storagesOf(inputs), outputs: storagesOf(outputs) });
  const places = inputs.map((p) => ({ storage: on.alloc(p.bytes), byteOffset: 0 }));
  const results = outputs.map((p) => on.alloc(p.bytes));
  const shown = ({ name, shape, dtype }: RawPort): Port => ({ name, shape, dtype });
  let disposed = false;

  return {
    inputs: inputs.map(shown),
    outputs: outputs.map(shown),
    run(given) {
      if (disposed) throw new StateError('run: the model was disposed');
      checkNames(given, inputs);
      inputs.forEach((port, i) => {
        on.write(viewOf(places[i].storage, port.bytes), bytesOf(given[port.name], port));
      });
      program.run(places, results);
      return Object.fromEntries(
        outputs.map((port, i) => {
          const data = decode(on.readSync(viewOf(results[i], port.bytes)), port.dtype);
          return [port.name, { ...shown(port), data }];
        }),
      );
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      program.dispose();
      for (const s of [...states, ...places.map((p) => p.storage), ...results]) s.release();
    },
  };
}

/** The bytes of an input. @throws ShapeError */
function bytesOf(values: Values, { name, shape, dtype }: RawPort): Uint8Array {
  const n = sizeOf(shape);
  if (values.length !== n) throw new ShapeError(`run: '${name}' is ${dtype}${show(shape)}: ${n} elements, not ${values.length}`);
  const same = ArrayBuffer.isView(values) && Object.prototype.toString.call(values) === `[object ${ARRAYS[dtype]}]`;
  if (!same) return encode(values as ArrayLike<number>, dtype);
  const { buffer, byteOffset } = values as unknown as Uint8Array;
  return new Uint8Array(buffer, byteOffset, n * SIZE[dtype]);
}
/** Typed arrays whose bytes are those of a dtype. */
const ARRAYS: Partial<Record<DType, string>> = {
  float32: 'Float32Array',
  float64: 'Float64Array',
  int32: 'Int32Array',
  int64: 'BigInt64Array',
  int16: 'Int16Array',
  int8: 'Int8Array',
  uint8: 'Uint8Array',
};
