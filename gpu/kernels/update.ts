// Optimiser steps, in place: torch.optim's formulas in their order of operations, an element by a thread.
import type { View } from '../../ts/backend.ts';
import { sizeOf } from '../../ts/base/shape.ts';
import type { GpuKernel, Operand } from '../kernel.ts';
import { float, uint } from '../shader.ts';

export type Attrs = Readonly<Record<string, number | boolean | undefined>>;
/** How one optimizer moves a parameter. */
export interface Step {
  /** Its states, behind parameter and gradient. */
  readonly states: readonly string[];
  /** Numbers of the shader from the attributes; the first one is number 1. */
  readonly floats: (a: Attrs) => readonly number[];
  /** What the attributes choose, as part of the shader's name, and its text with `x` the parameter and `d` the gradient. */
  readonly text: (a: Attrs, has: (state: string) => boolean) => string;
}
const F = (k: number): string => float(1 + k);
const num = (x: unknown, other: number): number => Number(x ?? other);
export const LERP = `fn lerp_f32(a: f32, b: f32, w: f32) -> f32 { let d = b - a; return select(b - d * (1.0 - w), a + w * d, w < 0.5); }`;

/** What steps of one form share: a shader's name, and its text for element t, which reads and writes operands by name. */
export function stepOf(step: Step, attrs: Attrs, has: (state: string) => boolean): { readonly name: string; readonly text: string } {
  const decays = num(attrs.weightDecay, 0) !== 0 && !attrs.decoupled;
  const text = `  var x = ld_p(t);
  var d = ${attrs.maximize ? '-' : ''}ld_grad(t);
  ${decays ? `d = d + ${F(0)} * x;` : ''}
${step.text(attrs, has)}`;
  return { name: `${step.states.filter(has)}${Object.values(attrs).filter((v) => typeof v === 'boolean')}${decays}`, text };
}
/** The shader's numbers from 1 on. */
export const floatsOf = (step: Step, attrs: Attrs): readonly number[] => [num(attrs.weightDecay, 0), ...step.floats(attrs)];

function update(step: Step): GpuKernel {
  return {
    run: (call) => {
      const attrs = call.attrs as Attrs;
      const views = call.inputs as readonly (View | null)[];
      const operands: Operand[] = [
        { name: 'p', view: views[0] as View, writes: true },
        { name: 'grad', view: views[1] as View },
      ];
      step.states.forEach((name, i) => {
        const view = views[2 + i];
        if (view) operands.push({ name, view, writes: true });
      });
      const n = sizeOf((views[0] as View).shape);
      const { name, text } = stepOf(step, attrs, (state) => operands.some((o) => o.name === state));
      call.run(name, operands, { ints: [n], floats: floatsOf(step, attrs) }, n, `  if (t >= ${uint(0)}) { return; }\n${text}`, {
        more: LERP,
      });
    },
  };
}

export const STEPS: Readonly<Record<string, Step>> = {
  sgdStep: {
    states: ['buffer'],
    floats: (a) => [-num(a.lr, 0), num(a.momentum, 0), 1 - num(a.dampening, 0)],
    text: (a, has) =>
      `${has('buffer') ? `  let m = ${a.first ? 'd' : `ld_buffer(t) * ${F(2)} + ${F(3)} * d`};\n  st_buffer(t, m);\n  d = ${a.nesterov ? `d + ${F(2)} * m` : 'm'};\n` : ''}  st_p(t, x + ${F(1)} * d);`,
  },
  adamStep: {
    states: ['m', 'v', 'vmax'],
    floats: (a) => {
      const lr = num(a.lr, 0);
      const [beta1, beta2] = [num(a.beta1, 0.9), num(a.beta2, 0.999)];
      return [
        1 - beta1,
        beta2,
        1 - beta2,
        num(a.eps, 1e-8),
        -(lr / num(a.biasCorrection1, 1)),
        Math.sqrt(num(a.biasCorrection2, 1)),
        1 - lr * num(a.weightDecay, 0),
      ];
    },
    text: (a, has) => `${a.decoupled ? `  x = x * ${F(7)};\n` : ''}  let mean = lerp_f32(ld_m(t), d, ${F(1)});
  var square = ld_v(t) * ${F(2)} + (${F(3)} * d) * d;
  st_m(t, mean);
  st_v(t, square);
${has('vmax') ? '  square = max_f32(ld_vmax(t), square);\n  st_vmax(t, square);\n' : ''}  st_p(t, x + (${F(5)} * mean) / (sqrt(square) / ${F(6)} + ${F(4)}));`,
  },
  rmspropStep: {
    states: ['v', 'mean', 'buffer'],
    floats: (a) => [num(a.alpha, 0.99), 1 - num(a.alpha, 0.99), num(a.eps, 1e-8), -num(a.lr, 0), num(a.momentum, 0)],
    text: (_, has) => `  var square = ld_v(t) * ${F(1)} + (${F(2)} * d) * d;
  st_v(t, square);
${has('mean') ? `  let a = lerp_f32(ld_mean(t), d, ${F(2)});\n  st_mean(t, a);\n  square = square - a * a;\n` : ''}  let deviation = sqrt(square) + ${F(3)};
${has('buffer') ? `  let b = ld_buffer(t) * ${F(5)} + d / deviation;\n  st_buffer(t, b);\n  st_p(t, x + ${F(4)} * b);` : `  st_p(t, x + (${F(4)} * d) / deviation);`}`,
  },
  adagradStep: {
    states: ['sum'],
    floats: (a) => [num(a.eps, 1e-10), -num(a.lr, 0)],
    text: () => `  let total = ld_sum(t) + d * d;\n  st_sum(t, total);\n  st_p(t, x + (${F(2)} * d) / (sqrt(total) + ${F(1)}));`,
  },
};

export const UPDATE: Readonly<Record<string, GpuKernel>> = Object.fromEntries(
  Object.entries(STEPS).map(([name, step]) => [name, update(step)]),
);
