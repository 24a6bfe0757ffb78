// The code of a chain over elements that lie side by side. A run loads each operand once, computes four elements at a time in registers and
// stores what others want; where an operand is walked, it stops at the ends of its inner dimension. Where kernels are called between runs,
// all go tile by tile, as in assembly/chain.ts.
import { SLOTS } from '../base/layout.ts';
import { leb } from '../base/sections.ts';
import { INSTRUCTIONS } from './bodies.ts';
import type { Chain, Node, Place, Value } from './chain.ts';
import {
  ADD,
  AT_LEAST,
  access,
  type Bytes,
  DIV,
  either,
  get,
  MORE,
  MUL,
  number,
  SUB,
  set,
  shifted,
  smaller,
  turns,
  vector,
  word,
} from './code.ts';
import type { Printed } from './function.ts';
import { F32, F64, I32, I64, type Lanes, loaded, packed, recast, shiftOf, stored, vectorsOf } from './lanes.ts';
import type { Operand } from './operand.ts';
import { type Home, homesOf, isNumber, isStore, type Run, runsOf, type Setting, usesOf } from './runs.ts';

/** TILE and TILES of assembly/chain.ts, with room behind each tile for what is left of a group. */
const TILE = 2048;
const TILES = 4096;
const PITCH = TILE + 64;
/** Tiles that a thread's scratch has room for in front of BLOCK. */
const MOST_TILES = 88;
/** Behind the tiles: a block of what a kernel reads or makes. */
export const BLOCK: number = 192 << 10;
export const SCRATCH: Bytes = [0x23, 0];
/** The types of printed functions and of kernels, and of functions of spans, in a printed module. */
export const CHAINS = 0;
export const SPANS = 2;

type Op = Value & { readonly kind: 'op' };
const spread = ({ strides }: Operand): boolean => strides.at(-1) === 0;

/** Writes a chain into a function; `fits` tells whether it can. */
export class ChainCode {
  readonly fits: boolean;
  private readonly f: Printed;
  private readonly values: readonly Value[];
  private readonly runs: readonly Run[];
  private readonly setting: Setting;
  /** Lanes that stay: numbers, scalars, elements that a whole segment shares. */
  private readonly fixed = new Map<string, Lanes>();
  private readonly bases = new Map<string, number>();
  private readonly homes: ReadonlyMap<number, Home>;
  private readonly pinned: ReadonlyMap<number, number>;
  private readonly from: ReadonlyMap<number, number>;
  private readonly at: readonly number[];
  private readonly stop: number;
  private readonly begin: number;
  private readonly span: number;
  /** Elements of a tile; none: a single run. */
  private readonly tile: number;

  constructor(f: Printed, { values }: Chain, nodes: readonly Node[], setting: Setting) {
    this.f = f;
    this.values = values;
    this.setting = setting;
    this.runs = runsOf(nodes, values);
    const { homes, pinned, from, tiles } = homesOf(this.runs, values, setting, () => f.number());
    [this.homes, this.pinned, this.from, this.fits] = [homes, pinned, from, tiles <= MOST_TILES];
    const widest = Math.max(2, ...[...this.homes.keys(), ...this.pinned.keys()].map((v) => shiftOf(values[v].type)));
    this.tile = this.runs.length > 1 ? TILE >> widest : 0;
    this.at = [f.number(), f.number(), f.number(), f.number()];
    [this.stop, this.begin, this.span] = [f.number(), f.number(), f.number()];
  }

  write(): void {
    const { f, setting, tile, runs } = this;
    this.prepare();
    const work = (): Bytes => f.passing(() => runs.forEach((run) => this.run(run)));
    if (tile === 0) {
      f.emit(number(0), set(this.begin), get(setting.count), set(this.span), work());
      return;
    }
    const left = [...get(setting.count), ...get(this.begin), SUB];
    const tiles = f.passing(() => {
      f.emit(smaller(left, number(tile)), set(this.span));
      for (const [v, home] of this.homes)
        if ('slot' in home) {
          const shift = shiftOf(this.values[v].type);
          f.emit(SCRATCH, number(TILES + home.slot * PITCH), [ADD], get(this.begin), shifted(shift), [SUB], set(home.local));
        }
      f.emit(work(), get(this.begin), get(this.span), [ADD], set(this.begin));
    });
    f.emit(number(0), set(this.begin), turns([...get(this.begin), ...get(setting.count), AT_LEAST], tiles));
  }

