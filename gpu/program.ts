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
import type { GpuStorage } from './memory.ts';
import { type Binding, type Buffered, bytesOf, dispatchGroups, formOf, type Sink, WORDS } from './queue.ts';
import { perWord } from './types.ts';

/** Runs that a program makes call by call while its shaders are compiled. */
const PATIENCE = 8;
/** Bindings of arguments that a command keeps for runs to come. */
const KEPT = 4;
const UNIFORM = 0x40;
const COPY_DST = 0x8;

/** A stand-in for memory of a run: of the arena, or an argument's. */
class Slot implements Storage, Buffered {
  readonly device = 'webgpu';
  readonly bytes: number;
  /** Whether each run says which buffer it is. */
  readonly outside: boolean;
  version = 0;
  refs = 1;
  /** Commands from which to which it is in use. */
  first = Infinity;
  last = -1;
  place: GPUBuffer | null = null;

  constructor(bytes: number, outside: boolean) {
    this.bytes = bytes;
    this.outside = outside;
  }
  get buffer(): GPUBuffer {
    return this.place as GPUBuffer;
  }
  retain(): void {}
  release(): void {}
}

interface Dispatch {
  readonly kind: 'dispatch';
  readonly key: string;
  readonly form: string;
  readonly source: () => string;
  readonly bindings: readonly Binding[];
  readonly groups: number;
  /** Operands that each run names, and what was bound for the last runs. */
  readonly outside: readonly Slot[];
  kept: { readonly buffers: readonly GPUBuffer[]; readonly group: GPUBindGroup }[];
}
type Command =
  | Dispatch
  | { readonly kind: 'copy'; readonly from: Buffered; readonly to: Buffered; readonly bytes: number }
  | { readonly kind: 'clear'; readonly of: Buffered };

/** Writes down the commands of calls. */
class Notes implements Sink {
  readonly commands: Command[] = [];
  readonly numbers: ArrayLike<number>[] = [];
  dispatch(key: string, source: () => string, bindings: readonly Binding[], numbers: ArrayLike<number>, groups: number): void {
    if (groups === 0) return;
    const outside = bindings.map(({ of }) => of).filter((of): of is Slot => of instanceof Slot && of.outside);
    this.commands.push({ kind: 'dispatch', key, form: formOf(bindings), source, bindings, groups, outside, kept: [] });
    this.numbers.push(numbers);
  }
  copy(from: Buffered, to: Buffered, bytes: number): void {
    this.commands.push({ kind: 'copy', from, to, bytes });
  }
  clear(of: Buffered): void {
    this.commands.push({ kind: 'clear', of });
  }
}
const operandsOf = (c: Command): readonly Buffered[] =>
  c.kind === 'dispatch' ? c.bindings.map(({ of }) => of) : c.kind === 'copy' ? [c.from, c.to] : [c.of];

/** What a program needs of the devices: the one in use, and a way to run a call, or find memory, on whichever it belongs to. */
export interface Devices {
  readonly gpu: GpuBackend;
  run(call: Call): void;
  alloc(bytes: number, standIn: Storage, inputs: readonly Input[]): Storage;
}

/** What was prepared on a device. */
interface Built {
  readonly gpu: GpuBackend;
  readonly commands: readonly Command[];
  /** The op or ops of each command. */
  readonly names: readonly string[];
  readonly slots: ReadonlyMap<Storage, Slot>;
  readonly numbers: Int32Array<ArrayBuffer>;
  readonly uniform: GPUBuffer;
  /** Calls whose numbers change from run to run, and the dispatches that hold them. */
  readonly renewals: readonly { readonly call: Call; readonly first: number; readonly keys: readonly string[] }[];
  readonly arena: readonly GpuStorage[];
  readonly checks: boolean;
  /** Shaders that are still being compiled. */
  pending: number;
  stale: boolean;
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

