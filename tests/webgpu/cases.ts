// The calls of each row, and the tolerances: results are float32 that drivers may contract, so they differ from Wasm's by some units.
import { CATEGORY, type DType } from '../../ts/base/dtype.ts';
import type { GpuInfo } from '../../ts/gpu/index.ts';
import { onWebgpu } from '../../ts/gpu/index.ts';
import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import type { KernelOp, MapOp } from '../../ts/ops/op.ts';
import { KERNELS, restart } from '../ops/samples.ts';
import { compare, type Tolerance } from './compare.ts';

export interface Case {
  readonly name: string;
  readonly run: () => Promise<void>;
  /** Whether its running on the host means that the device does not cover the row. */
  readonly counts: boolean;
}

const DEFAULT: Tolerance = { rtol: 2e-6, atol: 1e-6 };
/** Rows that need more: what is lost where terms cancel or an argument is reduced. */
const TOLERANCES: Readonly<Record<string, Tolerance>> = {
  pow: { rtol: 2e-5, atol: 1e-6 },
  lgamma: { rtol: 1e-5, atol: 1e-5 },
  digamma: { rtol: 1e-4, atol: 1e-4 },
  erfc: { rtol: 1e-4, atol: 1e-6 },
  erfinv: { rtol: 1e-5, atol: 1e-6 },
  exp2: { rtol: 1e-5, atol: 1e-6 },
  celu: { rtol: 1e-5, atol: 1e-6 },
  softplus: { rtol: 1e-5, atol: 1e-6 },
  logaddexp2: { rtol: 1e-5, atol: 1e-5 },
  normal: { rtol: 1e-5, atol: 1e-5 },
  exponential: { rtol: 1e-5, atol: 1e-5 },
};
const NARROW: Partial<Record<DType, number>> = { float16: 2e-3, bfloat16: 1.6e-2 };
const toleranceOf = (name: string, dtype: DType): Tolerance => {
  const own = TOLERANCES[name] ?? DEFAULT;
  const unit = NARROW[dtype];
  return unit === undefined ? own : { rtol: Math.max(own.rtol, unit), atol: Math.max(own.atol, unit / 10) };
};

const REAL = [0, -0, 1, -1, 0.5, -0.5, 2, -2, 3, -7, 10.25, -10.25, 0.001, 30, -40, Infinity, -Infinity, Number.NaN];
const WHOLE = [0, 1, -1, 2, -2, 3, -7, 31, 33, 100, -100];
/** Large angles, the nearest to a multiple of pi/2 among them. */
const ANGLES = [8193, 1e5, -123456.7, 1e9, 16367173 * 2 ** 72, -1e22, 2 ** 100, 1e30, -3.4e38, 2 ** 127];
const FEW = [0, 1, -1, 0.5, -2.5, 3, Infinity, Number.NaN];

/** Operands of a row in a dtype: special values against each other, and numbers drawn at random. */
function operands(op: MapOp, dtype: DType): Tensor[] {
  const all =
    CATEGORY[dtype] === 0
      ? [0, 1]
      : CATEGORY[dtype] === 1
        ? WHOLE
        : op.inputs.length === 3
          ? FEW
          : /^(sin|cos|tan)$/.test(op.name) && dtype === 'float32'
            ? [...REAL, ...ANGLES]
            : REAL;
  const columns: number[][] = op.inputs.map(() => []);
  const cross = (head: number[]): void => {
    if (head.length === op.inputs.length) head.forEach((v, i) => columns[i].push(v));
    else for (const v of all) cross([...head, v]);
  };
  cross([]);
  const generator = new wick.Generator(5);
  return columns.map((c) => {
    const spread = CATEGORY[dtype] === 2 ? 4 : CATEGORY[dtype] === 1 ? 50 : 1;
    const more = Array.from(wick.rand([61], { dtype: 'float64', generator }).dataSync() as Float64Array, (v) =>
      CATEGORY[dtype] === 2 ? (2 * v - 1) * spread : Math.round(dtype === 'uint8' || dtype === 'bool' ? v * spread : (2 * v - 1) * spread),
    );
    const values = [...c, ...more].map((v) => (dtype === 'uint8' ? Math.abs(v) : v));
    return wick.tensor(values, { dtype });
  });
}

const DTYPES: readonly DType[] = ['float32', 'int32', 'bool', 'float16', 'bfloat16', 'int64', 'int16', 'int8', 'uint8'];
const call = (op: MapOp, x: readonly Tensor[]): Tensor => wick.callMap(op, x);

