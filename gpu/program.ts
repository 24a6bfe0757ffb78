// Plans on the device: the commands of all calls written once, over an arena; a run binds its arguments and submits one command buffer.
import {
  type Call,
  type Input,
  isView,
  type Program,
  type ProgramStats,
  readsOf,
  type StepTiming,
  type Storage,
  type View,
  writesOf,
} from '../ts/backend.ts';
import { SIZE } from '../ts/base/dtype.ts';
import { AGAIN, type Again, type Attrs } from '../ts/ops/op.ts';
import type { GpuBackend } from './backend.ts';
import { Encoding, obstacle } from './encode.ts';
import { type Chain, chained, encodeChain } from './fuse.ts';
import { GpuStorage } from './memory.ts';
import { type Command, Notes, operandsOf, placedIn, Slot } from './notes.ts';
import { type Built, play } from './play.ts';
import { type Sink, WORDS } from './queue.ts';
import { perWord } from './types.ts';
import { isUpdate, partsOf } from './updates.ts';

/** Runs that a program makes call by call while its shaders are compiled. */
const PATIENCE = 8;
const UNIFORM = 0x40;
const COPY_DST = 0x8;

/** What a program needs of the devices: the one in use, and a way to run a call, or find memory, on whichever it belongs to. */
export interface Devices {
  readonly gpu: GpuBackend;
  run(call: Call): void;
  alloc(bytes: number, standIn: Storage, inputs: readonly Input[]): Storage;
}

export class GpuProgram implements Program {
  stats: ProgramStats;
  private readonly devices: Devices;
  private readonly calls: readonly Call[];
  /** Calls that only change tensors on the host, such as a count of batches, and the others. */
  private readonly hosted: readonly Call[];
  private readonly main: readonly Call[];
  private readonly inputs: readonly Storage[];
  private readonly outputs: readonly Storage[];
  private readonly state: ReadonlySet<Storage>;
  private readonly changes: ReadonlySet<Storage>;
  private built: Built | null = null;
  /** Why its calls run one by one; null: they do not. */
  private readonly plain: string | null;
  private early = 0;
  /** How often its commands were written anew because numbers changed. */
  private rebuilds = 0;
  private disposed = false;

  constructor(devices: Devices, calls: readonly Call[], inputs: readonly Storage[], outputs: readonly Storage[]) {
    this.devices = devices;
    this.calls = calls;
    this.hosted = hostedOf(calls, inputs, outputs);
    this.main = calls.filter((c) => !this.hosted.includes(c));
    this.inputs = inputs;
    this.outputs = outputs;
    this.changes = new Set(calls.flatMap(writesOf));
    this.state = new Set(calls.flatMap((c) => [...readsOf(c), ...writesOf(c)]).filter((s) => s.device !== 'plan'));
    for (const s of this.state) s.retain();
    this.plain = this.hindrance();
    this.stats = { steps: calls.length, fused: 0, arena: 0, live: 0, intermediates: 0, bytesMoved: 0, printed: [] };
    if (this.plain === null) this.built = this.build();
  }
  /** What keeps the program from being one list of commands. */
  private hindrance(): string | null {
    const there = new Set(this.hosted.flatMap(writesOf));
    if (this.main.flatMap(readsOf).some((s) => there.has(s))) return 'results on wasm';
    for (const { op, inputs, attrs, outputs } of this.main) {
      const why = obstacle(op, inputs, attrs, outputs[0]);
      if (why !== null) return `${op.name}: ${why}`;
      for (const y of outputs) if (this.inputs.includes(y.storage) && perWord(y.dtype) > 1) return `${op.name}: packed, into an argument`;
    }
    for (const s of [...this.main.flatMap(writesOf), ...this.outputs]) {
      const lasts = s.device !== 'plan' || this.inputs.includes(s) || this.outputs.includes(s);
      if (lasts && homeOf(s) !== 'webgpu') return 'results on wasm';
    }
    return null;
  }

