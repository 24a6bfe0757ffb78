// Kernels whose tiles are elements that lie side by side: what is computed before them, element by element, can be computed in each tile.
import type { ProgramStep } from '../backend.ts';
import { GRAIN_SHIFT, HEAD } from '../base/layout.ts';
import { AXIS_INTS, FOLD_INTS } from '../ops/axes.ts';
import { NORM_INTS } from '../ops/norm.ts';
import { ADD, type Bytes, DIV, get, MUL, number, REM, SUB, set, smaller, word } from './code.ts';
import { shiftOf } from './lanes.ts';
import type { Operand } from './operand.ts';

/** How a kernel goes over elements. */
export interface Tiles {
  /** Operands that have the same elements at the same places, by number. */
  readonly rows: readonly number[];
  /** Elements in all, and of the largest tile. */
  readonly size: number;
  readonly most: number;
  /** Sets the locals `start` to the first element of tile `unit` and `count` to how many it has; `step`: the address, `size`: elements in all. */
  readonly range: (step: Bytes, unit: Bytes, size: Bytes, start: number, count: number) => Bytes;
}

type Ints = (name: string) => number;
/** Where an integer field stands, in bytes from the step's start. */
const fieldAt = ({ words }: ProgramStep, i: number): number => (words[7] & 0xffff) + 4 * i;

/** Tiles of a fixed number of elements: the product of some fields, or a grain. */
function even(rows: readonly number[], size: number, most: number, fields: readonly number[]): Tiles {
  return {
    rows,
    size,
    most,
    range: (step, unit, total, start, count) => {
      const length =
        fields.length === 0 ? number(1 << GRAIN_SHIFT) : fields.flatMap((at, i) => [...step, ...word(at), ...(i > 0 ? [MUL] : [])]);
      return [...unit, ...length, MUL, ...set(start), ...smaller(length, [...total, ...get(start), SUB]), ...set(count)];
    },
  };
}

/** The tiles of a reduction along rows that lie side by side: rows in groups, or one in pieces. */
function reduction(step: ProgramStep, int: Ints): Tiles | null {
  const [n, kept, size] = [int('n'), int('k0') * int('k1') * int('k2'), int('size')];
  if (int('rows') !== 1 || int('r0') * int('r1') * int('r2') !== 1 || n * kept !== size) return null;
  if (kept > 1 && (int('k0') * int('k1') !== 1 || int('ks2') !== n)) return null;
  const most = (int('pieces') === 1 ? n : int('span')) * int('group');
  return {
    rows: [1],
    size,
    most,
    range: (own, unit, total, start, count) => {
      const field = (name: string): Bytes => [...own, ...word(fieldAt(step, FOLD_INTS.indexOf(name)))];
      const piece = [...unit, ...field('pieces')];
      const group = [...field('group'), ...field('n'), MUL];
      const first = [...piece, DIV, ...group, MUL];
      const end = smaller([...first, ...group, ADD], total);
      const wish = [...field('span'), ...field('group'), MUL];
      return [
        ...[...first, ...piece, REM, ...field('span'), MUL, ADD, ...set(start)],
        ...[...smaller(wish, [...end, ...get(start), SUB]), ...set(count)],
      ];
    },
  };
}

/** How a step's tiles lie; null where they do not lie side by side. */
export function tilesOf(step: ProgramStep): Tiles | null {
  const { op, words } = step;
  if (op.kind !== 'kernel') return null;
  const ints =
    (names: readonly string[]): Ints =>
    (name) =>
      words[fieldAt(step, names.indexOf(name)) >> 2];
  const at = (names: readonly string[], ...wanted: string[]): number[] => wanted.map((name) => fieldAt(step, names.indexOf(name)));
  switch (op.name) {
    case 'sum':
    case 'mean':
    case 'prod':
    case 'amax':
    case 'amin':
      return reduction(step, ints(FOLD_INTS));
    case 'softmax':
    case 'logSoftmax':
    case 'softmaxBackward':
    case 'logSoftmaxBackward': {
      const int = ints(AXIS_INTS);
      if (int('inner') !== 1) return null;
      const [n, group] = [int('n'), int('group')];
      return even(op.inputs.length === 1 ? [0, 1] : [0, 1, 2], int('outer') * n, n * group, at(AXIS_INTS, 'n', 'group'));
    }
    case 'normalization':
    case 'normalizationBackward': {
      const int = ints(NORM_INTS);
      if (int('form') !== 0) return null;
      const [per, group] = [int('per'), int('group')];
      const rows = op.inputs.length === 5 && op.name === 'normalization' ? [0, 3] : [0, 3, 4];
      return even(rows, int('samples') * int('groups') * per, per * group, at(NORM_INTS, 'per', 'group'));
    }
    case 'dropout':
      return even([0, 1, 2], words[fieldAt(step, 4) >> 2], 1 << GRAIN_SHIFT, []);
    case 'sgdStep':
    case 'adamStep':
    case 'rmspropStep':
    case 'adagradStep':
      return even(
        op.inputs.map((_, i) => i),
        words[fieldAt(step, 0) >> 2],
        1 << GRAIN_SHIFT,
        [],
      );
    default:
      return null;
  }
}

/** An operand of a kernel step as a place in memory; `size`: of its elements, where they lie as the tiles do. */
export function kernelOperand({ words, refs }: ProgramStep, i: number, size: number | null): Operand | null {
  const at = HEAD + 3 * i;
  const ref = refs.find((r) => r.slot === at);
  if (ref === undefined) return null;
  const [slot, offset, dtype] = words.subarray(at, at + 3);
  const from = size === null ? offset - ref.offset : offset;
  return {
    ...{ how: size === null ? 'walk' : 'line', dtype, type: dtype, at: 4 * at, id: '', storage: ref.storage, slot, from },
    to: size === null ? from + ref.storage.bytes : offset + (size << shiftOf(dtype)),
    ...{ sizesAt: 0, stridesAt: 0, sizes: [], strides: [], ends: false },
  };
}
