import { type Input, isView, type View } from '../backend.ts';
import { CODE, COMPUTE, type DType, SIZE } from '../base/dtype.ts';
import { ValueError } from '../base/errors.ts';
import { DIRECT, GATHER, GRAIN_SHIFT, HEAD, IMMEDIATE, SCALAR } from '../base/layout.ts';
import { isContiguous, sameShape } from '../base/shape.ts';
import type { Lowered, MapOp, Scalar } from '../ops/op.ts';
import type { Memory } from './memory.ts';
import type { Place, Words } from './space.ts';

/** Address of the step that eager work writes: page 0 above the slot table and the control block. */
export const STEP = 8192;
/** Elements of one tile of a map step. */
export const GRAIN: number = 1 << GRAIN_SHIFT;
/** Elements from which on an inner dimension is long: fewer than 16 of them in a tile. */
const LONG = 2048;
const DENSE = 0xffffffff;
const HEADER = STEP >> 2;
const OPERANDS = HEADER + HEAD;

/** Byte address of a view's first element. */
export function address(view: View): number {
  return (view.storage as Place).pointer + view.offset * SIZE[view.dtype];
}

/**
 * Whether a dense step may write whole vectors: nothing of the output's storage lies behind its last element, and they start where vectors
 * of the storage do, whose room is a multiple of them.
 */
function endsStorage(out: View, n: number): number {
  const from = out.offset * SIZE[out.dtype];
  return from % 16 === 0 && from + n * SIZE[out.dtype] >= out.storage.bytes ? 1 << 24 : 0;
}

function operand(memory: Words, at: number, view: View, mode: number, tile: DType, flags: number): void {
  memory.u32[at] = 0;
  memory.u32[at + 1] = CODE[view.dtype] | (CODE[tile] << 8) | (mode << 16) | flags;
  memory.u32[at + 2] = address(view);
}

function immediate(memory: Words, at: number, value: Scalar, tile: DType): void {
  memory.u32[at] = 0;
  memory.u32[at + 1] = (CODE[tile] << 8) | CODE[tile] | (IMMEDIATE << 16);
  if (tile === 'int64') {
    const big = typeof value === 'bigint' ? value : BigInt(Math.trunc(Number(value)));
    memory.u32[at + 2] = Number(big & 0xffffffffn);
    memory.u32[at + 3] = Number((big >> 32n) & 0xffffffffn);
  } else memory.f64[(at + 2) >> 1] = Number(value);
}

/** The tile type of a mask of lanes as wide as the compute type's. */
function maskType(type: DType): DType {
  return SIZE[type] === 8 ? 'int64' : 'int32';
}

/** Whether every operand is a number or a row-major tensor of the output's shape and type. */
function dense(inputs: readonly Input[], out: View, type: DType): boolean {
  for (let k = 0; k < inputs.length; k++) {
    const x = inputs[k];
    if (typeof x !== 'object') continue;
    if (x === null || !x.rowMajor || x.dtype !== type || !sameShape(x.shape, out.shape)) return false;
  }
  return true;
}

/** Writes a map step of row-major tensors of the output's shape and compute type, and numbers; returns the number of its tiles. */
export function encodeDense(memory: Words, op: MapOp, inputs: readonly (View | Scalar)[], type: DType, out: View, n: number): number {
  const words = memory.u32;
  const count = inputs.length + 1;
  const tiles = n <= GRAIN ? 1 : Math.ceil(n / GRAIN);
  const size = SIZE[type];
  const code = CODE[type];
  const kind = code * 0x101;
  const ends = endsStorage(out, n);
  let spans = ends !== 0;
  words[OPERANDS] = 0;
  words[OPERANDS + 1] = kind | ends;
  words[OPERANDS + 2] = (out.storage as Place).pointer + out.offset * size;
  for (let k = 0, at = OPERANDS + 4; k < inputs.length; k++, at += 4) {
    const x = inputs[k];
    if (typeof x === 'object') {
      words[at] = 0;
      words[at + 1] = kind;
      words[at + 2] = (x.storage as Place).pointer + x.offset * size;
    } else {
      immediate(memory, at, x, type);
      spans = false;
    }
  }
  words[HEADER] = op.opcode;
  words[HEADER + 1] = 32 + count * 16;
  words[HEADER + 2] = 1;
  words[HEADER + 3] = tiles;
  words[HEADER + 4] = n;
  words[HEADER + 5] = spans ? DENSE : 0;
  words[HEADER + 6] = code;
  words[HEADER + 7] = count;
  return tiles;
}

