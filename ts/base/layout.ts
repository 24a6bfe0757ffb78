// How the words of a map step and of a chain are laid out, as assembly/step.ts reads them.

/** Address of the slot table, and the slot of a program's own memory: intermediate results. */
export const SLOTS = 1024;
export const ARENA = 1;
/** Elements of one tile of a map step: this power of 2. */
export const GRAIN_SHIFT = 15;

/** The opcode of a chain. */
export const CHAIN = 0x7fff;
/** Words of a step before its operands. */
export const HEAD = 8;

/** How an operand is reached: a span of memory, one number, a strided view, a number in the step itself, what stays in a tile. */
export const DIRECT = 0;
export const SCALAR = 1;
export const GATHER = 2;
export const IMMEDIATE = 3;
export const REGISTER = 4;

/** How an operand is reached, of the word that says so. */
export const modeOf = (kind: number): number => (kind >>> 16) & 0xff;