  /** Writes the commands; `renewed`: attributes that are not those of the capture any more. */
  private build(renewed: ReadonlyMap<Call, Attrs> = new Map()): Built {
    const { gpu } = this.devices;
    const { device, pool, queue, updates } = gpu;
    const most = device.limits.maxStorageBuffersPerShaderStage;
    updates.gather(
      this.main.filter((c) => isUpdate(c.op)),
      queue,
      true,
    );
    const slots = new Map<Storage, Slot>();
    const extents = new Map<Storage, number>();
    for (const { inputs, outputs } of this.main)
      for (const x of [...inputs.filter(isView), ...outputs]) extents.set(x.storage, Math.max(extents.get(x.storage) ?? 0, extentOf(x)));
    const moved = (x: View): View => {
      const s = x.storage;
      if (s.device === 'webgpu') return x;
      let slot = slots.get(s);
      if (slot === undefined) {
        const given = this.inputs.includes(s);
        const outside = given || this.outputs.includes(s) || s.device !== 'plan';
        slot = new Slot(given ? (extents.get(s) ?? 0) : s.bytes, outside);
        slots.set(s, slot);
      }
      return { ...x, storage: slot };
    };
    const placed = this.main.map((c) => ({
      ...c,
      attrs: renewed.get(c) ?? c.attrs,
      inputs: c.inputs.map((x) => (isView(x) ? moved(x) : x)),
      outputs: c.outputs.map(moved),
    }));
    const notes = new Notes();
    const names: string[] = [];
    const renewals: Built['renewals'][number][] = [];
    const encoding = new Encoding(notes, (bytes) => new Slot(bytes, false) as unknown as GpuStorage, gpu.faults);
    const lasting = (s: Storage): boolean => !(s instanceof Slot) || s.outside;
    const items = joined(chained(placed, lasting, most), most);
    const origin = new Map<Call, Call>(placed.map((c, i) => [c, this.main[i]]));
    for (const item of items) {
      const first = notes.numbers.length;
      if ('calls' in item) encodeChain(notes, item);
      else encodeCalls(gpu, encoding, notes, item);
      while (names.length < notes.commands.length) names.push(nameOf(item));
      const own = 'calls' in item ? [] : item;
      if (own.some((c) => AGAIN in c.attrs))
        renewals.push({ calls: own.map((c) => [c, origin.get(c) as Call]), first, keys: keysOf(notes.commands).slice(first) });
    }
    const { commands } = notes;
    const inner = new Set<Slot>();
    commands.forEach((c, i) => {
      for (const of of operandsOf(c))
        if (of instanceof Slot && !of.outside) {
          of.first = Math.min(of.first, i);
          of.last = i;
          inner.add(of);
        }
    });
    const arena = placedIn([...inner], (bytes) => gpu.alloc(bytes));
    const numbers = new Int32Array(Math.max(1, notes.numbers.length) * WORDS);
    notes.numbers.forEach((list, i) => {
      numbers.set(list, i * WORDS);
    });
    const uniform = device.createBuffer({ size: numbers.byteLength, usage: UNIFORM | COPY_DST });
    const { checks } = encoding;
    const { moves } = pool;
    const built: Built = {
      ...{ gpu, commands, names, slots, numbers, uniform, renewals, arena, checks, moves, bound: moves },
      ...{ pending: 0, stale: true },
    };
    for (const c of commands) {
      const coming = c.kind === 'dispatch' ? gpu.queue.prepare(c.form, c.key, c.source) : null;
      if (coming === null) continue;
      built.pending++;
      void coming.then(() => built.pending--);
    }
    const live = commands.map((_, i) => [...inner].reduce((sum, s) => sum + (s.first <= i && i <= s.last ? s.bytes : 0), 0));
    this.stats = {
      steps: commands.length,
      fused: items.reduce((sum, item) => sum + callsOf(item).length - 1, 0),
      arena: arena.reduce((sum, s) => sum + s.bytes, 0),
      live: Math.max(0, ...live),
      intermediates: [...inner].reduce((sum, s) => sum + s.bytes, 0),
      bytesMoved: commands.reduce((sum, c) => sum + operandsOf(c).reduce((n, of) => n + of.bytes, 0), 0),
      printed: items.flatMap((item) => ('calls' in item ? [nameOf(item)] : [])),
    };
    return built;
  }

