// The operands of elementwise steps as the interpreter reads them (assembly/step.ts): how the elements of each lie in memory.
import type { ProgramStep, Storage } from '../backend.ts';
import { CHAIN, GATHER, HEAD, IMMEDIATE, modeOf, REGISTER, SCALAR } from '../base/layout.ts';
import { isContiguous } from '../base/shape.ts';
import { shiftOf } from './lanes.ts';

/** Most dimensions that a printed function walks. */
const DIMS = 8;

/** `line`: one behind the other; `walk`: by strides, runs of the innermost dimension side by side or all the same element. */
export type How = 'line' | 'scalar' | 'number' | 'walk' | 'register';

export interface Operand {
  readonly how: How;
  /** In memory, and of the lanes that kernels see. */
  readonly dtype: number;
  readonly type: number;
  /** Byte of the step where slot, kind and offset stand. */
  readonly at: number;
  /** Of a register: its number. Of others: their place, which equal operands share. */
  readonly id: string;
  /** Bytes of memory that are read or written: the whole storage where it is walked. */
  readonly storage: Storage | null;
  readonly slot: number;
  readonly from: number;
  readonly to: number;
  /** Of what is walked: bytes of the step where sizes and strides begin, and both. */
  readonly sizesAt: number;
  readonly stridesAt: number;
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  /** Whether whole vectors may be written: nothing of the storage lies behind. */
  readonly ends: boolean;
}

/** The operands of an elementwise step or a chain, the result of a step first; null where one lies in a way that is not printed. */
export function operandsOf({ words, refs }: ProgramStep): Operand[] | null {
  const fused = words[0] === CHAIN;
  const n = words[4];
  const count = words[fused ? 5 : 7];
  const dims = fused || words[5] === 0xffffffff ? 0 : words[5];
  const sizesAt = HEAD + 4 * count;
  const sizes = [...words.subarray(sizesAt, sizesAt + dims)];
  const found: Operand[] = [];
  for (let k = 0; k < count; k++) {
    const at = HEAD + 4 * k;
    const kind = words[at + 1];
    const mode = modeOf(kind);
    const dtype = kind & 0xff;
    const stridesAt = sizesAt + dims * (k + 1);
    const strides = mode === GATHER ? [...words.subarray(stridesAt, stridesAt + dims)] : [];
    // A condition inside a chain has no strides: it is a span.
    const line = mode === GATHER && (dims === 0 || isContiguous(sizes, strides));
    const how =
      mode === REGISTER ? 'register' : mode === IMMEDIATE ? 'number' : mode === SCALAR ? 'scalar' : mode === GATHER && !line ? 'walk' : 'line';
    const inner = strides[dims - 1];
    if (how === 'walk' && (dims > DIMS || dims < 2 || inner > 1 || (k === 0 && !fused && inner !== 1))) return null;
    const [slot, offset] = [words[at], words[at + 2]];
    const ref = refs.find((r) => r.slot === at);
    if (how !== 'register' && how !== 'number' && ref === undefined) return null;
    const whole = how === 'walk' && ref !== undefined;
    const from = whole ? offset - ref.offset : offset;
    const to = whole ? from + ref.storage.bytes : offset + ((how === 'scalar' ? 1 : n) << shiftOf(dtype));
    const place = how === 'register' ? `${words[at + 2]}` : how === 'number' ? `${words.subarray(at + 1, at + 4)}` : `${slot} ${offset} ${dtype}`;
    const walked = how === 'walk' ? ` ${sizes} ${strides}` : '';
    found.push({
      ...{ how, dtype, type: (kind >>> 8) & 0xff, at: 4 * at, id: `${how} ${place}${walked}`, storage: ref?.storage ?? null, slot, from, to },
      ...{ sizesAt: 4 * sizesAt, stridesAt: 4 * stridesAt, sizes, strides, ends: kind >>> 24 !== 0 },
    });
  }
  return found;
}
