// Prints a chain as one function of Wasm, called as kernels are, with (step, phase, tile). A run loads each operand once, computes in
// registers and stores what others read. Where kernels are called between runs, all go tile by tile, as in assembly/chain.ts.
import { DIRECT, IMMEDIATE, REGISTER, SCALAR } from '../base/layout.ts';
import { joined, leb, section, signed } from '../base/sections.ts';
import { INSTRUCTIONS } from './bodies.ts';
import type { Chain, Link } from './chain.ts';
import { type Fold, intAt } from './fold.ts';

/** GRAIN, SLOTS of assembly/step.ts as a shift and an address; TILE and TILES of assembly/chain.ts. */
const GRAIN_SHIFT = 15;
const SLOTS = 1024;
const TILE = 2048;
const TILES = 4096;
/** Behind the tiles: a block for a reduction to read, and its step, which says so. */
const BLOCK = 192 << 10;
const COPY = 464 << 10;
/** Vectors of one turn. */
const UNROLL = 4;

/** Functions types of a module: printed chains, setScratch, kernels of spans. */
const CHAINS = 0;
const SPANS = 2;
const TYPES: readonly number[] = [3, 0x60, 3, 0x7f, 0x7f, 0x7f, 0, 0x60, 1, 0x7f, 0, 0x60, 6, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0];

type Bytes = readonly number[];
const ADD = 0x6a;
const SUB = 0x6b;
const MUL = 0x6c;
const AND = 0x71;
const SHL = 0x74;
const END = 0x0b;
const number = (n: number): Bytes => [0x41, ...signed(n)];
const get = (local: number): Bytes => [0x20, ...leb(local)];
const set = (local: number): Bytes => [0x21, ...leb(local)];
const word = (offset: number): Bytes => [0x28, 2, ...leb(offset)];
const vector = (instruction: number): Bytes => [0xfd, ...leb(instruction)];
const SCRATCH: Bytes = [0x23, 0];
/** The smaller of two numbers without sign. */
const smaller = (a: Bytes, b: Bytes): Bytes => [...a, ...b, ...a, ...b, 0x49, 0x1b];
/** Runs `body` until `done` holds before a turn. */
const turns = (done: Bytes, body: Bytes): Bytes => [0x02, 0x40, 0x03, 0x40, ...done, 0x0d, 1, ...body, 0x0c, 0, END, END];

/** Locals of a printed function: its parameters, numbers, an address for each entry, then vectors. */
const STEP = 0;
const PHASE = 1;
const UNIT = 2;
const AT = 3;
const LIMIT = 4;
const LEFT = 5;
/** The chain's step, and the first element of this tile. */
const OPS = 6;
const START = 7;
const FIRST = 8;

/** The body of the function that computes a chain. */
class Printed {
  private readonly chain: Chain;
  private readonly shift: number;
  private readonly constants = new Map<string, number>();
  /** What is computed tile by tile: entries that kernels read or write have addresses. */
  private readonly tiled: boolean;

  constructor(chain: Chain) {
    this.chain = chain;
    this.shift = chain.type === 1 ? 3 : 2;
    this.tiled = chain.runs.length > 1;
  }

  bytes(): Uint8Array {
    const { modes, runs, fold } = this.chain;
    const work = runs.flatMap((run, i) => (run[0].body === null ? this.call(run[0]) : this.loop(run, i)));
    const prologue = [...this.places(), ...modes.flatMap((mode, k) => this.scalar(mode, k)), ...this.filled()];
    const body = this.tiled ? this.inTiles(work) : [...get(LEFT), ...set(LIMIT), ...work];
    const tail = fold === null ? [] : this.folded(fold);
    const locals = [2, ...leb(FIRST - AT + modes.length), 0x7f, ...leb(modes.length + this.constants.size), 0x7b];
    const code = [...locals, ...prologue, ...this.splats(), ...body, ...tail, END];
    return joined([leb(code.length), code]);
  }

  private address(k: number): number {
    return FIRST + k;
  }
  private value(k: number): number {
    return FIRST + this.chain.modes.length + k;
  }
  /** The local that holds a number in all lanes. */
  private constant(text: string): number {
    let i = this.constants.get(text);
    if (i === undefined) {
      i = this.constants.size;
      this.constants.set(text, i);
    }
    return this.value(this.chain.modes.length) + i;
  }
  /** Where an operand's fields stand, in bytes from the step's start. */
  private field(k: number, offset: number): Bytes {
    return [...get(OPS), ...word(32 + 16 * k + offset)];
  }
  private base(k: number): Bytes {
    return [...this.field(k, 0), ...number(2), SHL, ...word(SLOTS), ...this.field(k, 8), ADD];
  }