  run(
    inputs: readonly { readonly storage: Storage; readonly byteOffset: number }[],
    outputs: readonly Storage[],
    timings?: StepTiming[],
  ): void {
    const { gpu } = this.devices;
    gpu.pool.check();
    gpu.queue.settle();
    // Another device was started (what was on the lost one says so itself), or storages came to share a buffer.
    if (this.built !== null && (this.built.gpu !== gpu || this.built.moves !== gpu.pool.moves)) this.rebuild();
    const renewed = new Map<Call, Attrs>();
    for (const c of this.calls) {
      const again = c.attrs[AGAIN as never] as Again | undefined;
      if (again) renewed.set(c, { ...(c.attrs as object), ...again() } as Attrs);
    }
    // Numbers that choose other shaders, or no longer the same for parameters of one dispatch, want other commands.
    let current = this.built !== null && this.renew(this.built, renewed);
    if (this.built !== null && !current && this.rebuilds++ < PATIENCE) {
      this.rebuild(renewed);
      current = this.renew(this.built, renewed);
    }
    const { built } = this;
    const early = built !== null && built.pending > 0 && this.early++ < PATIENCE;
    if (built === null || !current || early || !this.fits(inputs)) {
      this.oneByOne(this.calls, inputs, outputs, renewed, timings);
      return;
    }
    if (this.hosted.length > 0) this.oneByOne(this.hosted, inputs, outputs, renewed);
    const given: GpuStorage[] = [];
    const loaned: GpuStorage[] = [];
    const sources: [Slot, GpuStorage, number][] = [];
    const bind = (s: Storage, from: Storage, offset: number): void => {
      const slot = built.slots.get(s);
      if (slot === undefined) return;
      let storage = from as GpuStorage;
      if (from.device !== 'webgpu') {
        storage = gpu.bring(from);
        loaned.push(storage);
      }
      sources.push([slot, storage, offset]);
      given.push(storage);
    };
    this.inputs.forEach((s, i) => {
      bind(s, inputs[i].storage, inputs[i].byteOffset);
    });
    this.outputs.forEach((s, i) => {
      bind(s, outputs[i], 0);
    });
    for (const s of this.state) if (s.device !== 'webgpu') bind(s, s, 0);
    if (built.checks) gpu.encoding.checks = true;
    const { numbers, stale } = built;
    const sent = stale ? numbers.slice() : null;
    built.stale = built.renewals.length > 0;
    const all = [...given, ...built.arena, ...[...this.state].filter((s): s is GpuStorage => s.device === 'webgpu')];
    gpu.inLine(
      all.map((storage) => ({ storage, offset: 0, shape: [], strides: [], dtype: 'uint8', rowMajor: true })),
      () => play(built, sources, sent, timings),
    );
    for (const s of loaned) s.release();
  }
  private rebuild(renewed?: ReadonlyMap<Call, Attrs>): void {
    for (const s of this.built?.arena ?? []) s.release();
    this.built = this.build(renewed);
  }
  /** Whether the arguments lie as the commands take them. */
  private fits(inputs: readonly { readonly storage: Storage; readonly byteOffset: number }[]): boolean {
    const changed = (i: number): boolean => this.changes.has(this.inputs[i]);
    const apart = (a: Storage, b: Storage): boolean => packOf(a) === null || packOf(a) !== packOf(b);
    return inputs.every(({ storage, byteOffset }, i) => {
      if (this.state.has(storage) || inputs.some((other, j) => j !== i && other.storage === storage)) return false;
      // One buffer cannot be read and changed as two operands of a shader that was printed for two buffers.
      if (inputs.some((other, j) => j !== i && (changed(i) || changed(j)) && !apart(storage, other.storage))) return false;
      if ([...this.state].some((s) => (changed(i) || this.changes.has(s)) && !apart(storage, s))) return false;
      const written = changed(i);
      return (byteOffset === 0 || (byteOffset % 4 === 0 && !written)) && (storage.device === 'webgpu' || !written);
    });
  }
  /** Writes the numbers of this run; false where a number chose other shaders. */
  private renew(built: Built, renewed: ReadonlyMap<Call, Attrs>): boolean {
    return built.renewals.every(({ calls, first, keys }) => {
      const notes = new Notes();
      const encoding = new Encoding(notes, (bytes) => new Slot(bytes, false) as unknown as GpuStorage, built.gpu.faults);
      const now = calls.map(([call, origin]) => ({ ...call, attrs: renewed.get(origin) ?? call.attrs }));
      if (now.length > 1 && partsOf(now, built.gpu.device.limits.maxStorageBuffersPerShaderStage).length > 1) return false;
      encodeCalls(built.gpu, encoding, notes, now);
      if (String(keysOf(notes.commands)) !== String(keys)) return false;
      notes.numbers.forEach((list, k) => {
        built.numbers.set(list, (first + k) * WORDS);
      });
      return true;
    });
  }

