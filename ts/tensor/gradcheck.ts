// Derivatives against differences.
import { isFloat } from '../base/dtype.ts';
import { DTypeError, ValueError } from '../base/errors.ts';
import { show } from '../base/shape.ts';
import { grad } from './backward.ts';
import { type Tensor, TensorCore } from './core.ts';
import { tensor } from './functions/create.ts';
import { randn } from './functions/random.ts';
import { Generator } from './generator.ts';
import { withGrad } from './node.ts';

/** Options of gradcheck and gradgradcheck. */
export interface GradcheckOptions {
  /** Step of the central differences; default 1e-6. */
  readonly eps?: number;
  /** Allowed difference; default 1e-5. */
  readonly atol?: number;
  /** Allowed difference relative to the numeric gradient; default 1e-3. */
  readonly rtol?: number;
}
/** A function to check: tensors to a tensor or to several. */
export type Checked = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

/** Number of random combinations of the outputs whose gradients are compared. */
const COMBINATIONS = 2;

function floats(y: Tensor | readonly Tensor[]): Tensor[] {
  return (y instanceof TensorCore ? [y as Tensor] : [...(y as readonly Tensor[])]).filter((t) => isFloat(t.dtype));
}
function numbers(x: Tensor): Float64Array {
  return x.dataSync() as Float64Array;
}
function leaves(inputs: readonly Tensor[]): Tensor[] {
  return inputs.map((x) => (isFloat(x.dtype) ? tensor(x, { requiresGrad: x.requiresGrad }) : x));
}
function need(name: string, inputs: readonly Tensor[]): void {
  inputs.forEach((x, i) => {
    if (x.requiresGrad && x.dtype !== 'float64')
      throw new DTypeError(`${name}: input ${i} is ${x.dtype}, in which differences drown in rounding; use x.to('float64')`);
  });
  if (!inputs.some((x) => x.requiresGrad)) throw new ValueError(`${name}: no input requires grad; set requiresGrad on those to check`);
}
function weighed(ys: readonly Tensor[], weights: readonly Float64Array[]): number {
  let sum = 0;
  ys.forEach((y, k) => {
    const values = numbers(y);
    for (let i = 0; i < values.length; i++) sum += values[i] * weights[k][i];
  });
  return sum;
}

/**
 * Compares the gradients that backward computes with central differences, for every element of every float64 input that requires grad.
 * The outputs are combined with random weights. Inputs are copied. Returns true.
 * @throws ValueError that names the worst element: input, position, analytic and numeric value; DTypeError for inputs that are not float64
 * @example gradcheck((x) => x.sin(), [rand([3], { dtype: 'float64', requiresGrad: true })])
 */
export function gradcheck(fn: Checked, inputs: readonly Tensor[], options: GradcheckOptions = {}): boolean {
  return compare('gradcheck', fn, inputs, options);
}

function compare(
  name: string,
  fn: Checked,
  inputs: readonly Tensor[],
  { eps = 1e-6, atol = 1e-5, rtol = 1e-3 }: GradcheckOptions,
): boolean {
  need(name, inputs);
  const generator = new Generator(0);
  const xs = leaves(inputs);
  const ys = withGrad(true, () => floats(fn(...xs)));
  const wanted = xs.filter((x) => x.requiresGrad);
  const weights = Array.from({ length: COMBINATIONS }, () => ys.map((y) => randn(y.shape, { dtype: 'float64', generator })));
  const live = ys.map((_, k) => k).filter((k) => ys[k].requiresGrad);
  const analytic = weights.map((w) => {
    if (live.length === 0) return wanted.map((x) => new Float64Array(x.numel));
    const roots = live.map((k) => ys[k]);
    const gs = grad(roots, wanted, { gradOutputs: live.map((k) => w[k]), allowUnused: true, retainGraph: true });
    return gs.map((g, i) => (g === null ? new Float64Array(wanted[i].numel) : numbers(g)));
  });
  const plain = weights.map((w) => w.map(numbers));
  let worst = 0;
  let report = '';
  let nr = -1;
  xs.forEach((x, i) => {
    if (!x.requiresGrad) return;
    nr++;
    const values = numbers(x);
    for (let e = 0; e < values.length; e++) {
      const at = (shift: number): number[] => {
        const moved = values.slice();
        moved[e] += shift;
        const changed = xs.map((t, j) => (j === i ? tensor(moved, { shape: x.shape, requiresGrad: true }) : t));
        const out = withGrad(true, () => floats(fn(...changed)));
        return plain.map((w) => weighed(out, w));
      };
      const up = at(eps);
      const down = at(-eps);
      for (let c = 0; c < COMBINATIONS; c++) {
        const slope = (up[c] - down[c]) / (2 * eps);
        const found = analytic[c][nr][e];
        const excess = Math.abs(found - slope) / (atol + rtol * Math.abs(slope));
        // NaN is never within a tolerance.
        const off = excess === excess ? excess : Number.MAX_VALUE;
        if (off <= worst) continue;
        worst = off;
        report = `input ${i} of shape ${show(x.shape)}, element ${show(position(e, x.shape))}: analytic ${found}, numeric ${slope}`;
      }
    }
  });
  if (worst > 1)
    throw new ValueError(
      `${name}: the gradient is wrong at ${report} (allowed ${atol} + ${rtol} relative); mind kinks and inputs that share memory`,
    );
  return true;
}

function position(e: number, shape: readonly number[]): number[] {
  const at = new Array<number>(shape.length);
  let rest = e;
  for (let d = shape.length - 1; d >= 0; d--) {
    at[d] = rest % shape[d];
    rest = (rest - at[d]) / shape[d];
  }
  return at;
}

/**
 * gradcheck of the gradients of fn: second derivatives, in the inputs and in random incoming gradients.
 * @throws ValueError that names the worst element (inputs of fn first, then the incoming gradients), DTypeError
 * @example gradgradcheck((x) => x.sin(), [rand([3], { dtype: 'float64', requiresGrad: true })])
 */
export function gradgradcheck(fn: Checked, inputs: readonly Tensor[], options: GradcheckOptions = {}): boolean {
  need('gradgradcheck', inputs);
  const generator = new Generator(1);
  const outs = withGrad(true, () => floats(fn(...leaves(inputs)))).filter((y) => y.requiresGrad);
  const incoming = outs.map((y) => randn(y.shape, { dtype: 'float64', generator, requiresGrad: true }));
  const n = inputs.length;
  const gradients = (...all: Tensor[]): Tensor[] => {
    const xs = all.slice(0, n);
    const ys = floats(fn(...xs)).filter((y) => y.requiresGrad);
    if (ys.length === 0) return [];
    const wanted = xs.filter((x) => x.requiresGrad);
    return grad(ys, wanted, { gradOutputs: all.slice(n), createGraph: true, allowUnused: true }).filter((g) => g !== null);
  };
  return compare('gradgradcheck', gradients, [...inputs, ...incoming], options);
}