  /** START and LEFT, bytes of this tile of the step in whole vectors; the addresses of what lies in memory and of tiles. */
  private places(): number[] {
    const { modes, fold } = this.chain;
    const out = fold === null ? this.tile() : this.block(fold);
    out.push(...number(this.shift), SHL, ...number(15), ADD, ...number(-16), AND, ...set(LEFT));
    modes.forEach((mode, k) => {
      const inner = k === fold?.result ? BLOCK : mode === DIRECT ? null : TILES + TILE * k;
      if (inner === null) out.push(...this.base(k), ...get(START), ...number(this.shift), SHL, ADD, ...set(this.address(k)));
      else if (this.tiled || inner === BLOCK) out.push(...SCRATCH, ...number(inner), ADD, ...set(this.address(k)));
    });
    return out;
  }
  /** The elements of a tile of a map step. */
  private tile(): number[] {
    const start = [...get(UNIT), ...number(GRAIN_SHIFT), SHL, ...set(START)];
    const count = smaller([...get(STEP), ...word(16), ...get(START), SUB], number(1 << GRAIN_SHIFT));
    return [...get(STEP), ...set(OPS), ...start, ...count];
  }
  /** The elements that a tile of a reduction's first phase folds; the next phase is the kernel's alone. Runs are cut, or taken in groups. */
  private block({ back, ints }: Fold): number[] {
    const int = (name: string): Bytes => [...get(STEP), ...word(ints + intAt(name))];
    const piece = [...get(UNIT), ...int('pieces')];
    const group = [...int('group'), ...int('n'), MUL];
    const first = [...piece, 0x6e, ...group, MUL];
    const start = [...first, ...piece, 0x70, ...int('span'), MUL, ADD, ...set(START)];
    const end = smaller([...first, ...group, ADD], int('size'));
    const next = [...get(PHASE), 0x04, 0x40, ...this.kernel(get(STEP)), 0x0f, END];
    const count = smaller([...int('span'), ...int('group'), MUL], [...end, ...get(START), SUB]);
    return [...next, ...get(STEP), ...number(back), SUB, ...set(OPS), ...start, ...count];
  }
  private kernel(step: Bytes): Bytes {
    const opcode = this.chain.fold?.opcode as number;
    return [...step, ...get(PHASE), ...get(UNIT), ...number(opcode + 1), 0x11, CHAINS, 0];
  }
  /** Reduces the block: the kernel gets a step that has the input where the block is. */
  private folded({ bytes }: Fold): number[] {
    const step = [...SCRATCH, ...number(COPY), ADD];
    const put = (offset: number, value: Bytes): Bytes => [...step, ...value, 0x36, 2, ...leb(offset)];
    const from = [...SCRATCH, ...number(BLOCK), ADD, ...get(START), ...number(this.shift), SHL, SUB];
    const copied = [...step, ...get(STEP), ...number(bytes), 0xfc, 10, 0, 0];
    return [...copied, ...put(44, number(0)), ...put(48, from), ...this.kernel(step)];
  }
  private splat(): number {
    return [0x13, 0x14, 0x11][this.chain.type];
  }
  private scalar(mode: number, k: number): Bytes {
    if (mode === SCALAR) return [...this.base(k), ...vector(this.shift === 3 ? 0x0a : 0x09), this.shift, 0, ...set(this.value(k))];
    if (mode !== IMMEDIATE) return [];
    const narrow = [[0xb6], [], [0xfc, 2]][this.chain.type];
    return [...get(OPS), 0x2b, 3, ...leb(40 + 16 * k), ...narrow, ...vector(this.splat()), ...set(this.value(k))];
  }
  /** Scalars that kernels read fill tiles. */
  private filled(): number[] {
    const read = new Set(this.chain.runs.flatMap((run) => (run[0].body === null ? run[0].operands : [])));
    const scalars = [...read].filter((k) => this.chain.modes[k] === SCALAR || this.chain.modes[k] === IMMEDIATE);
    if (scalars.length === 0) return [];
    const stores = scalars.flatMap((k) => this.store(k, 0));
    return [...number(TILE), ...set(LIMIT), ...this.vectors(1, () => stores)];
  }
  private splats(): number[] {
    const bytes = (x: number): ArrayLike<number> =>
      new Uint8Array([Float32Array.of(x), Float64Array.of(x), Int32Array.of(x)][this.chain.type].buffer);
    const scalar = [0x43, 0x44];
    return [...this.constants.keys()].flatMap((text) => {
      const x = Number(text);
      const push = this.chain.type === 2 ? number(x) : [scalar[this.chain.type], ...Array.from(bytes(x))];
      return [...push, ...vector(this.splat()), ...set(this.constant(text))];
    });
  }