  /** The calls as the program would have made them, each on the device of its operands. */
  private oneByOne(
    calls: readonly Call[],
    inputs: readonly { readonly storage: Storage; readonly byteOffset: number }[],
    outputs: readonly Storage[],
    renewed: ReadonlyMap<Call, Attrs>,
    timings?: StepTiming[],
  ): void {
    const places = new Map<Storage, { storage: Storage; offset: number }>();
    this.inputs.forEach((s, i) => {
      places.set(s, { storage: inputs[i].storage, offset: inputs[i].byteOffset });
    });
    this.outputs.forEach((s, i) => {
      places.set(s, { storage: outputs[i], offset: 0 });
    });
    const own: Storage[] = [];
    const moved = (x: View, inputs: readonly Input[] = []): View => {
      if (x.storage.device !== 'plan') return x;
      let place = places.get(x.storage);
      if (place === undefined) {
        place = { storage: this.devices.alloc(x.storage.bytes, x.storage, inputs), offset: 0 };
        places.set(x.storage, place);
        own.push(place.storage);
      }
      return { ...x, storage: place.storage, offset: x.offset + place.offset / SIZE[x.dtype] };
    };
    const begin = performance.now();
    try {
      for (const c of calls) {
        const start = performance.now();
        const inputs = c.inputs.map((x) => (isView(x) ? moved(x) : x));
        this.devices.run({ op: c.op, inputs, attrs: renewed.get(c) ?? c.attrs, outputs: c.outputs.map((y) => moved(y, inputs)) });
        timings?.push({ name: c.op.name, start: start - begin, duration: performance.now() - start });
      }
    } finally {
      for (const s of own) s.release();
    }
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const s of this.state) s.release();
    for (const s of this.built?.arena ?? []) s.release();
    this.built?.uniform.destroy();
    this.built = null;
  }
}

const homeOf = (s: Storage): string => (s.device === 'plan' ? ((s as { home?: string }).home ?? 'wasm') : s.device);
const viewsOf = (c: Call): View[] => [...c.inputs.filter(isView), ...c.outputs];
/** Calls that change tensors on the host which outlive the program, and those on the host that they need. */
function hostedOf(calls: readonly Call[], inputs: readonly Storage[], outputs: readonly Storage[]): Call[] {
  const wanted = new Set<Storage>();
  const lasting = (s: Storage): boolean => s.device !== 'plan' || inputs.includes(s) || outputs.includes(s);
  return calls
    .filter((c) => viewsOf(c).every((x) => homeOf(x.storage) === 'wasm'))
    .reverse()
    .filter((c) => {
      const own = writesOf(c).some((s) => lasting(s) || wanted.has(s));
      if (own) for (const s of readsOf(c)) wanted.add(s);
      return own;
    })
    .reverse();
}
/** A chain, or a call; several calls are an optimizer's updates that one dispatch makes. */
type Item = Chain | readonly Call[];
/** Updates that follow one another as parts of one dispatch each. */
function joined(items: readonly (Call | Chain)[], limit: number): Item[] {
  const found: Item[] = [];
  let run: Call[] = [];
  const close = (): void => {
    found.push(...(partsOf(run, limit) as Call[][]));
    run = [];
  };
  for (const item of items) {
    const update = !('calls' in item) && isUpdate(item.op);
    if (update) run.push(item);
    else {
      close();
      found.push('calls' in item ? item : [item]);
    }
  }
  close();
  return found;
}
function encodeCalls(gpu: GpuBackend, encoding: Encoding, sink: Sink, calls: readonly Call[]): void {
  gpu.updates.encodePart(sink, calls, ({ op, inputs, attrs }) => encoding.call(op, inputs, attrs, calls[0].outputs));
}
const callsOf = (item: Item): readonly Call[] => ('calls' in item ? item.calls : item);
const nameOf = (item: Item): string =>
  'calls' in item ? item.calls.map((c) => c.op.name).join(' + ') : `${item[0].op.name}${item.length > 1 ? ` of ${item.length}` : ''}`;
const packOf = (s: Storage): object | null => (s instanceof GpuStorage ? s.pack : null);
const keysOf = (commands: readonly Command[]): string[] => commands.flatMap((c) => (c.kind === 'dispatch' ? [c.key] : []));
/** Bytes from the start of a view's storage to its last element's end. */
function extentOf({ offset, shape, strides, dtype }: View): number {
  return shape.includes(0) ? 0 : (offset + shape.reduce((sum, n, d) => sum + (n - 1) * strides[d], 0) + 1) * SIZE[dtype];
}
