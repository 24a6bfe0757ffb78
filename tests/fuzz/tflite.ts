// Structured fuzzing of TensorFlow Lite files: valid models, damaged where it hurts, must give results or typed errors, soon and in little
// memory. npm run fuzz:tflite [-- --seconds 120 --seed 1]
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DType } from '../../ts/base/dtype.ts';
import * as wick from '../../ts/index.ts';
import { TFLiteModel } from '../../ts/tflite/index.ts';
import { conformanceFolder } from '../conformance/folder.ts';
import { type GraphSpec, modelOf } from '../tflite/writer.ts';
import { cost, diceSeed, type FuzzOptions, fuzzOptions, LONGEST } from './harness.ts';
import { Dice } from './random.ts';

/** Bytes that one file may make wick hold at once. */
const MOST = 1 << 29;

/** Numbers that break sizes, offsets and counts. */
const EVIL = [
  0,
  1,
  -1,
  2,
  3,
  7,
  8,
  127,
  128,
  255,
  256,
  65535,
  65536,
  0x7fffffff,
  -0x80000000,
  0x7ffffffc,
  0x10000000,
  1 << 20,
  -2,
  1000000,
];

/** Changes a few places: words, bytes, a swap of two words, a copied run, the end cut off. */
function mutated(source: Uint8Array, dice: Dice): Uint8Array {
  let bytes = source.slice();
  for (let n = 1 + dice.roll(4); n > 0; n--) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const word = (): number => 4 * dice.roll(Math.max(1, bytes.length >> 2));
    const at = word();
    if (at + 4 > bytes.length) continue;
    switch (dice.roll(7)) {
      case 0:
        view.setInt32(at, dice.pick(EVIL), true);
        break;
      case 1:
        view.setInt32(at, view.getInt32(at, true) + dice.pick([-8, -4, -1, 1, 4, 8]), true);
        break;
      case 2:
        bytes[dice.roll(bytes.length)] = dice.roll(256);
        break;
      case 3: {
        const other = word();
        const [a, b] = [view.getInt32(at, true), view.getInt32(other, true)];
        view.setInt32(at, b, true);
        view.setInt32(other, a, true);
        break;
      }
      case 4:
        bytes.copyWithin(at, word(), Math.min(bytes.length, word() + 32));
        break;
      case 5:
        // A flatbuffer's offsets are small and positive: point one elsewhere.
        view.setUint32(at, dice.roll(bytes.length), true);
        break;
      default:
        if (dice.roll(8) === 0) bytes = bytes.slice(0, dice.roll(bytes.length));
        else view.setUint16(at, dice.pick(EVIL) & 0xffff, true);
    }
    if (bytes.length < 16) break;
  }
  return bytes;
}

