// Commands of the device: dispatches gather in one encoder, which is submitted when something is read or the numbers of its dispatches are full.

/** Words of a dispatch's numbers, and dispatches of a batch. */
export const WORDS = 64;
const BATCH = 256;
const UNIFORM = 0x40;
const COPY_DST = 0x8;
const MAP_READ = 0x1;
export const GROUP = 64;
const MOST_GROUPS = 65535;

/** What is part of a buffer when commands run. */
export interface Buffered {
  readonly buffer: GPUBuffer;
  /** Where it begins, in bytes. */
  readonly at: number;
  readonly bytes: number;
  /** The same for all that share the buffer. */
  readonly home: object;
}
/** One operand of a dispatch, and whether the shader writes it. */
export interface Binding {
  readonly of: Buffered;
  readonly writes: boolean;
  /** Bytes of it that the shader reads or writes, where not all. */
  readonly touches?: number;
}
/** Bindings as a shader may have them: what shares a buffer with something written has to be bound for writing too. */
export function bound(bindings: readonly Binding[]): readonly Binding[] {
  const written = new Set(bindings.filter((b) => b.writes).map((b) => b.of.home));
  return bindings.map((b) => (b.writes || !written.has(b.of.home) ? b : { ...b, writes: true }));
}
/** Takes commands: the queue for now, a plan for its runs. */
export interface Sink {
  /** `groups` workgroups of a shader, which `source` prints where its key is new, over operands and numbers. */
  dispatch(key: string, source: () => string, bindings: readonly Binding[], numbers: ArrayLike<number>, groups: number): void;
  copy(from: Buffered, to: Buffered, bytes: number): void;
  clear(x: Buffered): void;
}

const floats = new Float32Array(1);
const bits = new Int32Array(floats.buffer);
/** A float32 as the integer of its bits. */
export function bitsOf(x: number): number {
  floats[0] = x;
  return bits[0];
}

/** Counts since the start. */
export interface Counts {
  dispatches: number;
  submits: number;
  /** Shaders compiled. */
  pipelines: number;
  /** Bytes that came from the device, and that went there; the numbers of dispatches apart. */
  read: number;
  written: number;
  /** Bytes of the operands of dispatches and of copies between buffers. */
  touched: number;
}

/** How the operands of a dispatch are bound: a letter each. */
export const formOf = (bindings: readonly Binding[]): string => bindings.map((b) => (b.writes ? 'w' : 'r')).join('');
export const bytesOf = (bindings: readonly Binding[]): number => bindings.reduce((sum, { of, touches }) => sum + (touches ?? of.bytes), 0);
/** The words of an operand; where it has none, some of its buffer. */
const rangeOf = ({ buffer, at, bytes }: Buffered): GPUBufferBinding => ({ buffer, offset: at, size: Math.max(16, (bytes + 3) & ~3) });
export function dispatchGroups(pass: GPUComputePassEncoder, groups: number): void {
  const x = Math.min(groups, MOST_GROUPS);
  pass.dispatchWorkgroups(x, Math.ceil(groups / x));
}

/** The device's queue. */
export class Queue implements Sink {
  readonly counts: Counts = { dispatches: 0, submits: 0, pipelines: 0, read: 0, written: 0, touched: 0 };
  readonly device: GPUDevice;
  private readonly numbers = new Int32Array(WORDS * BATCH);
  private readonly uniform: GPUBuffer;
  private readonly pipelines = new Map<string, GPUComputePipeline>();
  private readonly coming = new Map<string, Promise<void>>();
  private readonly layouts = new Map<string, GPUBindGroupLayout>();
  private encoder: GPUCommandEncoder | null = null;
  private pass: GPUComputePassEncoder | null = null;
  private used = 0;
  private held: (() => void) | null = null;
  private readonly handedOver: () => void;

  /** `handedOver` is told whenever the device got all commands. */
  constructor(device: GPUDevice, handedOver: () => void) {
    this.device = device;
    this.handedOver = handedOver;
    this.uniform = device.createBuffer({ size: this.numbers.byteLength, usage: UNIFORM | COPY_DST });
  }

