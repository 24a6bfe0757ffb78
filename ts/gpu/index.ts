// WebGPU beside Wasm: importing this lets `gpu()` of the root turn it on. Work goes where its data is.
import { GpuBackend } from '../../gpu/backend.ts';
import { type AdapterInfo, request } from '../../gpu/device.ts';
import { GpuProgram } from '../../gpu/program.ts';
import type { Counts } from '../../gpu/queue.ts';
import {
  type AcceleratorStats,
  type Backend,
  type Call,
  type Input,
  type Planned,
  type Program,
  type Rounding,
  type StepTiming,
  type Storage,
  setAccelerator,
  type View,
} from '../backend.ts';
import { type DType, SIZE } from '../base/dtype.ts';
import { DeviceError, StateError } from '../base/errors.ts';
import { show, sizeOf } from '../base/shape.ts';
import type { Attrs, MapOp, Op } from '../ops/op.ts';
import { TABLE } from '../ops/table.ts';
import { contiguousCopy } from '../tensor/call.ts';
import { setBackend, type Tensor, TensorCore } from '../tensor/core.ts';
import { isGradEnabled } from '../tensor/node.ts';
import type { Plan } from '../tensor/plan.ts';
import { record, tracked } from '../tensor/tape.ts';

const copy = TABLE.copy as MapOp;
function onGpu(x: unknown): boolean {
  if (typeof x !== 'object' || x === null) return false;
  const { storage } = x as View;
  return storage.device === 'webgpu' || (storage as Planned).home === 'webgpu';
}

/** Sends each op to the device that holds its operands. */
class Router implements Backend {
  readonly device = 'wasm';
  readonly routes = true;
  readonly host: Backend;
  gpu: GpuBackend;
  minFlops = Infinity;
  /** Where tensors made of nothing lie. */
  fresh: 'wasm' | 'webgpu' = 'wasm';

  constructor(host: Backend, gpu: GpuBackend) {
    this.host = host;
    this.gpu = gpu;
  }
  get math(): Rounding | undefined {
    return this.host.math;
  }
  alloc(bytes: number, op?: Op, inputs: readonly unknown[] = [], attrs: Attrs = {}): Storage {
    const here =
      inputs.some(onGpu) ||
      (inputs.length === 0 && this.fresh === 'webgpu') ||
      (op !== undefined && this.large(op, inputs as readonly Input[], attrs));
    return here ? this.gpu.alloc(bytes) : this.host.alloc(bytes);
  }
  /** Whether the work of an op on wasm is worth the way. */
  private large(op: Op, inputs: readonly Input[], attrs: Attrs): boolean {
    return this.minFlops < Infinity && flops(op, inputs) >= this.minFlops && !this.gpu.lost && this.gpu.takes(op, inputs, attrs);
  }
  run(op: Op, inputs: readonly Input[], attrs: Attrs, outputs: readonly View[]): void {
    (inputs.some(onGpu) || outputs.some(onGpu) ? this.gpu : this.host).run(op, inputs, attrs, outputs);
  }
  runDense(op: MapOp, a: View, b: Input, c: Input, dtype: DType, out: View, n: number): void {
    if ([a, b, c, out].some(onGpu)) this.gpu.run(op, [a, b, c].slice(0, op.inputs.length), { dtype }, [out]);
    else this.host.runDense(op, a, b, c, dtype, out, n);
  }
  /** A plan is the host's where nothing of it is on the GPU. */
  program(calls: readonly Call[], inputs: readonly Storage[], outputs: readonly Storage[]): Program {
    const here = calls.some((c) => [...c.inputs, ...c.outputs].some(onGpu));
    if (!here) return (this.host.program as NonNullable<Backend['program']>)(calls, inputs, outputs);
    const router = this;
    return new GpuProgram(
      {
        get gpu() {
          return router.gpu;
        },
        run: ({ op, inputs, attrs, outputs }) => this.run(op, inputs, attrs, outputs),
        alloc: (bytes, storage, inputs) => this.alloc(bytes, undefined, [{ storage }, ...inputs]),
      },
      calls,
      inputs,
      outputs,
    );
  }
  readSync(view: View): Uint8Array {
    if (onGpu(view)) throw new DeviceError("the data is on webgpu; use the form without Sync or await x.to('wasm')");
    return this.host.readSync(view);
  }
  read(view: View): Promise<Uint8Array> {
    return onGpu(view) ? this.gpu.read(view) : this.host.read(view);
  }
  write(view: View, bytes: Uint8Array): void {
    (onGpu(view) ? this.gpu : this.host).write(view, bytes);
  }
  lend(storage: Storage, readers: 1 | -1): Uint8Array {
    if (storage.device === 'webgpu') throw new DeviceError("share: the data is on webgpu; await x.to('wasm') first");
    return (this.host.lend as NonNullable<Backend['lend']>)(storage, readers);
  }
  move(x: Tensor, device: string, through: Backend = this): Tensor | Promise<Tensor> | undefined {
    if (device === 'webgpu') return toGpu(this, x, through);
    return device === 'wasm' ? toHost(this, x) : undefined;
  }
}

/** Multiplications and additions of products and convolutions; elements of anything else. */
function flops(op: Op, inputs: readonly Input[]): number {
  const [a, b] = inputs as readonly View[];
  if (a === undefined || typeof a !== 'object') return 0;
  const n = sizeOf(a.shape);
  if (op.name === 'matmul') return 2 * n * b.shape[b.shape.length - 1];
  if (op.name === 'linear') return 2 * n * b.shape[0];
  if (op.name.startsWith('convolution')) return (2 * n * sizeOf(b.shape)) / Math.max(1, a.shape[1]);
  return n;
}