/** Models that reach every kind of table and the operators that take sizes from the file. */
function seeds(): Uint8Array[] {
  const ints = (...list: number[]): Int32Array => new Int32Array(list);
  const floats = (n: number): Float32Array => new Float32Array(n).fill(0.5);
  const one = (op: string, tensors: GraphSpec['tensors'], ins: number[], out: number, options = {}): Uint8Array =>
    modelOf({ tensors, inputs: [0], outputs: [out], operators: [{ op, inputs: ins, outputs: [out], options }] });
  const image = { shape: [1, 5, 5, 2] };
  const conv = { 0: { i8: 0 }, 1: { i32: 2 }, 2: { i32: 1 } } as const;
  const sized = (op: string, ...sizes: Int32Array[]): Uint8Array =>
    one(
      op,
      [image, ...sizes.map((data) => ({ type: 'int32', shape: [data.length], data })), { shape: [] }],
      [0, ...sizes.map((_, i) => i + 1)],
      sizes.length + 1,
      { 0: { i32: 0 }, 1: { i32: 0 } },
    );
  const int8 = { type: 'int8', shape: [1, 5, 5, 2], scale: [0.1], zero: [3] };
  return [
    one('CONV_2D', [image, { shape: [3, 3, 3, 2], data: floats(54) }, { shape: [3], data: floats(3) }, image], [0, 1, 2], 3, conv),
    one(
      'CONV_2D',
      [int8, { type: 'int8', shape: [3, 3, 3, 2], data: new Int8Array(54), scale: [1, 2, 3] }, { ...int8, shape: [] }],
      [0, 1],
      2,
      conv,
    ),
    one('DEPTHWISE_CONV_2D', [int8, { type: 'int8', shape: [1, 3, 3, 2], data: new Int8Array(18), scale: [0.1] }, int8], [0, 1], 2, {
      ...conv,
      3: { i32: 1 },
    }),
    one('AVERAGE_POOL_2D', [int8, int8], [0], 1, { 0: { i8: 1 }, 1: { i32: 2 }, 2: { i32: 2 }, 3: { i32: 2 }, 4: { i32: 2 } }),
    one('FULLY_CONNECTED', [{ shape: [2, 4] }, { shape: [3, 4], data: floats(12) }, { shape: [2, 3] }], [0, 1], 2, { 0: { i8: 1 } }),
    one('ADD', [int8, int8, int8], [0, 0], 2, { 0: { i8: 3 } }),
    one('SOFTMAX', [int8, { ...int8, scale: [1 / 256], zero: [-128] }], [0], 1, { 0: { f32: 1 } }),
    one('RESIZE_BILINEAR', [int8, { type: 'int32', shape: [2], data: ints(9, 7) }, int8], [0, 1], 2),
    sized('RESHAPE', ints(5, 10)),
    sized('TRANSPOSE', ints(0, 3, 1, 2)),
    sized('TILE', ints(1, 2, 1, 3)),
    sized('PAD', ints(0, 0, 1, 1, 2, 0, 0, 3)),
    sized('MIRROR_PAD', ints(0, 0, 1, 1, 2, 0, 0, 1)),
    sized('SLICE', ints(0, 1, 0, 0), ints(1, 2, -1, 2)),
    sized('STRIDED_SLICE', ints(0, 1, 0, 0), ints(1, 4, 5, 2), ints(1, 2, 1, 1)),
    sized('SPACE_TO_BATCH_ND', ints(2, 2), ints(0, 1, 1, 0)),
    sized('BROADCAST_TO', ints(2, 5, 5, 2)),
    sized('MEAN', ints(1, 2)),
    sized('GATHER', ints(0, 0)),
    sized('SPLIT_V', ints(2, 3), ints(1)),
    one('FILL', [{ type: 'int32', shape: [2], data: ints(3, 4) }, { shape: [], data: floats(1) }, { shape: [] }], [0, 1], 2),
    modelOf(
      {
        tensors: [{ shape: [1] }, { type: 'int32', shape: [], data: ints(0) }, { type: 'int32', shape: [] }, { shape: [1] }],
        inputs: [0],
        outputs: [3],
        operators: [{ op: 'WHILE', inputs: [1, 0], outputs: [2, 3], options: { 0: { i32: 1 }, 1: { i32: 2 } } }],
      },
      {
        tensors: [{ type: 'int32', shape: [] }, { shape: [1] }, { type: 'int32', shape: [], data: ints(3) }, { type: 'bool', shape: [] }],
        inputs: [0, 1],
        outputs: [3],
        operators: [{ op: 'LESS', inputs: [0, 2], outputs: [3] }],
      },
      {
        tensors: [{ type: 'int32', shape: [] }, { shape: [1] }, { type: 'int32', shape: [], data: ints(1) }, { type: 'int32', shape: [] }],
        inputs: [0, 1],
        outputs: [3, 1],
        operators: [{ op: 'ADD', inputs: [0, 2], outputs: [3] }],
      },
    ),
  ];
}
/** Small models of the conformance data, where it is here. */
function conformance(): Uint8Array[] {
  const folder = conformanceFolder('tflite-ops');
  if (folder === null || !existsSync(join(folder, 'index.json'))) return [];
  const { tests } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as {
    tests: { files: Record<string, [number, number]> }[];
  };
  const data = readFileSync(join(folder, 'data.bin'));
  return tests.map(
    ({ files }) => new Uint8Array(data.subarray(files['model.tflite'][0], files['model.tflite'][0] + files['model.tflite'][1])),
  );
}

export interface Fuzzed {
  readonly files: number;
  readonly ran: number;
  readonly problems: string[];
  readonly slowest: number;
}
/** Mutates and runs models for some time, or until `files` were tried. */
export function fuzz({ seconds, seed, from, files }: FuzzOptions): Fuzzed {
  const models = [...seeds(), ...conformance()];
  const problems: string[] = [];
  let [count, ran, slowest] = [0, 0, 0];
  for (const end = performance.now() + seconds * 1000; performance.now() < end && count < files && problems.length < 20; count++) {
    const number = from + count;
    const dice = new Dice(diceSeed(seed, number));
    const bytes = mutated(dice.pick(models), dice);
    const live = wick.memory().live;
    wick.resetPeakMemory();
    const wrong = (what: string): unknown => problems.push(`seed ${seed}, number ${number}: ${what}`);
    let caught: unknown = null;
    const time = cost(() => {
      caught = null;
      try {
        attempt(bytes);
      } catch (error) {
        caught = error;
      }
    });
    if (caught === null) ran++;
    else if (!(caught instanceof wick.WickError)) wrong(`${caught instanceof Error ? caught.stack : caught}`);
    slowest = Math.max(slowest, time);
    if (time > LONGEST) wrong(`it took ${time.toFixed(0)} ms`);
    if (wick.memory().peak - live > MOST) wrong(`it held ${wick.memory().peak - live} bytes`);
  }
  return { files: count, ran, problems, slowest };
}
/** Loads a file and runs it on zeros, as a program would. */
function attempt(bytes: Uint8Array): void {
  const model = new TFLiteModel(bytes);
  try {
    wick.scope(() => {
      const inputs = model.inputs.map(({ dtype, shape }) => {
        const sizes = (shape ?? []).map((n) => Number(n ?? 1));
        if (sizes.reduce((a, b) => a * b, 1) > 1 << 16) throw new wick.ValueError('fuzz: the model asks for a large input');
        return wick.ones(sizes, { dtype: dtype as DType });
      });
      model.forward(...inputs);
      model.forward(...inputs);
    });
  } finally {
    model.dispose();
  }
}

if (process.argv[1]?.endsWith('fuzz/tflite.js')) {
  const options = fuzzOptions();
  const { files, ran, problems, slowest } = fuzz(options);
  for (const problem of problems) console.log(`FAIL ${problem}`);
  console.log(
    `${files} damaged files from seed ${options.seed}: ${ran} ran, ${files - ran - problems.length} were refused; the slowest took ${slowest.toFixed(0)} ms`,
  );
  console.log(`${files - problems.length} passed, ${problems.length} failed`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