  dispatch(key: string, source: () => string, bindings: readonly Binding[], numbers: ArrayLike<number>, groups: number): void {
    if (groups === 0) return;
    this.settle();
    if (this.used === BATCH) this.flush();
    const form = formOf(bindings);
    const pipeline = this.pipelineOf(form, key, source);
    const at = this.used++ * WORDS;
    this.numbers.set(numbers, at);
    const group = this.groupOf(form, bindings, this.uniform);
    this.encoder ??= this.device.createCommandEncoder();
    this.pass ??= this.encoder.beginComputePass();
    this.pass.setPipeline(pipeline);
    this.pass.setBindGroup(0, group, [at * 4]);
    dispatchGroups(this.pass, groups);
    this.counts.dispatches++;
    this.counts.touched += bytesOf(bindings);
  }
  groupOf(form: string, bindings: readonly Binding[], numbers: GPUBuffer): GPUBindGroup {
    return this.device.createBindGroup({
      layout: this.layoutOf(form),
      entries: [
        { binding: 0, resource: { buffer: numbers, size: WORDS * 4 } },
        ...bindings.map(({ of }, i) => ({ binding: i + 1, resource: rangeOf(of) })),
      ],
    });
  }
  /** The pipeline of a shader, made where it is not there yet. */
  pipelineOf(form: string, key: string, source: () => string): GPUComputePipeline {
    const name = `${form}|${key}`;
    let pipeline = this.pipelines.get(name);
    if (pipeline === undefined) {
      pipeline = this.device.createComputePipeline(this.described(form, key, source));
      this.pipelines.set(name, pipeline);
      this.counts.pipelines++;
    }
    return pipeline;
  }
  /** Compiles a shader behind the program's back; null: it is there. */
  prepare(form: string, key: string, source: () => string): Promise<void> | null {
    const name = `${form}|${key}`;
    if (this.pipelines.has(name)) return null;
    let coming = this.coming.get(name);
    if (coming === undefined) {
      coming = this.device.createComputePipelineAsync(this.described(form, key, source)).then(
        (pipeline) => {
          this.coming.delete(name);
          if (this.pipelines.has(name)) return;
          this.pipelines.set(name, pipeline);
          this.counts.pipelines++;
        },
        // The first run meets the same error and reports it.
        () => void this.coming.delete(name),
      );
      this.coming.set(name, coming);
    }
    return coming;
  }
  /** When the shaders that are being compiled are there. */
  async ready(): Promise<void> {
    await Promise.all(this.coming.values());
  }
  private described(form: string, key: string, source: () => string): GPUComputePipelineDescriptor {
    return {
      label: key.slice(0, 80),
      layout: this.device.createPipelineLayout({ bindGroupLayouts: [this.layoutOf(form)] }),
      compute: { module: this.device.createShaderModule({ code: source(), label: key.slice(0, 80) }), entryPoint: 'main' },
    };
  }
  private layoutOf(form: string): GPUBindGroupLayout {
    let layout = this.layouts.get(form);
    if (layout === undefined) {
      layout = this.device.createBindGroupLayout({
        entries: [
          { binding: 0, visibility: 4, buffer: { type: 'uniform', hasDynamicOffset: true, minBindingSize: WORDS * 4 } },
          ...Array.from(form, (c, i) => ({
            binding: i + 1,
            visibility: 4,
            buffer: { type: (c === 'w' ? 'storage' : 'read-only-storage') as GPUBufferBindingType },
          })),
        ],
      });
      this.layouts.set(form, layout);
    }
    return layout;
  }

  copy(from: Buffered, to: Buffered, bytes: number, at = 0): void {
    this.outside().copyBufferToBuffer(from.buffer, from.at + at, to.buffer, to.at, (bytes + 3) & ~3);
    this.counts.touched += 2 * bytes;
  }
  clear(x: Buffered): void {
    this.outside().clearBuffer(x.buffer, x.at, (x.bytes + 3) & ~3);
  }
  /** The encoder of the next submission, between passes. */
  outside(): GPUCommandEncoder {
    this.settle();
    this.pass?.end();
    this.pass = null;
    this.encoder ??= this.device.createCommandEncoder();
    return this.encoder;
  }

  /** Overwrites bytes from `from` (a multiple of 4) on, in the order of commands. */
  write(to: Buffered, from: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.flush();
    const { buffer } = to;
    const at = to.at + from;
    this.counts.written += bytes.length;
    const whole = bytes.length & ~3;
    if (whole > 0) this.device.queue.writeBuffer(buffer, at, bytes, 0, whole);
    if (whole === bytes.length) return;
    const rest = new Uint8Array(4);
    rest.set(bytes.subarray(whole));
    this.device.queue.writeBuffer(buffer, at + whole, rest);
  }

  /** Bytes of buffers when all commands so far are done, in one trip. */
  async read(
    parts: readonly { readonly buffer: GPUBuffer; readonly at: number; readonly bytes: number }[],
  ): Promise<Uint8Array<ArrayBuffer>[]> {
    const sizes = parts.map((p) => (p.bytes + (p.at & 3) + 3) & ~3);
    const total = sizes.reduce((a, b) => a + b, 0);
    const staging = this.device.createBuffer({ size: Math.max(4, total), usage: MAP_READ | COPY_DST });
    const encoder = this.outside();
    let place = 0;
    parts.forEach(({ buffer, at }, i) => {
      if (sizes[i] > 0) encoder.copyBufferToBuffer(buffer, at & ~3, staging, place, sizes[i]);
      place += sizes[i];
    });
    this.flush();
    try {
      await staging.mapAsync(1);
      this.counts.read += total;
      const all = new Uint8Array(staging.getMappedRange());
      place = 0;
      return parts.map(({ at, bytes }, i) => {
        const start = place + (at & 3);
        place += sizes[i];
        return all.slice(start, start + bytes);
      });
    } finally {
      staging.destroy();
    }
  }

  /** Lets commands that are not written yet wait for the next one; they are written before it. */
  hold(write: () => void): void {
    this.settle();
    this.held = write;
  }
  /** Writes what is held. */
  settle(): void {
    const write = this.held;
    this.held = null;
    write?.();
  }
  /** Hands what was gathered to the device. */
  flush(): void {
    this.settle();
    if (this.encoder === null) return;
    this.pass?.end();
    if (this.used > 0) this.device.queue.writeBuffer(this.uniform, 0, this.numbers, 0, this.used * WORDS);
    this.device.queue.submit([this.encoder.finish()]);
    this.counts.submits++;
    this.encoder = null;
    this.pass = null;
    this.used = 0;
    this.handedOver();
  }
}