/** Writes one map step; returns the number of its tiles (0: nothing to do). */
export function encodeMap(memory: Words, op: MapOp, inputs: readonly Input[], dtype: DType, out: View, n: number): number {
  const type = COMPUTE[dtype];
  const tiles = n <= GRAIN ? 1 : Math.ceil(n / GRAIN);
  const count = inputs.length + 1;
  const words = memory.u32;
  words[HEADER] = op.opcode;
  words[HEADER + 2] = 1;
  words[HEADER + 3] = tiles;
  words[HEADER + 4] = n;
  words[HEADER + 5] = 0;
  words[HEADER + 6] = CODE[type];
  words[HEADER + 7] = count;
  words[HEADER + 1] = 32 + count * 16;
  const tileOut = op.out === 'bool' ? maskType(type) : type;
  if (op.out === 'same' && out.dtype === type && out.rowMajor && op.masks.length === 0 && dense(inputs, out, type))
    return encodeDense(memory, op, inputs as readonly (View | Scalar)[], type, out, n);
  encodeStrided(memory, op, inputs, out, type, tileOut, n);
  return tiles;
}

/** The general form: operands broadcast to the output's shape, dimensions in the output's memory order, collapsed. */
function encodeStrided(memory: Words, op: MapOp, inputs: readonly Input[], out: View, type: DType, tileOut: DType, n: number): void {
  const views: View[] = [out];
  for (const x of inputs) if (isView(x)) views.push(x);
  const rank = out.shape.length;
  const order = Array.from({ length: rank }, (_, d) => d).filter((d) => out.shape[d] !== 1);
  if (!out.rowMajor) order.sort((a, b) => out.strides[b] - out.strides[a]);
  const strideOf = (v: View, d: number): number => {
    const i = d - (rank - v.shape.length);
    return i < 0 || v.shape[i] === 1 ? 0 : v.strides[i];
  };
  const sizes: number[] = [];
  const strides: number[][] = views.map(() => []);
  for (const d of order) {
    const size = out.shape[d];
    const last = sizes.length - 1;
    if (last >= 0 && views.every((v, k) => strides[k][last] === strideOf(v, d) * size)) {
      sizes[last] *= size;
      for (let k = 0; k < views.length; k++) strides[k][last] = strideOf(views[k], d);
    } else {
      sizes.push(size);
      for (let k = 0; k < views.length; k++) strides[k].push(strideOf(views[k], d));
    }
  }
  if (sizes.length === 0) {
    sizes.push(1);
    for (const own of strides) own.push(0);
  }
  const dims = sizes.length;
  // A long transposed run is walked the other way round, so that a tile holds many of the short ones.
  if (
    dims > 1 &&
    sizes[dims - 1] > LONG &&
    sizes[dims - 2] < sizes[dims - 1] &&
    strides.some((own) => own[dims - 2] === 1 && own[dims - 1] > 1)
  )
    for (const own of [sizes, ...strides]) own.push(own.splice(dims - 2, 1)[0]);
  const words = memory.u32;
  const count = inputs.length + 1;
  let gathers = false;
  let at = OPERANDS;
  let v = 0;
  const place = (view: View, tile: DType, isOut: boolean): void => {
    const own = strides[v++];
    let mode = GATHER;
    if (!isOut && own.every((s) => s === 0)) mode = SCALAR;
    else if (view.dtype === tile && isContiguous(sizes, own)) mode = DIRECT;
    if (mode === GATHER) gathers = true;
    operand(memory, at, view, mode, tile, isOut && mode === DIRECT ? endsStorage(view, n) : 0);
    at += 4;
  };
  place(out, tileOut, true);
  inputs.forEach((x, k) => {
    const mask = op.masks.includes(k);
    const tile = mask ? maskType(type) : type;
    if (isView(x)) place(x, tile, false);
    else {
      immediate(memory, at, mask ? Number(x) !== 0 : (x as Scalar), tile);
      at += 4;
    }
  });
  if (!gathers) return;
  if (dims * (count + 1) > 4096) throw new ValueError(`${op.name}: ${rank} dimensions are too many`);
  words[HEADER + 5] = dims;
  for (const s of sizes) words[at++] = s;
  v = 0;
  const zeros = new Array<number>(dims).fill(0);
  for (const x of [out, ...inputs]) for (const s of isView(x) ? strides[v++] : zeros) words[at++] = s;
  words[HEADER + 1] = (at - HEADER) << 2;
}

