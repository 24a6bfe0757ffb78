// Random numbers: Philox4x32-10 by counter, element by element the numbers of the Wasm kernels.
import type { View } from '../../ts/backend.ts';
import type { DType } from '../../ts/base/dtype.ts';
import { sizeOf } from '../../ts/base/shape.ts';
import type { GpuKernel, KernelCall, Operand } from '../kernel.ts';
import { float, int, uint } from '../shader.ts';

const PHILOX = `
fn philox(lo: u32, hi: u32) -> vec4u {
  var c = vec4u(lo, hi, 0u, 0u);
  var k = vec2u(${uint(0)}, ${uint(1)});
  for (var i = 0; i < 10; i++) {
    let a = product_u32(c.x, 0xd2511f53u);
    let b = product_u32(c.z, 0xcd9e8d57u);
    c = vec4u(b.y ^ c.y ^ k.x, b.x, a.y ^ c.w ^ k.y, a.x);
    k = k + vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}
/** The block of lane e of group g. */
fn block_of(g: u32, e: u32) -> vec4u {
  let at = add_i64(vec2u(bitcast<u32>(${int(2)}), bitcast<u32>(${int(3)})), vec2u(g * 4u + e, 0u));
  return philox(at.x, at.y);
}
/** The bits of element i of float32 numbers, and the words of its pair. */
fn bits_of(i: u32) -> u32 { return block_of(i / 16u, i & 3u)[(i % 16u) / 4u]; }
fn wide_of(i: u32) -> vec2u { let b = block_of(i / 8u, i & 3u); if (i % 8u < 4u) { return b.xy; } return b.zw; }
fn unit_of(i: u32) -> f32 { return f32(bits_of(i) >> 8u) * 5.9604644775390625e-8; }`;

const BITS: Partial<Record<DType, number>> = { float32: 24, float16: 11, bfloat16: 8 };
// WGSL has u32() of a negative i32 wrap, so seeds above 2^31 keep their bits.
const START = `  if (t >= ${uint(4)}) { return; }`;

function source(text: string, floats: (attrs: Record<string, number>) => number[]): GpuKernel {
  return {
    run: (call) => {
      const [y] = call.outputs;
      const n = sizeOf(y.shape);
      const bits = BITS[call.attrs.dtype as DType] ?? 24;
      call.run(
        'draw',
        [{ name: 'y', view: y, writes: true }],
        { ints: [...head(call, n), bits], floats: floats(call.attrs) },
        n,
        `${START}\n${text}`,
        { more: PHILOX },
      );
    },
  };
}
function head(call: KernelCall, n: number): number[] {
  const { seedLo, seedHi, offsetLo, offsetHi } = call.attrs as Record<string, number>;
  return [seedLo | 0, seedHi | 0, offsetLo | 0, offsetHi | 0, n];
}
const [A, B] = [float(6), float(7)];
const halves = (x: number): [number, number] => [x | 0, Math.floor(x / 4294967296) | 0];
const whole = (call: KernelCall): Operand => ({ name: 'y', view: call.outputs[0], kind: 'i64', writes: true });

export const RANDOM: Readonly<Record<string, GpuKernel>> = {
  uniform: source(
    `  let u = f32(bits_of(t) >> (32u - ${uint(5)})) * bitcast<f32>((127u - ${uint(5)}) << 23u);
  let v = ${A} + (${B} - ${A}) * u;
  st_y(t, select(v, ${A}, v >= ${B}));`,
    ({ from = 0, to = 1 }) => [from, to],
  ),
  normal: source(
    `  let b = block_of(t / 16u, t & 3u);
  let w = (t % 16u) / 4u;
  let pair = select(b.xy, b.zw, w >= 2u);
  let u = (f32(pair.x) + 0.5) * 2.3283064365386963e-10;
  let angle = f32(pair.y) * 1.4629180792671596e-9;
  let r = sqrt(-2.0 * log_f32(u));
  st_y(t, ${A} + ${B} * (r * select(cos_f32(angle), sin_f32(angle), (w & 1u) == 1u)));`,
    ({ mean = 0, std = 1 }) => [mean, std],
  ),
  exponential: source(
    `  let u = f32(bits_of(t) >> (32u - ${uint(5)})) * bitcast<f32>((127u - ${uint(5)}) << 23u);\n  st_y(t, log_f32(1.0 - u) / -${A});`,
    ({ rate = 1 }) => [rate, 0],
  ),
  randint: {
    run: (call) => {
      const { low = 0, high } = call.attrs as { low?: number; high: number };
      const n = sizeOf(call.outputs[0].shape);
      const word = (k: number): string => `bitcast<u32>(${int(k)})`;
      const body = `${START}\n  st_y(t, add_i64(vec2u(${word(5)}, ${word(6)}), high_i64(wide_of(t), vec2u(${word(7)}, ${word(8)}))));`;
      call.run('randint', [whole(call)], { ints: [...head(call, n), ...halves(low), ...halves(high - low)] }, n, body, { more: PHILOX });
    },
  },
  randperm: {
    run: (call) => {
      const { n } = call.attrs as { n: number };
      const body = `  if (t > 0u) { return; }
  for (var i = 0u; i < ${uint(4)}; i++) {
    let j = high_i64(wide_of(i), vec2u(i + 1u, 0u)).x;
    if (j != i) { st_y(i, ld_y(j)); }
    st_y(j, vec2u(i, 0u));
  }`;
      call.run('randperm', [whole(call)], { ints: head(call, n) }, 1, body, { more: PHILOX });
    },
  },
  bernoulli: {
    run: (call) => {
      const p = call.inputs[0] as View;
      const n = sizeOf(p.shape);
      const operands: Operand[] = [
        { name: 'p', view: p },
        { name: 'y', view: call.outputs[0], writes: true },
      ];
      call.run('bernoulli', operands, { ints: head(call, n) }, n, `${START}\n  st_y(t, select(0.0, 1.0, unit_of(t) < ld_p(t)));`, {
        more: PHILOX,
      });
    },
  },
  dropout: {
    run: (call) => {
      const x = call.inputs[0] as View;
      const n = sizeOf(x.shape);
      const { p } = call.attrs as { p: number };
      const operands: Operand[] = [
        { name: 'x', view: x },
        { name: 'y', view: call.outputs[0], writes: true },
        { name: 'mask', view: call.outputs[1], writes: true },
      ];
      const body = `${START}
  let stays = unit_of(t) >= ${float(5)};
  st_y(t, select(0.0, ld_x(t) * ${float(6)}, stays));
  st_mask(t, select(0, 1, stays));`;
      call.run('dropout', operands, { ints: head(call, n), floats: [p, p === 1 ? 0 : 1 / (1 - p)] }, n, body, { more: PHILOX });
    },
  },
};
