// Runs of a plan that was prepared: its arguments bound, its commands in one buffer, timed where that is asked for.
import type { Call, StepTiming, Storage } from '../ts/backend.ts';
import type { GpuBackend } from './backend.ts';
import type { GpuStorage } from './memory.ts';
import type { Command, Dispatch, Slot } from './notes.ts';
import { bytesOf, dispatchGroups, WORDS } from './queue.ts';

/** Bindings of arguments that a command keeps for runs to come. */
const KEPT = 4;

/** What was prepared on a device. */
export interface Built {
  readonly gpu: GpuBackend;
  readonly commands: readonly Command[];
  /** The op or ops of each command. */
  readonly names: readonly string[];
  readonly slots: ReadonlyMap<Storage, Slot>;
  readonly numbers: Int32Array<ArrayBuffer>;
  readonly uniform: GPUBuffer;
  /** Calls whose numbers change from run to run, each with the captured one, and the dispatches that hold them. */
  readonly renewals: readonly {
    readonly calls: readonly (readonly [Call, Call])[];
    readonly first: number;
    readonly keys: readonly string[];
  }[];
  /** How often storages had moved when it was written. */
  readonly moves: number;
  readonly arena: readonly GpuStorage[];
  readonly checks: boolean;
  /** Shaders that are still being compiled. */
  pending: number;
  stale: boolean;
  /** How often storages had moved when its operands were last bound. */
  bound: number;
}

/** Submits one run; `numbers`, where they changed. */
export function play(
  built: Built,
  sources: readonly (readonly [Slot, GpuStorage, number])[],
  numbers: Int32Array<ArrayBuffer> | null,
  timings: StepTiming[] | undefined,
): void {
  const { gpu, commands, uniform } = built;
  const { queue, device } = gpu;
  queue.settle();
  // Storages that moved since are bound anew.
  if (built.bound !== gpu.pool.moves) for (const c of commands) if (c.kind === 'dispatch') c.kept = [];
  built.bound = gpu.pool.moves;
  const aligned: GpuStorage[] = [];
  for (const [slot, storage, offset] of sources) {
    if (offset === 0) slot.place = storage;
    else {
      const copy = gpu.alloc(slot.bytes);
      queue.copy(storage, copy, Math.min(slot.bytes, storage.bytes - offset), offset);
      slot.place = copy;
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
      encoder.copyBufferToBuffer(c.from.buffer, c.from.at, c.to.buffer, c.to.at, (c.bytes + 3) & ~3);
      queue.counts.touched += 2 * c.bytes;
    } else if (c.kind === 'clear') encoder.clearBuffer(c.of.buffer, c.of.at, (c.of.bytes + 3) & ~3);
  });
  (pass as GPUComputePassEncoder | null)?.end();
  clock?.resolve(encoder);
  queue.flush();
  for (const s of aligned) s.release();
  if (clock !== null && timings !== undefined) gpu.timed = clock.into(timings, (buffer, bytes) => queue.read([{ buffer, at: 0, bytes }]));
}

function groupOf(gpu: GpuBackend, c: Dispatch, uniform: GPUBuffer): GPUBindGroup {
  const known = c.kept.find(({ places }) => c.outside.every((s, i) => s.buffer === places[i].buffer && s.at === places[i].at));
  if (known) return known.group;
  const group = gpu.queue.groupOf(c.form, c.bindings, uniform);
  c.kept = [{ places: c.outside.map(({ buffer, at }) => ({ buffer, at })), group }, ...c.kept.slice(0, KEPT - 1)];
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