/** Writes one kernel step; operands are views, raw addresses with a dtype, or null. */
export function encodeKernel(
  memory: Words,
  opcode: number,
  operands: readonly ({ address: number; dtype: DType } | null)[],
  lowered: Lowered,
): void {
  const words = memory.u32;
  const floats = lowered.floats ?? [];
  let at = OPERANDS;
  for (const o of operands) {
    words[at] = 0;
    words[at + 1] = o ? o.address : 0;
    words[at + 2] = o ? CODE[o.dtype] : 0;
    at += 3;
  }
  const ints = (at - HEADER) << 2;
  for (const i of lowered.ints) words[at++] = i;
  if (at & 1) at++;
  const floatsAt = (at - HEADER) << 2;
  for (const f of floats) {
    memory.f64[at >> 1] = f;
    at += 2;
  }
  const first = operands[0] as { dtype: DType };
  words[HEADER] = opcode;
  words[HEADER + 1] = (at - HEADER) << 2;
  words[HEADER + 2] = lowered.tiles.length;
  for (let p = 0; p < 3; p++) words[HEADER + 3 + p] = lowered.tiles[p] ?? 0;
  words[HEADER + 6] = CODE[COMPUTE[first.dtype]];
  words[HEADER + 7] = ints | (floatsAt << 16);
}

/** A kernel step kept in memory of its own, to be run again over other operands. */
export interface KernelStep {
  readonly address: number;
  readonly bytes: number;
  /** Bytes of the workspace operand. */
  readonly workspace: number;
  /** Tiles of its largest phase, and of phase 0. */
  readonly tiles: number;
  readonly first: number;
  readonly packs: Lowered['packs'];
}
/** Copies the step that encodeKernel just wrote; null where there is no room without growing the memory. */
export function keepKernel(memory: Memory, { workspace = 0, tiles, packs }: Lowered): KernelStep | null {
  const bytes = memory.u32[HEADER + 1];
  const address = memory.tryRaw(bytes);
  if (address === 0) return null;
  memory.u8.copyWithin(address, STEP, STEP + bytes);
  return { address, bytes, workspace, tiles: Math.max(...tiles), first: tiles[0], packs };
}
/** Points a kept step at other outputs, inputs and workspace; `packed`: phase 0 is left out. */
export function pointKernel(
  memory: Words,
  step: KernelStep,
  outputs: readonly View[],
  inputs: readonly (View | null)[],
  workspace: number,
  packed: boolean,
): void {
  const { u32 } = memory;
  let at = (step.address >>> 2) + OPERANDS - HEADER + 1;
  for (let i = 0; i < outputs.length; i++, at += 3) u32[at] = address(outputs[i]);
  for (let i = 0; i < inputs.length; i++, at += 3) {
    const x = inputs[i];
    if (x !== null) u32[at] = address(x);
  }
  u32[at] = workspace;
  if (step.packs !== undefined) u32[(step.address >>> 2) + 3] = packed ? 0 : step.first;
}