/** Calls of an elementwise row: every dtype that it takes, forward; float32 also with strides, broadcast, and its derivative. */
export function mapCases(op: MapOp): Case[] {
  const cases: Case[] = op.dtypes
    .filter((d) => DTYPES.includes(d))
    .map((dtype) => ({
      name: `${op.name} ${dtype}`,
      counts: dtype === 'float32' || (dtype === 'int32' && !op.dtypes.includes('float32')),
      run: async () => {
        const x = operands(op, dtype).map((v, i) => (op.masks.includes(i) ? v.ne(0) : v));
        await compare(
          'result',
          call(
            op,
            x.map((t) => t.to('webgpu')),
          ),
          call(op, x),
          toleranceOf(op.name, dtype),
        );
      },
    }));
  const dtype = op.dtypes.includes('float32') ? 'float32' : 'int32';
  cases.push({
    name: `${op.name} of strides`,
    counts: false,
    run: async () => {
      const generator = new wick.Generator(3);
      const draw = (shape: number[]): Tensor => wick.rand(shape, { generator }).mul(5).add(0.5).to(dtype);
      // The same views of tensors on either device: turned, broadcast, every other element.
      const views: ((t: Tensor) => Tensor)[] = [(t) => t.permute([2, 1, 0]), (t) => t, (t) => t.slice(1, 0, 6, 2).slice(2, 1, 8, 2)];
      const bases = [draw([4, 3, 2]), draw([3, 1]), draw([2, 6, 8])]
        .slice(0, op.inputs.length)
        .map((v, i) => (op.masks.includes(i) ? v.gt(2) : v));
      const made = bases.map((t, i) => views[i](t));
      const there = bases.map((t, i) => views[i](t.to('webgpu')));
      await compare('result', call(op, there), call(op, made), toleranceOf(op.name, dtype));
    },
  });
  if (op.vjp !== null && dtype === 'float32') {
    cases.push({
      name: `${op.name} derivative`,
      counts: false,
      run: async () => {
        const generator = new wick.Generator(9);
        const x = op.inputs.map((_, i) => {
          const v = wick
            .rand([3, 7], { generator })
            .mul(0.8)
            .add(0.1 + (op.name === 'acosh' ? 1 : 0) + (op.name === 'zeta' && i === 0 ? 1.5 : 0));
          return op.masks.includes(i) ? v.gt(0.5) : v;
        });
        await gradients(op.name, x, (t) => [call(op, t)], toleranceOf(op.name, 'float32'));
      },
    });
  }
  return cases;
}

export type Make = (inputs: Tensor[]) => readonly Tensor[];
/** Results and gradients on both devices. */
export async function gradients(name: string, inputs: readonly (Tensor | null)[], make: Make, tolerance: Tolerance): Promise<void> {
  const leaf = (t: Tensor): boolean => CATEGORY[t.dtype] === 2 && t.dtype === 'float32';
  const sides = [true, false].map((gpu) => {
    const x = inputs.map((t) => {
      if (t === null) return null;
      const own = gpu ? t.to('webgpu') : t.clone();
      return leaf(t) ? own.requiresGrad_() : own;
    });
    const outs = make(x as Tensor[]);
    return { x, outs };
  });
  const [there, here] = sides;
  for (let i = 0; i < here.outs.length; i++) await compare(`result ${i}`, there.outs[i].detach(), here.outs[i].detach(), tolerance);
  for (const { outs } of sides) {
    const first = outs.filter((y) => y.requiresGrad)[0];
    if (!first) continue;
    const weights = wick
      .rand([...first.shape], { generator: new wick.Generator(2) })
      .add(0.5)
      .to(first.dtype);
    first
      .mul(first.device === 'webgpu' ? weights.to('webgpu') : weights)
      .sum()
      .backward();
  }
  for (let i = 0; i < here.x.length; i++) {
    const [a, b] = [there.x[i]?.grad, here.x[i]?.grad];
    if (!b) continue;
    if (!a) throw new Error(`gradient ${i} of ${name} is missing`);
    await compare(`gradient ${i}`, a, b, { rtol: tolerance.rtol * 10, atol: tolerance.atol * 10 });
  }
}

/** float64 samples as float32. */
const single = (t: Tensor | null): Tensor | null => (t !== null && t.dtype === 'float64' ? t.to('float32') : t);

/** The samples of a row with a kernel, in float32, forward and derivative. */
export function kernelCases(op: KernelOp): Case[] {
  const samples = KERNELS[op.name];
  if (samples === undefined) throw new Error(`${op.name} has no samples`);
  restart();
  return samples().map(({ inputs, attrs }, k) => ({
    name: `${op.name} ${k}`,
    counts: true,
    run: async () => {
      const own = { ...attrs, ...(attrs.dtype === 'float64' ? { dtype: 'float32' } : {}) };
      const x = inputs.map(single);
      const make = (t: readonly (Tensor | null)[]): readonly Tensor[] => {
        const gpu = t.some((v) => v?.device === 'webgpu') || (t.length === 0 && place);
        const outs = gpu ? onWebgpu(() => wick.callKernel(op, t as Tensor[], own)) : wick.callKernel(op, t as Tensor[], own);
        return op.mutates
          ? t.filter((v, i): v is Tensor => v !== null && (op.mutates as readonly string[]).includes(op.inputs[i].replace('?', '')))
          : outs;
      };
      let place = false;
      const tolerance = toleranceOf(op.name, 'float32');
      if (op.mutates || inputs.length === 0) {
        const here = make(x.map((t) => (t === null ? null : t.clone())));
        place = true;
        const there = make(x.map((t) => (t === null ? null : t.to('webgpu'))));
        for (let i = 0; i < here.length; i++) await compare(`result ${i}`, there[i], here[i], tolerance);
      } else await gradients(op.name, x, make, tolerance);
    },
  }));
}
export type { GpuInfo };
