// Inference alone: runs .wick files on the engine, without tensors, autograd or networks.
import type { Data, Program, Storage } from '../backend.ts';
import { type DType, SIZE } from '../base/dtype.ts';
import { ShapeError, StateError, ValueError } from '../base/errors.ts';
import { show, sizeOf } from '../base/shape.ts';
import { checkNames, type RawPort, rawCalls } from '../formats/ports.ts';
import { readRecipe } from '../formats/recipe.ts';
import { steadied } from '../plan/steady.ts';
import { decode, encode } from '../tensor/bytes.ts';
import type { Place } from '../wasm/space.ts';
import { Engine } from './engine.ts';

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
const dropped = new FinalizationRegistry((free: () => void) => free());

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
  const { memory } = on;
  const owned: Place[] = [];
  const own = (size: number): Place => {
    const place = memory.alloc(size);
    owned.push(place);
    return place;
  };
  const write = ({ pointer }: Place, data: Uint8Array): void => memory.u8.set(data, pointer);
  const fill = (data: Uint8Array): Storage => {
    const storage = own(data.length);
    write(storage, data);
    return storage;
  };
  let program: Program | null = null;
  const free = (): void => {
    program?.dispose();
    program = null;
    for (const s of owned.splice(0)) s.release();
  };
  try {
    const { calls, inputs, outputs } = rawCalls(
      readRecipe(bytes, fill, ({ op, inputs }) => {
        if (op.kind === 'view' || inputs.length !== op.inputs.length) return `${inputs.length} operands`;
        if (op.opcode + 1 >= on.loaded.exports.table.length) return 'wick/lite lacks its kernel';
        return op.kind === 'kernel' && (op.random || op.mutates) ? 'no plan draws random numbers or steps an optimizer' : null;
      }),
    );
    const places = inputs.map((p) => ({ storage: own(p.bytes), byteOffset: 0 }));
    const results = outputs.map((p) => own(p.bytes));
    program = steadied(on, { calls, inputs: inputs.map(storageOf), outputs: outputs.map(storageOf) });
    const run: Model['run'] = (given) => {
      if (program === null) throw new StateError('run: the model was disposed');
      checkNames(given, inputs);
      inputs.forEach((port, i) => {
        write(places[i].storage, bytesOf(given[port.name], port));
      });
      program.run(places, results);
      return Object.fromEntries(
        outputs.map((port, i) => {
          const { pointer } = results[i];
          return [port.name, { ...shown(port), data: decode(memory.u8.slice(pointer, pointer + port.bytes), port.dtype) }];
        }),
      );
    };
    return kept({ inputs: inputs.map(shown), outputs: outputs.map(shown), run, dispose: free }, free);
  } catch (error) {
    free();
    throw error;
  }
}
const storageOf = ({ storage }: RawPort): Storage => storage;
const shown = ({ name, shape, dtype }: RawPort): Port => ({ name, shape, dtype });
/** The model, whose memory comes back when the program drops it. */
function kept(model: Model, free: () => void): Model {
  dropped.register(model, free);
  return model;
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