  /** Numbers, and where what lies in memory begins. */
  private prepare(): void {
    const { f, values, pinned } = this;
    const used = new Set(this.runs.flatMap(({ nodes, kept }) => [...kept, ...nodes.flatMap((node) => usesOf(node, values))]));
    for (const v of used) {
      const value = values[v];
      if (value.kind !== 'load') continue;
      const { operand } = value.place;
      if (isNumber(operand)) this.scalar(`${v}`, value.place, this.base(value.place));
      else this.origin(value.place);
      if (operand.how === 'walk' && spread(operand)) this.fixed.set(`${v}`, this.lasting(value.type));
    }
    for (const { nodes } of this.runs) for (const node of nodes) if (isStore(node)) this.origin(node.place);
    for (const { nodes } of this.runs)
      for (const node of nodes) {
        const value = isStore(node) ? null : values[node];
        if (value?.kind === 'op') for (const text of value.body ?? []) this.constant(text, value.lanes);
      }
    for (const [v, slot] of pinned) {
      const [x] = this.fixed.get(`${v}`) as Lanes;
      const at = this.at[0];
      const next = [...get(at), ...number(16), ADD, ...set(at)];
      const put = [...SCRATCH, ...number(TILES + slot * PITCH), ADD, ...get(at), ADD, ...get(x), ...access(0x0b, 0)];
      f.emit(number(0), set(at), turns([...get(at), ...number(TILE), AT_LEAST], [...put, ...next]));
    }
  }
  private lasting(type: number): Lanes {
    return Array.from({ length: vectorsOf(type) }, () => this.f.lasting());
  }
  private field({ operand, step }: Place, offset: number): Bytes {
    return [...this.setting.step(step), ...word(operand.at + offset)];
  }
  /** The address of an operand's first element. */
  private base(place: Place): Bytes {
    return [...this.field(place, 0), ...shifted(2), ...word(SLOTS), ...this.field(place, 8), ADD];
  }
  /** Sets the local that holds the address of a line's first element here, or where a walked operand begins. */
  private origin(place: Place): void {
    const { operand } = place;
    const key = this.baseKey(operand);
    if (this.bases.has(key)) return;
    const { f, setting } = this;
    const local = f.number();
    this.bases.set(key, local);
    const block = this.blockOf(operand);
    if (block !== undefined) f.emit(SCRATCH, number(block), [ADD]);
    else if (operand.how === 'walk') f.emit(this.base(place));
    else f.emit(this.base(place), get(setting.start), shifted(shiftOf(operand.dtype)), [ADD]);
    f.emit(set(local));
  }
  private baseKey(operand: Operand): string {
    const { how, id, slot, from, dtype } = operand;
    return how === 'walk' ? id : `${this.blockOf(operand) ?? `${slot} ${from}`} ${shiftOf(dtype)}`;
  }
  /** Where in scratch a line lies that has no place in memory. */
  private blockOf({ storage }: Operand): number | undefined {
    return storage === null ? undefined : this.setting.blocks.get(storage);
  }
  /** Fills lasting lanes with the element at an address. */
  private scalar(key: string, place: Place, address: Bytes): void {
    const { f } = this;
    const { how, dtype, type } = place.operand;
    const lanes = this.fixed.get(key) ?? this.lasting(type);
    this.fixed.set(key, lanes);
    const code = f.passing(() => {
      let from: Lanes;
      if (how === 'number') {
        const value = type === I64 ? [0x29, 3] : [0x2b, 3];
        const narrow: Bytes = type === F32 ? [0xb6] : type === I32 ? [0xfc, 2] : [];
        const at = [...this.setting.step(place.step), ...value, ...leb(place.operand.at + 8), ...narrow];
        const x = f.vector();
        f.emit(at, vector([0x13, 0x14, 0x11, 0x12][type]), set(x));
        from = [x, x];
      } else {
        const x = f.vector();
        f.emit(address, access([0x07, 0x08, 0x09, 0x0a][shiftOf(dtype)], 0), set(x));
        from = loaded(f, [x, x], dtype, type);
      }
      lanes.forEach((lane, i) => f.emit(get(from[i]), set(lane)));
    });
    f.emit(code);
  }
  private constant(text: string, type: number): void {
    if (text in INSTRUCTIONS || 'abc'.includes(text)) return;
    const key = `${text} ${type}`;
    if (this.fixed.has(key)) return;
    const local = this.f.lasting();
    this.fixed.set(key, [local]);
    const x = Number(text);
    const wide = (data: ArrayLike<number>): Bytes => Array.from(data);
    const push: Bytes =
      type === F32
        ? [0x43, ...wide(new Uint8Array(Float32Array.of(x).buffer))]
        : type === F64
          ? [0x44, ...wide(new Uint8Array(Float64Array.of(x).buffer))]
          : type === I32
            ? number(x)
            : [...number(x), 0xac];
    this.f.emit(push, vector([0x13, 0x14, 0x11, 0x12][type]), set(local));
  }

