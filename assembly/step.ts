// A step: one operation in linear memory, the unit of eager runs, of plans and of stand-alone modules.
// Header, 8 words of 4 bytes:
//   opcode | length in bytes | phases | tiles of phase 0, 1, 2 | compute type | a, b: two counts whose meaning is the family's
// Map steps (elementwise) and kernel steps lay out what follows as described below.

/** Where the host writes its steps, the slot table and the pool's control block: page 0, below the static data. */
export const SLOTS: usize = 1024;
export const CONTROL: usize = 4096;
/** What the host says of kernels beside the core's: the record of the last module that joined (0: none), whether products have six rows. */
export const JOINED: usize = CONTROL + 448;
export const TALL: usize = JOINED + 8;
/** Whether products spread the elements of A over whole vectors first: ts/wasm/tiles.ts. */
export const SPREAD: usize = JOINED + 12;

/** Compute types: what a lane holds inside a kernel. */
export const F32: i32 = 0;
export const F64: i32 = 1;
export const I32: i32 = 2;
export const I64: i32 = 3;

/** Storage dtypes, numbered as in ts/base/dtype.ts: the first four are the compute types. */
export const F16: i32 = 4;
export const BF16: i32 = 5;
export const I16: i32 = 6;
export const I8: i32 = 7;
export const U8: i32 = 8;
export const BOOL: i32 = 9;

@inline export function int32(s: usize, offset: usize): i32 { return load<i32>(s + offset); }
@inline export function opcode(s: usize): i32 { return load<i32>(s); }
@inline export function length(s: usize): usize { return load<u32>(s, 4); }
@inline export function phases(s: usize): i32 { return load<i32>(s, 8); }
@inline export function tiles(s: usize, phase: i32): i32 { return load<i32>(s + (<usize>phase << 2), 12); }
@inline export function type(s: usize): i32 { return SOLO ? kernel_type(load<i32>(s, 24)) : load<i32>(s, 24); }
/** The type of a map step or a chain, and what kernels of spans are called with. */
@inline export function spanType(t: i32): i32 { return SOLO ? span_type(t) : t; }

// What these give is what they get. ts/export/strip.ts writes them: where all steps of a plan agree, as that one value, so that what is
// for others falls away.
// @ts-ignore: decorator
@external('sole', 'kernel_type')
declare function kernel_type(t: i32): i32;
// @ts-ignore: decorator
@external('sole', 'span_type')
declare function span_type(t: i32): i32;
// @ts-ignore: decorator
@external('sole', 'operand_dtype')
declare function operand_dtype(t: i32, i: i32): i32;
// @ts-ignore: decorator
@external('sole', 'entry_dtype')
declare function entry_dtype(t: i32): i32;
// @ts-ignore: decorator
@external('sole', 'entry_type')
declare function entry_type(t: i32): i32;

// Kernel steps: w7 holds the byte offsets of the integers (low half) and of the floats (high half);
// the operands (outputs first, then inputs, then the workspace) follow the header, 12 bytes each: slot, offset, dtype.
/** Address of operand i of a kernel step. */
@inline export function operand(s: usize, i: i32): usize {
  const p = s + 32 + <usize>i * 12;
  return load<u32>(SLOTS + (<usize>load<u32>(p) << 2)) + load<u32>(p, 4);
}
/** Storage dtype of operand i of a kernel step. */
@inline export function dtype(s: usize, i: i32): i32 {
  const t = load<i32>(s + <usize>i * 12, 40);
  return SOLO ? operand_dtype(t, i) : t;
}
/** Integer field i of a kernel step; names in gen/fields.ts. */
@inline export function int(s: usize, i: i32): i32 { return load<i32>(s + load<u16>(s, 28) + (<usize>i << 2)); }
/** A 64-bit integer from its low and its high half. */
@inline export function join(lo: i32, hi: i32): i64 { return (<i64>hi << 32) | (<i64>lo & 0xffffffff); }
/** Float field i of a kernel step; names in gen/fields.ts. */
@inline export function float(s: usize, i: i32): f64 { return load<f64>(s + load<u16>(s, 30) + (<usize>i << 3)); }

// Map steps: w3 tiles, w4 elements, w5 dims (0: nothing to gather; DENSE: all operands are spans and the output ends its storage),
// w6 type, w7 operands (the output first).
// An operand is 16 bytes: slot, kind, then byte offset (u32) or an immediate (f64, or i64 when its tile type is I64).
//   kind = storage dtype | tile type << 8 | mode << 16
// Then sizes[dims] and, per operand, strides[dims], in elements.
export const DENSE: i32 = -1;
export const DIRECT: i32 = 0;
export const SCALAR: i32 = 1;
export const GATHER: i32 = 2;
export const IMMEDIATE: i32 = 3;
export const REGISTER: i32 = 4;
/** Storage dtype and tile type of the operand at e. */
@inline export function entryDtype(e: usize): i32 { return SOLO ? entry_dtype(load<u8>(e, 4)) : load<u8>(e, 4); }
@inline export function entryType(e: usize): i32 { return SOLO ? entry_type(load<u8>(e, 5)) : load<u8>(e, 5); }
/** The opcode of a chain of map steps: see chain.ts. */
export const CHAIN: i32 = 0x7fff;
/** Elements of one tile of a map step: the unit that threads claim. The host cuts by the same number. */
export const GRAIN: i32 = 32768;