function alive(x: Tensor): void {
  if (x.disposed || x.storage.refs <= 0) throw new StateError(`to: the tensor of shape ${show(x.shape)} was disposed`);
}
function placed(x: Tensor, storage: Storage): Tensor {
  const dense = x.rowMajor;
  const y = new TensorCore(storage, 0, x.shape, dense ? x.strides : rowMajor(x), x.dtype, true) as Tensor;
  if (isGradEnabled() && tracked(x)) record(copy, [x], { dtype: x.dtype }, [y]);
  return y;
}
function rowMajor({ shape }: Tensor): readonly number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let d = shape.length - 2; d >= 0; d--) strides[d] = strides[d + 1] * Math.max(1, shape[d + 1]);
  return strides;
}
function toGpu(router: Router, x: Tensor, through: Backend): Tensor {
  alive(x);
  const bytes = sizeOf(x.shape) * SIZE[x.dtype];
  if (through !== router) {
    // A plan in the making: it notes a copy.
    const y = placed(x, through.alloc(bytes, undefined, [HERE]));
    through.run(copy, [x], { dtype: x.dtype }, [y]);
    return y;
  }
  const dense = x.rowMajor ? x : contiguousCopy(x.detach());
  const y = placed(x, router.gpu.alloc(bytes));
  if (x.numel > 0) router.gpu.write(y, router.host.readSync(dense));
  if (dense !== x) dense.dispose();
  return y;
}
/** Stands for an operand on the GPU where memory is asked for. */
const HERE = { storage: { device: 'webgpu' } };
async function toHost(router: Router, x: Tensor): Promise<Tensor> {
  alive(x);
  const dense = x.rowMajor ? x : contiguousCopy(x.detach());
  const bytes = await router.gpu.read(dense);
  if (dense !== x) dense.dispose();
  const y = placed(x, router.host.alloc(bytes.length));
  if (bytes.length > 0) router.host.write(y, bytes);
  return y;
}

let router: Router | null = null;
let adapter: AdapterInfo | null = null;
/** What the device came from: Dawn's objects end with it. */
let source: unknown = null;

setAccelerator({
  async start(host: Backend, { minFlops = Infinity, gpu }: { minFlops?: number; gpu?: unknown }): Promise<void> {
    if (router === null || router.gpu.lost) {
      const found = await request((gpu ?? source ?? undefined) as GPU | undefined);
      adapter = found.adapter;
      source = gpu ?? source;
      const backend = new GpuBackend(found.device, host);
      if (router === null) {
        router = new Router(host, backend);
        setBackend(router);
      } else router.gpu = backend;
    }
    router.minFlops = minFlops;
  },
  stats(): AcceleratorStats {
    const { buffers = 0, bytes = 0, spare = 0 } = router?.gpu.pool ?? {};
    return { buffers, bytes, spare };
  },
  info(): GpuInfo | undefined {
    if (router === null || adapter === null) return undefined;
    const { gpu, minFlops } = router;
    return { adapter, lost: gpu.pool.lost, minFlops, onWasm: Object.fromEntries(gpu.elsewhere), counts: { ...gpu.counts } };
  },
});

/** What `gpu()` resolves to and `info().gpu` holds. */
export interface GpuInfo {
  readonly adapter: AdapterInfo;
  /** Why the device is gone; null: it is there. */
  readonly lost: string | null;
  readonly minFlops: number;
  /** Ops on GPU data that ran on Wasm, each with the reason. */
  readonly onWasm: Readonly<Record<string, string>>;
  /** Dispatches, submits, pipelines, bytes read and written, since the start. */
  readonly counts: Readonly<Counts>;
}
export type { AdapterInfo, Counts };

function running(name: string): Router {
  if (router === null) throw new DeviceError(`${name}: WebGPU is not on; await gpu() first`);
  return router;
}
/**
 * Runs fn with new tensors (zeros, rand, arange, ...) made on the GPU.
 * @throws DeviceError before gpu() @example onWebgpu(() => zeros([2, 2])).device // 'webgpu', after await gpu()
 */
export function onWebgpu<T>(fn: () => T): T {
  const own = running('onWebgpu');
  const before = own.fresh;
  own.fresh = 'webgpu';
  try {
    return fn();
  } finally {
    own.fresh = before;
  }
}
/**
 * Resolves when the shaders of plans are compiled; until then their calls run one by one. @throws DeviceError before gpu()
 * @example await shadersReady()
 */
export async function shadersReady(): Promise<void> {
  await running('shadersReady').gpu.queue.ready();
}
/**
 * Runs a plan on the GPU once and resolves to what each dispatch took, by timestamp queries; milliseconds are NaN where the device has none.
 * Fused calls are one step; its results are freed, what it changes in place is changed.
 * @throws ValueError for arguments that it was not captured for, DeviceError before gpu() @example await profileOnGpu(step.plans[0], x, y)
 */
export async function profileOnGpu(plan: Plan, ...args: readonly unknown[]): Promise<StepTiming[]> {
  const { gpu } = running('profileOnGpu');
  const timings = plan.profile(...args);
  await gpu.timed;
  return timings;
}
/** Gives the device back; tensors whose data was only there say so, and `gpu()` starts another. @throws DeviceError before gpu() */
export function destroyGpu(): void {
  running('destroyGpu').gpu.destroy();
}
/**
 * Tensors by name, such as a state dict, on Wasm: each as it is, or once its data has come. Saving wants them there.
 * @example save(await toWasm(model.stateDict()))
 */
export async function toWasm(tensors: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const moved = await Promise.all(Object.values(tensors).map((x) => x.to('wasm')));
  return Object.fromEntries(Object.keys(tensors).map((name, i) => [name, moved[i]]));
}
