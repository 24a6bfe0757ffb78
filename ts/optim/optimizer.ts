import { isFloat } from '../base/dtype.ts';
import { StateError, ValueError } from '../base/errors.ts';
import { show } from '../base/shape.ts';
import { guard, refuse } from '../plan/capture.ts';
import { clearGrad, enableGrad, keep, noGrad, scope, Tensor, tensor } from '../tensor/index.ts';

/** Parameters that share options. */
export type ParamGroup<O> = O & { params: Tensor[]; initialLr?: number };
/** What an optimizer takes: parameters, or groups of them with options of their own. */
export type Params<O> = Iterable<Tensor> | Iterable<{ readonly params: Tensor | Iterable<Tensor> } & Partial<O>>;
/** What an optimizer remembers of one parameter, under PyTorch's names; `step` counts its updates. */
export type State = Record<string, Tensor | number>;

/** PyTorch's layout: state by the parameter's number, and groups that list those numbers. */
export interface OptimizerState {
  readonly state: Record<string, Record<string, Tensor | number>>;
  readonly param_groups: Record<string, unknown>[];
}

const snake = (key: string): string => key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
const camel = (key: string): string => key.replace(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase());

/** The base of optimizers: parameter groups with options, state per parameter, steps. Subclasses say how one parameter moves. */
export abstract class Optimizer<O extends { lr: number } = { lr: number }> {
  readonly paramGroups: ParamGroup<O>[] = [];
  readonly state: Map<Tensor, State> = new Map();
  readonly defaults: O;

  constructor(params: Params<O>, defaults: O) {
    this.defaults = defaults;
    const list = [...params];
    if (list.length === 0)
      throw new ValueError(`${this.constructor.name}: no parameters were given; pass model.parameters() or groups of parameters`);
    if (list[0] instanceof Tensor) this.addParamGroup({ params: list as Tensor[] } as never);
    else for (const group of list) this.addParamGroup(group as never);
  }

  /** Adds parameters with options of their own. @throws ValueError for a tensor that is no leaf, or in two groups */
  addParamGroup(group: { readonly params: Tensor | Iterable<Tensor> } & Partial<O>): void {
    const params = group.params instanceof Tensor ? [group.params] : [...(group.params as Iterable<Tensor>)];
    const known = new Set(this.paramGroups.flatMap((g) => g.params));
    for (const p of params) {
      if (!(p instanceof Tensor) || !p.isLeaf || !isFloat(p.dtype))
        throw new ValueError(`${this.constructor.name}: a parameter must be a floating-point leaf tensor`);
      if (known.has(p))
        throw new ValueError(`${this.constructor.name}: a parameter of shape ${show(p.shape)} is given twice; name it in one group`);
      known.add(p);
    }
    const full = { ...this.defaults, ...group, params } as ParamGroup<O>;
    this.check(full);
    this.paramGroups.push(full);
  }
  /** Checks a group's options. @throws ValueError */
  protected check(group: ParamGroup<O>): void {
    if (!(group.lr >= 0)) throw new ValueError(`${this.constructor.name}: lr ${group.lr} must be a number of at least 0`);
  }
  /** Whether update takes every number that changes from step to step through `renewed`, so that plans can repeat it. */
  protected readonly planned: boolean = false;
  /** Moves one parameter, in place, outside any graph. */
  protected abstract update(p: Tensor, grad: Tensor, state: State, group: ParamGroup<O>): void;

  /** Drops all gradients; with `setToNone: false` fills them with zeros. */
  zeroGrad({ setToNone = true }: { setToNone?: boolean } = {}): void {
    for (const { params } of this.paramGroups) {
      for (const p of params) {
        if (p.grad === null) continue;
        if (setToNone) clearGrad(p);
        else noGrad(() => (p.grad as Tensor).detach().zero_());
      }
    }
  }