  private build(): Built {
    const { gpu } = this.devices;
    const { device } = gpu;
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
      inputs: c.inputs.map((x) => (isView(x) ? moved(x) : x)),
      outputs: c.outputs.map(moved),
    }));
    const notes = new Notes();
    const names: string[] = [];
    const renewals: Built['renewals'][number][] = [];
    const encoding = new Encoding(notes, (bytes) => new Slot(bytes, false) as unknown as GpuStorage, gpu.faults);
    const lasting = (s: Storage): boolean => !(s instanceof Slot) || s.outside;
    const items = chained(placed, lasting, device.limits.maxStorageBuffersPerShaderStage);
    for (const item of items) {
      const first = notes.numbers.length;
      if ('calls' in item) encodeChain(notes, item);
      else encoding.call(item.op, item.inputs, item.attrs, item.outputs);
      while (names.length < notes.commands.length) names.push(nameOf(item));
      if (!('calls' in item) && AGAIN in item.attrs) renewals.push({ call: item, first, keys: keysOf(notes.commands).slice(first) });
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
    const built: Built = { gpu, commands, names, slots, numbers, uniform, renewals, arena, checks, pending: 0, stale: true };
    for (const c of commands) {
      const coming = c.kind === 'dispatch' ? gpu.queue.prepare(c.form, c.key, c.source) : null;
      if (coming === null) continue;
      built.pending++;
      void coming.then(() => built.pending--);
    }
    const live = commands.map((_, i) => [...inner].reduce((sum, s) => sum + (s.first <= i && i <= s.last ? s.bytes : 0), 0));
    this.stats = {
      steps: commands.length,
      fused: items.reduce((sum, item) => sum + ('calls' in item ? item.calls.length - 1 : 0), 0),
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
    // Another device was started: what was on the lost one says so itself.
    if (this.built !== null && this.built.gpu !== gpu) {
      for (const s of this.built.arena) s.release();
      this.built = this.build();
    }
    const { built } = this;
    const renewed = new Map<Call, Attrs>();
    for (const c of this.calls) {
      const again = c.attrs[AGAIN as never] as Again | undefined;
      if (again) renewed.set(c, { ...(c.attrs as object), ...again() } as Attrs);
    }
    const early = built !== null && built.pending > 0 && this.early++ < PATIENCE;
    if (built === null || early || !this.fits(inputs) || !this.renew(built, renewed)) {
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
    const current = stale ? numbers.slice() : null;
    built.stale = built.renewals.length > 0;
    const all = [...given, ...built.arena, ...[...this.state].filter((s): s is GpuStorage => s.device === 'webgpu')];
    gpu.inLine(
      all.map((storage) => ({ storage, offset: 0, shape: [], strides: [], dtype: 'uint8', rowMajor: true })),
      () => play(built, sources, current, timings),
    );
    for (const s of loaned) s.release();
  }
  /** Whether the arguments lie as the commands take them. */
  private fits(inputs: readonly { readonly storage: Storage; readonly byteOffset: number }[]): boolean {
    return inputs.every(({ storage, byteOffset }, i) => {
      if (this.state.has(storage) || inputs.some((other, j) => j !== i && other.storage === storage)) return false;
      const written = this.changes.has(this.inputs[i]);
      return (byteOffset === 0 || (byteOffset % 4 === 0 && !written)) && (storage.device === 'webgpu' || !written);
    });
  }
  /** Writes the numbers of this run; false where a number chose other shaders. */
  private renew(built: Built, renewed: ReadonlyMap<Call, Attrs>): boolean {
    if (built.renewals.length === 0) return true;
    const values = this.main.flatMap((c) => renewed.get(c) ?? []);
    return built.renewals.every(({ call, first, keys }, i) => {
      const notes = new Notes();
      new Encoding(notes, (bytes) => new Slot(bytes, false) as unknown as GpuStorage, built.gpu.faults).call(
        call.op,
        call.inputs,
        values[i] as Attrs,
        call.outputs,
      );
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
const nameOf = (item: Call | Chain): string => ('calls' in item ? item.calls.map((c) => c.op.name).join(' + ') : item.op.name);
const keysOf = (commands: readonly Command[]): string[] => commands.flatMap((c) => (c.kind === 'dispatch' ? [c.key] : []));
/** Bytes from the start of a view's storage to its last element's end. */
function extentOf({ offset, shape, strides, dtype }: View): number {
  return shape.includes(0) ? 0 : (offset + shape.reduce((sum, n, d) => sum + (n - 1) * strides[d], 0) + 1) * SIZE[dtype];
}

/** Gives slots buffers: large ones first, each a buffer that none of those has that live at the same time. */
function placedIn(slots: readonly Slot[], alloc: (bytes: number) => GpuStorage): GpuStorage[] {
  const buffers: { readonly storage: GpuStorage; readonly users: Slot[] }[] = [];
  for (const slot of [...slots].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    let home = buffers.find(({ users }) => users.every((u) => u.last < slot.first || slot.last < u.first));
    if (home === undefined) {
      home = { storage: alloc(slot.bytes), users: [] };
      buffers.push(home);
    }
    home.users.push(slot);
    slot.place = home.storage.buffer;
  }
  return buffers.map(({ storage }) => storage);
}

/** Submits one run; `numbers`, where they changed. */
function play(
  built: Built,
  sources: readonly (readonly [Slot, GpuStorage, number])[],
  numbers: Int32Array<ArrayBuffer> | null,
  timings: StepTiming[] | undefined,
): void {
  const { gpu, commands, uniform } = built;
  const { queue, device } = gpu;
  const aligned: GpuStorage[] = [];
  for (const [slot, storage, offset] of sources) {
    if (offset === 0) slot.place = storage.buffer;
    else {
      const copy = gpu.alloc(slot.bytes);
      queue.copy(storage, copy, Math.min(slot.bytes, storage.bytes - offset), offset);
      slot.place = copy.buffer;
      aligned.push(copy);
    }
  }
  if (numbers !== null) device.queue.writeBuffer(uniform, 0, numbers);
  const encoder = queue.outside();
  let pass: GPUComputePassEncoder | null = null;
  const clock = timings === undefined ? null : new Clock(device, built.names, commands.length);
  let at = 0;
  commands.forEach((c, i) => {
    if (c.kind === 'dispatch') {
      pass ??= encoder.beginComputePass(clock?.around(i) ?? {});
      pass.setPipeline(queue.pipelineOf(c.form, c.key, c.source));
      pass.setBindGroup(0, groupOf(gpu, c, uniform), [at++ * WORDS * 4]);
      dispatchGroups(pass, c.groups);
      queue.counts.dispatches++;
      queue.counts.touched += bytesOf(c.bindings);
      if (clock === null) return;
    }
    pass?.end();
    pass = null;
    if (c.kind === 'copy') {
      encoder.copyBufferToBuffer(c.from.buffer, 0, c.to.buffer, 0, (c.bytes + 3) & ~3);
      queue.counts.touched += 2 * c.bytes;
    } else if (c.kind === 'clear') encoder.clearBuffer(c.of.buffer);
  });
  (pass as GPUComputePassEncoder | null)?.end();
  clock?.resolve(encoder);
  queue.flush();
  for (const s of aligned) s.release();
  if (clock !== null && timings !== undefined) gpu.timed = clock.into(timings, (buffer, bytes) => queue.read([{ buffer, at: 0, bytes }]));
}

function groupOf(gpu: GpuBackend, c: Dispatch, uniform: GPUBuffer): GPUBindGroup {
  const known = c.kept.find(({ buffers }) => c.outside.every((s, i) => s.place === buffers[i]));
  if (known) return known.group;
  const group = gpu.queue.groupOf(c.form, c.bindings, uniform);
  c.kept = [{ buffers: c.outside.map((s) => s.buffer), group }, ...c.kept.slice(0, KEPT - 1)];
  return group;
}

/** Times of dispatches by timestamp queries, where the device has them. */
class Clock {
  private readonly set: GPUQuerySet | null;
  private readonly buffer: GPUBuffer | null;
  private readonly names: readonly string[];
  private readonly used: number[] = [];

  constructor(device: GPUDevice, names: readonly string[], count: number) {
    const able = device.features.has('timestamp-query') && count <= 2048;
    this.names = names;
    this.set = able ? device.createQuerySet({ type: 'timestamp', count: 2 * Math.max(1, count) }) : null;
    this.buffer = able ? device.createBuffer({ size: 16 * Math.max(1, count), usage: 0x200 | 0x4 }) : null;
  }
  around(i: number): GPUComputePassDescriptor {
    const at = 2 * this.used.push(i) - 2;
    return this.set === null ? {} : { timestampWrites: { querySet: this.set, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 } };
  }
  resolve(encoder: GPUCommandEncoder): void {
    if (this.set !== null && this.buffer !== null && this.used.length > 0)
      encoder.resolveQuerySet(this.set, 0, 2 * this.used.length, this.buffer, 0);
  }
  /** Appends a step for each dispatch; their times are filled in when they come, or stay NaN where the device has no clock. */
  async into(timings: StepTiming[], read: (buffer: GPUBuffer, bytes: number) => Promise<Uint8Array<ArrayBuffer>[]>): Promise<void> {
    const steps = this.used.map((i) => ({ name: this.names[i], start: Number.NaN, duration: Number.NaN }));
    timings.push(...steps);
    if (this.set === null || this.buffer === null || steps.length === 0) return;
    const [bytes] = await read(this.buffer, 16 * steps.length);
    const times = new BigUint64Array(bytes.buffer, 0, 2 * steps.length);
    steps.forEach((step, i) => {
      step.start = Number(times[2 * i] - times[0]) / 1e6;
      step.duration = Number(times[2 * i + 1] - times[2 * i]) / 1e6;
    });
    this.set.destroy();
    this.buffer.destroy();
  }
}