  private run(run: Run): void {
    if (run.kernel !== null) {
      this.call(run.kernel);
      return;
    }
    const { f, values, homes } = this;
    // What a kernel has put where it belongs needs no store.
    const nodes = run.nodes.filter((node) => !isStore(node) || homes.get(node.value) !== node || this.from.get(node.value) === run.index);
    if (nodes.length + run.kept.size === 0) return;
    const used = new Set([...run.kept, ...nodes.flatMap((node) => usesOf(node, values))]);
    const places = [...used].flatMap((v) => {
      const value = values[v];
      return value.kind === 'load' && !this.isReady(v, run) && value.place.operand.how === 'walk' ? [{ v, place: value.place }] : [];
    });
    const written = nodes.filter(isStore).filter((node) => node.place.operand.how === 'walk');
    const walks = [...places, ...written.map((node) => ({ v: -1, place: node.place }))];
    const shifts = new Set<number>();
    for (const v of used) {
      const value = values[v];
      if (value.kind === 'load' && isNumber(value.place.operand)) continue;
      shifts.add(shiftOf(value.type));
      if (value.kind === 'load' && !this.isReady(v, run)) shifts.add(shiftOf(value.place.operand.dtype));
    }
    for (const node of nodes) shifts.add(shiftOf(isStore(node) ? node.place.operand.dtype : values[node].type));
    shifts.delete(0);
    if (walks.length === 0) {
      this.loops(run, nodes, [...shifts], get(this.begin), get(this.span));
      return;
    }
    const [at, until, length] = [f.number(), f.number(), f.number()];
    const pointers = new Map<string, number>();
    const segment = f.passing(() => {
      f.emit(get(until), get(at), [SUB], set(length));
      this.locate(walks, at, length, pointers);
      this.loops(run, nodes, [...shifts], get(at), get(length), pointers);
      f.emit(get(at), get(length), [ADD], set(at));
    });
    f.emit(get(this.begin), set(at), get(this.begin), get(this.span), [ADD], set(until));
    f.emit(turns([...get(at), ...get(until), AT_LEAST], segment));
  }