  /** Runs and kernels over LEFT bytes, a tile at a time. */
  private inTiles(work: Bytes): Bytes {
    const { modes } = this.chain;
    const next = modes.flatMap((mode, k) => {
      const at = this.address(k);
      return mode === DIRECT ? [...get(at), ...number(TILE), ADD, ...set(at)] : [];
    });
    const some = [...smaller(get(LEFT), number(TILE)), ...set(LIMIT)];
    return turns([...get(LEFT), 0x45], [...some, ...work, ...next, ...get(LEFT), ...get(LIMIT), SUB, ...set(LEFT)]);
  }
  private call({ opcode, result, operands }: Link): Bytes {
    const y = get(this.address(result));
    const given = [0, 1, 2].flatMap((i) => (i < operands.length ? get(this.address(operands[i])) : number(0)));
    // A kernel's place in the table is behind that of opcode 0, which is empty.
    return [...number(this.chain.type), ...y, ...given, ...y, ...get(LIMIT), ADD, ...number(opcode + 1), 0x11, SPANS, 0];
  }
  /** AT from 0 to LIMIT, by vectors; `body` gets the byte from AT. */
  private vectors(unroll: number, body: (offset: number) => Bytes): Bytes {
    const step = (n: number): Bytes => [...get(AT), ...number(16 * n), ADD, ...set(AT)];
    const many = Array.from({ length: unroll }, (_, u) => body(16 * u)).flat();
    const wide = turns([...get(AT), ...number(16 * unroll), ADD, ...get(LIMIT), 0x4b], [...many, ...step(unroll)]);
    const rest = turns([...get(AT), ...get(LIMIT), 0x4f], [...body(0), ...step(1)]);
    return [...number(0), ...set(AT), ...(unroll > 1 ? wide : []), ...rest];
  }
  private place(k: number): Bytes {
    return [...get(this.address(k)), ...get(AT), ADD];
  }
  private store(k: number, offset: number): Bytes {
    return [...this.place(k), ...get(this.value(k)), ...vector(0x0b), 4, ...leb(offset)];
  }
  private loop(run: readonly Link[], index: number): Bytes {
    return this.vectors(UNROLL, (offset) => this.run(run, index, offset));
  }
  /** A run over one vector. */
  private run(run: readonly Link[], index: number, offset: number): Bytes {
    const { modes } = this.chain;
    const known = new Set<number>();
    const out: number[] = [];
    run.forEach(({ body, operands, result }, i) => {
      for (const k of operands) {
        if (known.has(k) || modes[k] === SCALAR || modes[k] === IMMEDIATE) continue;
        out.push(...this.place(k), ...vector(0), 4, ...leb(offset), ...set(this.value(k)));
        known.add(k);
      }
      for (const text of body as readonly string[]) {
        const operand = 'abc'.indexOf(text);
        if (operand >= 0) out.push(...get(this.value(operands[operand])));
        else if (text in INSTRUCTIONS) out.push(...vector(INSTRUCTIONS[text][this.chain.type] as number));
        else out.push(...get(this.constant(text)));
      }
      out.push(...set(this.value(result)));
      known.add(result);
      if (this.isWanted(run, index, i)) out.push(...this.store(result, offset));
    });
    return out;
  }
  /** Whether memory must hold the result of link i of a run: it is not replaced in the run, and others read it. */
  private isWanted(run: readonly Link[], index: number, i: number): boolean {
    const { result } = run[i];
    if (run.slice(i + 1).some((link) => link.result === result)) return false;
    if (this.chain.modes[result] !== REGISTER) return true;
    for (const link of this.chain.runs.slice(index + 1).flat()) {
      if (link.operands.includes(result)) return true;
      if (link.result === result) return false;
    }
    return false;
  }
}

const text = (s: string): Bytes => [...leb(s.length), ...new TextEncoder().encode(s)];

/** A module over the engine's memory and table that exports a function for each chain, and `setScratch`. */
export function moduleOf(chains: readonly Chain[]): Uint8Array<ArrayBuffer> {
  const memory = [...text('env'), ...text('memory'), 2, 3, 0, ...leb(65536)];
  const table = [...text('env'), ...text('table'), 1, 0x70, 0, 0];
  const n = chains.length;
  const setScratch = [6, 0, ...get(0), 0x24, 0, END];
  return joined([
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, TYPES),
    section(2, [2], memory, table),
    section(3, leb(n + 1), [1], new Array<number>(n).fill(CHAINS)),
    section(6, [1, 0x7f, 1, ...number(0), END]),
    section(7, leb(n + 1), text('setScratch'), [0, 0], ...chains.map((_, i) => [...text(`chain${i}`), 0, ...leb(i + 1)])),
    section(10, leb(n + 1), setScratch, ...chains.map((chain) => new Printed(chain).bytes())),
  ]);
}
