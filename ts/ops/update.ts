// Optimiser steps: one fused pass over a parameter, its gradient and its state, all written in place.
// The formulas are torch.optim's, operation by operation; rates and corrections are numbers of the step.
import type { DType } from '../base/dtype.ts';
import { DTypeError, ShapeError } from '../base/errors.ts';
import { sameShape, show, sizeOf } from '../base/shape.ts';
import { type KernelOp, kernel, type Meta } from './op.ts';
import { tilesOf } from './strided.ts';

type Numbers = Readonly<Record<string, number | boolean | undefined>>;

interface Step {
  readonly doc: string;
  /** Names of the states after p and grad; ? marks optional ones. */
  readonly states: readonly string[];
  readonly flags: readonly string[];
  /** Numbers with their defaults; null: required. */
  readonly numbers: Readonly<Record<string, number | null>>;
}

function update(name: string, { doc, states, flags, numbers }: Step): KernelOp {
  const inputs = ['p', 'grad', ...states];
  const floats = Object.keys(numbers);
  return kernel({
    doc,
    inputs,
    outputs: [],
    attrs: Object.fromEntries([
      ...floats.map((k) => [numbers[k] === null ? k : `${k}?`, 'number']),
      ...flags.map((k) => [`${k}?`, 'boolean']),
    ]),
    infer: (given) => {
      const p = given[0];
      if (p.dtype !== 'float32' && p.dtype !== 'float64')
        throw new DTypeError(`${name}: a parameter of dtype ${p.dtype}; keep parameters in float32 or float64`);
      given.forEach((x: Meta | null, i) => {
        if (!x) return;
        const label = inputs[i].replace('?', '');
        if (!sameShape(x.shape, p.shape))
          throw new ShapeError(`${name}: ${label} ${show(x.shape)} for a parameter ${show(p.shape)}; they must be equal`);
        if (i > 1 && x.dtype !== p.dtype)
          throw new DTypeError(`${name}: ${label} of dtype ${x.dtype} for a parameter of ${p.dtype}; make the state anew`);
      });
      return [];
    },
    loads: ([p]) => inputs.map((): DType => p.dtype),
    mutates: inputs.filter((_, i) => i !== 1).map((n) => n.replace('?', '')),
    ints: ['n', ...flags],
    floats,
    lower: ([p], _, attrs: Numbers) => {
      const n = sizeOf((p as Meta).shape);
      return {
        ints: [n, ...flags.map((k) => (attrs[k] ? 1 : 0))],
        floats: floats.map((k) => Number(attrs[k] ?? numbers[k])),
        tiles: n === 0 ? [] : [tilesOf(n)],
      };
    },
    kernel: { file: 'update', name },
    vjp: null,
  });
}

/** Stochastic gradient descent; `first`: the momentum buffer starts as the gradient. @throws ShapeError, DTypeError */
export const sgdStep: KernelOp = update('sgdStep', {
  doc: 'A step of stochastic gradient descent, in place.',
  states: ['momentumBuffer?'],
  flags: ['nesterov', 'maximize', 'first'],
  numbers: { lr: null, momentum: 0, dampening: 0, weightDecay: 0 },
});

/** Adam, and AdamW with `decoupled`; biasCorrection1 and 2 are 1 - beta^step; a vmax state means amsgrad. @throws ShapeError, DTypeError */
export const adamStep: KernelOp = update('adamStep', {
  doc: 'A step of Adam or AdamW, in place.',
  states: ['m', 'v', 'vmax?'],
  flags: ['decoupled', 'maximize'],
  numbers: { lr: null, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, biasCorrection1: null, biasCorrection2: null },
});

/** RMSprop: `mean` for the centered form, `momentumBuffer` for momentum. @throws ShapeError, DTypeError */
export const rmspropStep: KernelOp = update('rmspropStep', {
  doc: 'A step of RMSprop, in place.',
  states: ['v', 'mean?', 'momentumBuffer?'],
  flags: ['maximize'],
  numbers: { lr: null, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0 },
});

/** Adagrad; lr is the decayed rate lr / (1 + (step - 1) * lrDecay). @throws ShapeError, DTypeError */
export const adagradStep: KernelOp = update('adagradStep', {
  doc: 'A step of Adagrad, in place.',
  states: ['sum'],
  flags: ['maximize'],
  numbers: { lr: null, eps: 1e-10, weightDecay: 0 },
});
