import { StateError, ValueError } from '../base/errors.ts';
import { cat, enableGrad, keep, noGrad, type Tensor } from '../tensor/index.ts';
import { Optimizer, type Params } from './optimizer.ts';
import { type Probe, strongWolfe } from './wolfe.ts';

/** Options of LBFGS. */
export interface LBFGSOptions {
  lr: number;
  maxIter: number;
  /** Evaluations in one step; default 1.25 maxIter. */
  maxEval: number | null;
  toleranceGrad: number;
  toleranceChange: number;
  historySize: number;
  lineSearchFn: 'strong_wolfe' | null;
}

interface Pair {
  /** Change of the gradient, and of the point. */
  readonly y: Tensor;
  readonly s: Tensor;
  readonly rho: number;
}

/** What one step hands to the next. */
interface Memory {
  iterations: number;
  direction: Tensor;
  t: number;
  pairs: Pair[];
  scale: number;
  gradient: Tensor;
}

/**
 * Limited-memory BFGS (Liu and Nocedal 1989). `step` needs a closure and calls it several times. One parameter group only.
 * @throws ValueError for several groups, StateError for a step without a closure
 * @example new optim.LBFGS(params, { lineSearchFn: 'strong_wolfe' }).step(() => { ...; loss.backward(); return loss; })
 */
export class LBFGS extends Optimizer<LBFGSOptions> {
  #memory: Memory | null = null;

  constructor(params: Params<LBFGSOptions>, options: Partial<LBFGSOptions> = {}) {
    const defaults: LBFGSOptions = {
      lr: 1,
      maxIter: 20,
      maxEval: null,
      toleranceGrad: 1e-7,
      toleranceChange: 1e-9,
      historySize: 100,
      lineSearchFn: null,
    };
    super(params, { ...defaults, ...options });
    if (this.paramGroups.length !== 1) throw new ValueError('LBFGS: all parameters must be in one group');
  }
  protected override update(): void {
    throw new StateError('LBFGS: parameters move together, not one by one');
  }
  get #params(): Tensor[] {
    return this.paramGroups[0].params;
  }
  #gradient(): Tensor {
    return keep(
      cat(
        this.#params.map((p) => (p.grad === null ? p.detach().mul(0) : p.grad.detach()).reshape([-1])),
        0,
      ),
    );
  }
  #move(direction: Tensor, t: number): void {
    let at = 0;
    for (const p of this.#params) {
      p.add_(direction.narrow(0, at, p.numel).reshape(p.shape).mul(t));
      at += p.numel;
    }
  }

  override step(closure?: () => Tensor): Tensor {
    if (closure === undefined) throw new StateError('LBFGS: step needs a closure that computes the loss and its gradients');
    const first = enableGrad(closure);
    noGrad(() => this.#minimise(first.itemSync(), () => enableGrad(closure).itemSync()));
    return first;
  }

  #minimise(start: number, evaluate: () => number): void {
    const { lr, maxIter, toleranceGrad, toleranceChange, historySize, lineSearchFn } = this.paramGroups[0];
    const maxEval = this.paramGroups[0].maxEval ?? Math.floor((maxIter * 5) / 4);
    const largest = (x: Tensor): number => x.abs().amax().itemSync();
    let loss = start;
    let evaluations = 1;
    let g = this.#gradient();
    if (largest(g) <= toleranceGrad) return;
    const memory: Memory = this.#memory ?? { iterations: 0, direction: g, t: lr, pairs: [], scale: 1, gradient: g };
    this.#memory = memory;
    for (let n = 1; n <= maxIter; n++) {
      memory.iterations++;
      if (memory.iterations > 1) remember(memory, g, historySize);
      const d = keep(towards(memory, g));
      memory.direction = d;
      memory.gradient = g;
      memory.t = memory.iterations === 1 ? Math.min(1, 1 / g.abs().sum().itemSync()) * lr : lr;
      const before = loss;
      const slope = g.dot(d).itemSync();
      if (slope > -toleranceChange) break;
      if (lineSearchFn === 'strong_wolfe') {
        const found = this.#search(d, { t: 0, value: loss, gradient: g, slope }, memory.t, evaluate, largest(d));
        ({ value: loss, gradient: g, t: memory.t } = found.probe);
        this.#move(d, memory.t);
        evaluations += found.evaluations;
      } else {
        this.#move(d, memory.t);
        if (n === maxIter) break;
        loss = evaluate();
        g = this.#gradient();
        evaluations++;
      }
      if (evaluations >= maxEval || largest(g) <= toleranceGrad) break;
      if (largest(d) * Math.abs(memory.t) <= toleranceChange || Math.abs(loss - before) < toleranceChange) break;
    }
  }
  #search(
    d: Tensor,
    start: Probe<Tensor>,
    first: number,
    evaluate: () => number,
    reach: number,
  ): { probe: Probe<Tensor>; evaluations: number } {
    const saved = this.#params.map((p) => p.detach().clone());
    const restore = (): void => this.#params.forEach((p, i) => void p.copy_(saved[i]));
    const probe = (t: number): Probe<Tensor> => {
      this.#move(d, t);
      const value = evaluate();
      const gradient = this.#gradient();
      restore();
      return { t, value, gradient, slope: gradient.dot(d).itemSync() };
    };
    return strongWolfe(probe, start, first, reach, d.dtype === 'float64' ? (x) => x : Math.fround);
  }
}

function remember(memory: Memory, g: Tensor, historySize: number): void {
  const y = g.sub(memory.gradient);
  const s = memory.direction.mul(memory.t);
  const ys = y.dot(s).itemSync();
  if (ys <= 1e-10) return;
  if (memory.pairs.length === historySize) memory.pairs.shift();
  memory.pairs.push({ y: keep(y), s: keep(s), rho: 1 / ys });
  memory.scale = ys / y.dot(y).itemSync();
}

/** The two-loop recursion: minus the approximate inverse Hessian times the gradient. */
function towards({ pairs, scale }: Memory, g: Tensor): Tensor {
  let q = g.neg();
  const alphas: number[] = [];
  for (let i = pairs.length - 1; i >= 0; i--) {
    alphas[i] = pairs[i].s.dot(q).itemSync() * pairs[i].rho;
    q = q.sub(pairs[i].y.mul(alphas[i]));
  }
  let d = q.mul(scale);
  pairs.forEach(({ y, s, rho }, i) => {
    d = d.add(s.mul(alphas[i] - y.dot(d).itemSync() * rho));
  });
  return d;
}
