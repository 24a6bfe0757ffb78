import type { Storage } from '../backend.ts';
import type { DType } from '../base/dtype.ts';
import { FormatError } from '../base/errors.ts';
import { load, save } from '../formats/plan.ts';
import { rawCalls } from '../formats/ports.ts';
import { split } from '../plan/steady.ts';
import { backend, type Plan, wholeOf } from '../tensor/index.ts';
import type { Engine } from '../wasm/engine.ts';
import { unpacked } from '../wasm/module.ts';
import { customJson, withData } from './binary.ts';
import { size, solo } from './gen/solo.ts';
import { imageOf, type Tensor } from './image.ts';
import { stripped } from './strip.ts';
import { usesOf } from './uses.ts';

export type { DType, Tensor };

/** Options of `exportWasm`. */
export interface ExportOptions {
  /** A WASI command: `_start` reads the inputs from standard input and writes the outputs to standard output. */
  readonly wasi?: boolean;
}
/** What the custom section 'wick' of a module says. */
export interface Description {
  readonly version: number;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

const SECTION = 'wick';

/**
 * Makes one WebAssembly module of a plan (or of the bytes of a `.wick` file): its kernels, steps, constants and weights, on one thread,
 * with no import, and the bits of wick. Tensors are raw: row-major, little-endian.
 * @throws DeviceError without the package binaryen, ValueError where the plan cannot be saved or needs more than 4 GB, FormatError for other bytes
 * @example await exportWasm(compile(model).plans[0]) // after a first call
 */
export async function exportWasm(plan: Plan | Uint8Array, { wasi = false }: ExportOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const loaded = load(plan instanceof Uint8Array ? plan : save(plan));
  const device = backend() as Engine;
  const kept: Storage[] = [];
  try {
    const raw = rawCalls(loaded.plan.recipe);
    // What depends on weights alone is computed now, and comes as weights.
    const parts = split(device, { ...raw, inputs: raw.inputs.map((p) => p.storage), outputs: raw.outputs.map((p) => p.storage) });
    kept.push(...parts.kept);
    const first = device.program(parts.first, [], []);
    first.run([], []);
    first.dispose();
    const image = imageOf(raw, device.lower(parts.rest), (s) => device.readSync(wholeOf(s)));
    const code = await stripped(unpacked(solo, size), usesOf(image.steps), image.joined, wasi);
    const { inputs, outputs } = image;
    return withData(code, image.pages, image.segments, SECTION, { version: 1, inputs, outputs } satisfies Description);
  } finally {
    for (const s of kept) s.release();
    loaded.dispose();
  }
}

/** What an exported module says of its inputs and outputs. @throws FormatError where it does not come from exportWasm */
export function describe(module: Uint8Array): Description {
  const found = customJson(module, SECTION) as Description | null;
  if (found === null) throw new FormatError('wasm: the module is not from exportWasm: it has no custom section wick');
  return found;
}