  /**
   * Moves every parameter that has a gradient. A closure, which computes the loss anew and its gradients, is called first; its loss is
   * returned. @example optimizer.zeroGrad(); loss.backward(); optimizer.step();
   */
  step(closure?: () => Tensor): Tensor | null {
    const loss = closure === undefined ? null : enableGrad(closure);
    if (!this.planned) refuse(`${this.constructor.name}.step takes numbers that change from step to step`);
    for (const group of this.paramGroups) {
      const options = Object.entries(group).filter(([key]) => key !== 'params' && key !== 'lr');
      guard(`options of ${this.constructor.name}`, () => options.every(([key, value]) => group[key as keyof O] === value));
    }
    noGrad(() => {
      for (const group of this.paramGroups) for (const p of group.params) if (p.grad !== null) this.#move(p, p.grad, group);
    });
    return loss;
  }
  #move(p: Tensor, grad: Tensor, group: ParamGroup<O>): void {
    let state = this.state.get(p);
    if (state === undefined) {
      state = {};
      this.state.set(p, state);
    }
    const known = state;
    scope(() => {
      this.update(p, grad.detach(), known, group);
    });
  }

  /** Everything needed to go on later, in PyTorch's layout and names. */
  stateDict(): OptimizerState {
    const all = this.paramGroups.flatMap((g) => g.params);
    const number = new Map(all.map((p, i) => [p, i]));
    const state: OptimizerState['state'] = {};
    all.forEach((p, i) => {
      const s = this.state.get(p);
      if (s === undefined) return;
      state[i] = Object.fromEntries(
        Object.entries(s).map(([k, v]) => [k, v instanceof Tensor ? v.detach() : k === 'step' ? tensor(v, { dtype: 'float32' }) : v]),
      );
    });
    const groups = this.paramGroups.map(({ params, ...options }) => ({
      ...Object.fromEntries(Object.entries(options).map(([k, v]) => [snake(k), v])),
      params: params.map((p) => number.get(p)),
    }));
    return { state, param_groups: groups };
  }
  /** Takes over options and state from a stateDict of an optimizer over the same parameters in the same order. @throws StateError */
  loadStateDict(dict: OptimizerState): void {
    const groups = dict.param_groups;
    const name = `loadStateDict of ${this.constructor.name}`;
    if (groups.length !== this.paramGroups.length)
      throw new StateError(
        `${name}: the state has ${groups.length} parameter groups, the optimizer ${this.paramGroups.length}; make them alike first`,
      );
    const pairs: [Tensor, State][] = [];
    groups.forEach((saved, i) => {
      const own = this.paramGroups[i].params;
      const numbers = saved.params as number[];
      if (numbers.length !== own.length)
        throw new StateError(
          `${name}: group ${i} has ${numbers.length} parameters in the state and ${own.length} here; make them alike first`,
        );
      own.forEach((p, k) => {
        const s = dict.state[numbers[k]];
        if (s !== undefined) pairs.push([p, restore(name, p, s)]);
      });
    });
    groups.forEach(({ params: _, ...options }, i) => {
      for (const [k, v] of Object.entries(options)) (this.paramGroups[i] as Record<string, unknown>)[camel(k)] = v;
    });
    this.state.clear();
    for (const [p, s] of pairs) this.state.set(p, s);
  }
}

function restore(name: string, p: Tensor, saved: State): State {
  const state: State = {};
  for (const [k, v] of Object.entries(saved)) {
    if (!(v instanceof Tensor)) state[k] = v;
    else if (v.numel === 1 && v.ndim === 0 && k !== 'exp_avg' && p.ndim !== 0) state[k] = v.itemSync();
    else if (k === 'step') state[k] = v.itemSync();
    else if (v.shape.length !== p.shape.length || v.shape.some((n, d) => n !== p.shape[d]))
      throw new StateError(
        `${name}: '${k}' has shape ${show(v.shape)} for a parameter of shape ${show(p.shape)}; the parameters' order must be the saved one`,
      );
    else state[k] = keep(noGrad(() => v.detach().to(p.dtype).clone()));
  }
  return state;
}