  /** Where walked operands are at element `at`, and how many follow before one of them ends a run of its inner dimension. */
  private locate(walks: readonly { v: number; place: Place }[], at: number, length: number, pointers: Map<string, number>): void {
    const { f, setting } = this;
    const tables = new Map<string, { v: number; place: Place }[]>();
    for (const walk of walks) {
      const key = `${walk.place.operand.sizes}`;
      tables.set(key, [...(tables.get(key) ?? []), walk]);
    }
    const [index, rest, inner] = [f.number(), f.number(), f.number()];
    for (const group of tables.values()) {
      const [{ place: first }] = group;
      const { sizes } = first.operand;
      const size = (d: number): Bytes => [...setting.step(first.step), ...word(first.operand.sizesAt + 4 * d)];
      const moved = new Map<string, { place: Place; v: number; pointer: number }>();
      for (const walk of group) {
        const { id } = walk.place.operand;
        const key = walk.v >= 0 && spread(walk.place.operand) ? `${walk.v}` : id;
        if (moved.has(key)) continue;
        const pointer = f.number();
        pointers.set(id, pointer);
        moved.set(key, { ...walk, pointer });
        f.emit(get(this.bases.get(id) as number), set(pointer));
      }
      f.emit(get(setting.start), get(at), [ADD], set(index));
      const outermost = Math.min(...group.map(({ place }) => place.operand.strides.findIndex((s) => s !== 0)));
      for (let d = sizes.length - 1; d >= outermost; d--) {
        // The place in dimension d, and the index of what is left of the outer ones.
        if (d > 0) {
          f.emit(get(index), size(d), [DIV], set(rest));
          f.emit(get(index), get(rest), size(d), [MUL, SUB], set(inner), get(rest), set(index));
        } else f.emit(get(index), set(inner));
        if (d === sizes.length - 1) {
          const room = [...size(d), ...get(inner), SUB];
          f.emit(smaller(get(length), room), set(length));
        }
        for (const { place, pointer } of moved.values()) {
          const { strides, stridesAt, dtype } = place.operand;
          if (strides[d] === 0) continue;
          const stride = [...setting.step(place.step), ...word(stridesAt + 4 * d), MUL];
          f.emit(get(pointer), get(inner), d === sizes.length - 1 ? [] : stride, shifted(shiftOf(dtype)), [ADD], set(pointer));
        }
      }
      for (const { place, v, pointer } of moved.values()) {
        const { operand } = place;
        if (v >= 0 && spread(operand)) this.scalar(`${v}`, place, get(pointer));
        else f.emit(get(pointer), get(at), shifted(shiftOf(operand.dtype)), [SUB], set(pointer));
      }
    }
  }

  /** A run over elements from `begin` on. */
  private loops(
    run: Run,
    nodes: readonly Node[],
    shifts: readonly number[],
    begin: Bytes,
    length: Bytes,
    pointers?: ReadonlyMap<string, number>,
  ): void {
    const { f, stop, values } = this;
    const [at] = this.at;
    const unroll = nodes.some((node) => vectorsOf(isStore(node) ? values[node.value].type : values[node].type) > 1) ? 2 : 4;
    const group = (offset: number, left: number): Bytes => f.passing(() => this.group(run, nodes, offset, left, pointers ?? new Map()));
    const forth = (n: number): Bytes =>
      [0, ...shifts].flatMap((s) => [...get(this.at[s]), ...number((4 * n) << s), ADD, ...set(this.at[s])]);
    f.emit(begin, set(at));
    for (const s of shifts) f.emit(get(at), shifted(s), set(this.at[s]));
    f.emit(get(at), length, [ADD], set(stop));
    const many = Array.from({ length: unroll }, (_, u) => group(4 * u, 0)).flat();
    const beyond = (n: number): Bytes => [...get(at), ...number(4 * n), ADD, ...get(stop), MORE];
    f.emit(turns(beyond(unroll), [...many, ...forth(unroll)]));
    f.emit(turns(beyond(1), [...group(0, 0), ...forth(1)]));
    const left = f.number();
    f.emit(get(stop), get(at), [SUB], set(left), get(left), either(group(0, left)));
  }

  /** Four elements, `offset` elements behind; `left`: the local that says how many of them there are, or 0: all. */
  private group(run: Run, nodes: readonly Node[], offset: number, left: number, pointers: ReadonlyMap<string, number>): void {
    const { f, values, homes } = this;
    const known = new Map<number, Lanes>();
    const address = (base: number, shift: number): Bytes => [...get(base), ...get(this.at[shift]), ADD];
    const load = (base: number, dtype: number): Lanes => {
      const shift = shiftOf(dtype);
      return Array.from({ length: shift === 3 ? 2 : 1 }, (_, i) => {
        const x = f.vector();
        f.emit(address(base, shift), access([0x5c, 0x5d, 0, 0][shift], (offset << shift) + 16 * i), set(x));
        return x;
      });
    };
    const fetch = (v: number): Lanes => {
      const value = values[v];
      const fixed = this.fixed.get(`${v}`);
      const ready = this.isReady(v, run);
      if (fixed !== undefined && !ready) return fixed;
      const home = homes.get(v);
      if (home !== undefined && ready) return load('slot' in home ? home.local : this.baseOf(home.place, pointers), value.type);
      const { place } = value as Value & { kind: 'load' };
      return loaded(f, load(this.baseOf(place, pointers), place.operand.dtype), place.operand.dtype, value.type);
    };
    const lanes = (v: number): Lanes => {
      let found = known.get(v);
      if (found === undefined) {
        found = fetch(v);
        known.set(v, found);
      }
      return found;
    };
    const keep = (v: number): void => {
      const home = homes.get(v);
      if (home !== undefined && 'slot' in home)
        f.emit(stored(lanes(v), address(home.local, shiftOf(values[v].type)), shiftOf(values[v].type), offset, 0));
    };
    for (const node of nodes) {
      if (isStore(node)) {
        const { operand } = node.place;
        const shift = shiftOf(operand.dtype);
        const x = packed(f, lanes(node.value), values[node.value].type, operand.dtype);
        f.emit(stored(x, address(this.baseOf(node.place, pointers), shift), shift, offset, this.blockOf(operand) === undefined ? left : 0));
        continue;
      }
      const value = values[node];
      if (value.kind === 'cast') known.set(node, recast(f, lanes(value.of), values[value.of].type, value.dtype, value.type));
      else known.set(node, this.computed(value as Op, (value as Op).inputs.map(lanes)));
      keep(node);
    }
    for (const v of run.kept) keep(v);
  }
  /** Whether a run finds a value where one before has put it. */
  private isReady(v: number, run: Run): boolean {
    return this.homes.has(v) && (this.from.get(v) as number) < run.index;
  }
  private baseOf({ operand }: Place, pointers: ReadonlyMap<string, number>): number {
    return operand.how === 'walk' ? (pointers.get(operand.id) as number) : (this.bases.get(this.baseKey(operand)) as number);
  }
  private computed({ body, lanes, type }: Op, inputs: readonly Lanes[]): Lanes {
    const { f } = this;
    return Array.from({ length: vectorsOf(type) }, (_, i) => {
      for (const text of body as readonly string[]) {
        const operand = 'abc'.indexOf(text);
        if (operand >= 0) f.emit(get(inputs[operand][i]));
        else if (text in INSTRUCTIONS) f.emit(vector(INSTRUCTIONS[text][lanes] as number));
        else f.emit(get((this.fixed.get(`${text} ${lanes}`) as Lanes)[0]));
      }
      const x = f.vector();
      f.emit(set(x));
      return x;
    });
  }
  /** The address of what a kernel reads or writes. */
  private spanOf(v: number): Bytes {
    const home = this.homes.get(v);
    const slot = home !== undefined && 'slot' in home ? home.slot : this.pinned.get(v);
    if (slot !== undefined) return [...SCRATCH, ...number(TILES + slot * PITCH), ADD];
    const value = this.values[v];
    const { operand } = home !== undefined && 'place' in home ? home.place : (value as Value & { kind: 'load' }).place;
    return [...get(this.bases.get(this.baseKey(operand)) as number), ...get(this.begin), ...shifted(shiftOf(operand.dtype)), ADD];
  }
  private call(v: number): void {
    const { opcode, inputs, lanes } = this.values[v] as Op;
    const y = this.spanOf(v);
    const given = [0, 1, 2].flatMap((i) => (i < inputs.length ? this.spanOf(inputs[i]) : number(0)));
    const bytes = [...get(this.span), ...shifted(shiftOf(lanes)), ...number(15), ADD, ...number(-16), 0x71];
    // A kernel's place in the table is behind that of opcode 0, which is empty.
    this.f.emit(number(lanes), y, given, y, bytes, [ADD], number(opcode + 1), [0x11, SPANS, 0]);
  }
}
