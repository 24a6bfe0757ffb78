import { type DType, isFloat } from '../base/dtype.ts';
import { StateError, ValueError } from '../base/errors.ts';
import { capturing, guard, onlyOutside } from '../plan/capture.ts';
import { clearGrad, keep, noGrad, Tensor } from '../tensor/index.ts';
import { isParameter, parameter } from './parameter.ts';
import { copyState, type LoadResult, type StateDict } from './state.ts';
import { summarise } from './summary.ts';

// biome-ignore lint/suspicious/noExplicitAny: each module declares the arguments of its own forward
type Args = any[];
// biome-ignore lint/suspicious/noExplicitAny: likewise its result
type Out = any;

/** Sees a module's arguments before forward; an array that it returns takes their place. */
export type ForwardPreHook = (module: Module, args: readonly unknown[]) => unknown[] | undefined;
/** Sees a module's result; what it returns, if anything, takes its place. */
export type ForwardHook = (module: Module, args: readonly unknown[], output: unknown) => unknown;

interface Hooks {
  readonly before: Set<ForwardPreHook>;
  readonly after: Set<ForwardHook>;
}

/** `runningMean` for `running_mean`, `weightIhL0` for `weight_ih_l0`. */
const camel = (key: string): string => key.replace(/_+([a-z0-9])/g, (_, c: string) => c.toUpperCase());

/**
 * The base of layers and models. Parameters, buffers and submodules are the module's own properties, in the order of their definition; a
 * state-dict key is the property's name, or the name under which registerParameter, registerBuffer or registerModule put it there (the
 * property is then that name in camelCase: `running_mean` is read as `runningMean`).
 * @example
 * class Net extends nn.Module {
 *   hidden = new nn.Linear(4, 8);
 *   out = new nn.Linear(8, 2);
 *   override forward(x: Tensor): Tensor {
 *     return this.out.forward(this.hidden.forward(x).relu());
 *   }
 * }
 */
export class Module {
  #training = true;
  /** Whether dropout draws and batch norm uses the batch. */
  get training(): boolean {
    const value = this.#training;
    if (capturing() !== null) guard(`training of ${this.constructor.name}`, () => this.#training === value);
    return value;
  }
  set training(mode: boolean) {
    onlyOutside('train() and eval()');
    this.#training = mode;
  }
  /** State-dict keys that differ from their property's name. */
  readonly #keys: Map<string, string> = new Map();
  /** Properties that hold buffers, and whether state dicts list them. */
  readonly #buffers: Map<string, boolean> = new Map();
  #hooks: Hooks | null = null;

  /** Computes the module's result; every module defines its own. @throws StateError in a module that did not */
  forward(..._args: Args): Out {
    throw new StateError(`${this.constructor.name}: forward is not defined; write a forward(...) method in the class`);
  }

  #register(name: string, value: unknown): string {
    const property = camel(name);
    const self = this as unknown as Record<string, unknown>;
    if (name === '' || name.includes('.'))
      throw new ValueError(`${this.constructor.name}: '${name}' cannot name a part; use a name without dots`);
    if (property in Object.getPrototypeOf(this))
      throw new ValueError(`${this.constructor.name}: '${name}' is one of its members; choose another name`);
    if (property !== name) this.#keys.set(property, name);
    self[property] = value;
    return property;
  }
  #own(): [property: string, key: string, value: unknown][] {
    return Object.entries(this).map(([p, value]) => [p, this.#keys.get(p) ?? p, value]);
  }

  /** Adds a parameter under its state-dict key; null reserves the name. It is read as the key in camelCase. */
  registerParameter(name: string, value: Tensor | null): void {
    this.#register(name, value === null || isParameter(value) ? value : parameter(value));
  }
  /** Adds a tensor that is state but not trained; `persistent: false` leaves it out of state dicts. */
  registerBuffer(name: string, value: Tensor | null, { persistent = true }: { persistent?: boolean } = {}): void {
    this.#buffers.set(this.#register(name, value === null ? null : keep(value)), persistent);
  }
  /** Adds a submodule under its state-dict key. */
  registerModule(name: string, module: Module | null): void {
    this.#register(name, module);
  }

  /** The module's own parameters with their keys. */
  *ownParameters(): Generator<[string, Tensor]> {
    for (const [, key, value] of this.#own()) if (isParameter(value)) yield [key, value];
  }
  /** The module's own buffers with their keys and whether state dicts list them. */
  *ownBuffers(): Generator<[string, Tensor, boolean]> {
    for (const [property, key, value] of this.#own()) {
      const persistent = this.#buffers.get(property);
      if (persistent !== undefined && value instanceof Tensor) yield [key, value, persistent];
    }
  }
  /** Direct submodules with their names. */
  *namedChildren(): Generator<[string, Module]> {
    for (const [, key, value] of this.#own()) if (value instanceof Module) yield [key, value];
  }
  /** Direct submodules. */
  children(): Module[] {
    return Array.from(this.namedChildren(), ([, m]) => m);
  }
  /** This module and all below it, each once, with dotted names. */
  *namedModules(prefix: string = '', seen: Set<Module> = new Set()): Generator<[string, Module]> {
    if (seen.has(this)) return;
    seen.add(this);
    yield [prefix, this];
    for (const [name, child] of this.namedChildren()) yield* child.namedModules(prefix === '' ? name : `${prefix}.${name}`, seen);
  }
  /** This module and all below it, each once. */
  modules(): Module[] {
    return Array.from(this.namedModules(), ([, m]) => m);
  }
  /** All parameters with dotted names, a shared one once. */
  *namedParameters(prefix: string = ''): Generator<[string, Tensor]> {
    yield* this.#members(prefix, (m) => m.ownParameters());
  }
  /** All parameters, a shared one once: what an optimizer takes. */
  parameters(): Tensor[] {
    return Array.from(this.namedParameters(), ([, p]) => p);
  }
  /** All buffers with dotted names, a shared one once. */
  *namedBuffers(prefix: string = ''): Generator<[string, Tensor]> {
    yield* this.#members(prefix, (m) => m.ownBuffers());
  }
  /** All buffers, a shared one once. */
  buffers(): Tensor[] {
    return Array.from(this.namedBuffers(), ([, b]) => b);
  }
  *#members(prefix: string, own: (m: Module) => Iterable<readonly [string, Tensor, ...unknown[]]>): Generator<[string, Tensor]> {
    const seen = new Set<Tensor>();
    for (const [path, module] of this.namedModules(prefix)) {
      for (const [key, t] of own(module)) {
        if (seen.has(t)) continue;
        seen.add(t);
        yield [path === '' ? key : `${path}.${key}`, t];
      }
    }
  }

  /** Sets training mode here and below: dropout draws, batch norm uses the batch. */
  train(mode: boolean = true): this {
    for (const m of this.modules()) m.training = mode;
    return this;
  }
  /** Sets evaluation mode here and below. */
  eval(): this {
    return this.train(false);
  }
  /** Turns gradients of all parameters on or off. */
  requiresGrad_(on: boolean = true): this {
    for (const p of this.parameters()) p.requiresGrad_(on);
    return this;
  }
  /** Drops the gradients of all parameters; with `setToNone: false` fills them with zeros. */
  zeroGrad({ setToNone = true }: { setToNone?: boolean } = {}): void {
    for (const p of this.parameters()) {
      if (p.grad === null) continue;
      if (setToNone) clearGrad(p);
      else noGrad(() => (p.grad as Tensor).detach().zero_());
    }
  }
  /** Calls fn with every submodule, deepest first, then with this one. */
  apply(fn: (module: Module) => void): this {
    for (const child of this.children()) child.apply(fn);
    fn(this);
    return this;
  }
  /**
   * Casts floating-point parameters and buffers to a dtype, or moves them to WebGPU. They become other tensors: make optimizers afterwards.
   * @throws DeviceError where the device is not on @example new nn.Linear(2, 2).to('float64')
   */
  to(dtype: DType | 'webgpu'): this {
    const cast = new Map<Tensor, Tensor>();
    for (const m of this.modules()) m.#cast(dtype, cast);
    return this;
  }
  #cast(dtype: DType | 'webgpu', done: Map<Tensor, Tensor>): void {
    const self = this as unknown as Record<string, unknown>;
    for (const [property, , value] of this.#own()) {
      if (!(value instanceof Tensor) || !isFloat(value.dtype) || value.dtype === dtype) continue;
      const trained = isParameter(value);
      if (!trained && !this.#buffers.has(property)) continue;
      let next = done.get(value);
      if (next === undefined) {
        const data: Tensor = noGrad(() => value.to(dtype));
        next = trained ? parameter(data, value.requiresGrad) : keep(data);
        done.set(value, next as Tensor);
      }
      self[property] = next;
    }
  }

  /**
   * Parameters and persistent buffers by dotted key, PyTorch's keys in PyTorch's order: detached aliases of the live tensors.
   * @example saveSafetensors(model.stateDict())
   */
  stateDict(prefix: string = ''): StateDict {
    const dict: StateDict = {};
    this.#collect(prefix === '' ? '' : `${prefix}.`, dict);
    return dict;
  }
  #collect(prefix: string, dict: StateDict): void {
    for (const [key, p] of this.ownParameters()) dict[prefix + key] = p.detach();
    for (const [key, b, persistent] of this.ownBuffers()) if (persistent) dict[prefix + key] = b.detach();
    for (const [name, child] of this.namedChildren()) child.#collect(`${prefix}${name}.`, dict);
  }
  /**
   * Copies values into the module's parameters and buffers. Everything is checked before anything is copied; with `strict: false` missing
   * and unexpected keys are only reported. @throws StateError naming every missing key, unexpected key and wrong shape
   */
  loadStateDict(dict: Readonly<StateDict>, { strict = true }: { strict?: boolean } = {}): LoadResult {
    return copyState(this.constructor.name, this.stateDict(), dict, strict);
  }

  #hooked(): Hooks {
    if (this.#hooks !== null) return this.#hooks;
    const hooks: Hooks = { before: new Set(), after: new Set() };
    this.#hooks = hooks;
    const forward = this.forward;
    Object.defineProperty(this, 'forward', {
      configurable: true,
      writable: true,
      value: (...given: Args): Out => {
        let args = given;
        for (const hook of hooks.before) args = hook(this, args) ?? args;
        let out = forward.apply(this, args);
        for (const hook of hooks.after) out = hook(this, args, out) ?? out;
        return out;
      },
    });
    return hooks;
  }
  /** Calls hook before each forward; an array that it returns replaces the arguments. Returns a function that removes it. */
  registerForwardPreHook(hook: ForwardPreHook): () => void {
    const { before } = this.#hooked();
    before.add(hook);
    return () => void before.delete(hook);
  }
  /** Calls hook after each forward; what it returns, if anything, replaces the result. Returns a function that removes it. */
  registerForwardHook(hook: ForwardHook): () => void {
    const { after } = this.#hooked();
    after.add(hook);
    return () => void after.delete(hook);
  }

  /**
   * A table of layers with output shapes and parameter counts. Given the shape (or shapes) of the input, runs the module once on zeros, in
   * evaluation mode, to learn the output shapes.
   * @example console.log(model.summary([1, 3, 32, 32]))
   */
  summary(...inputShapes: (readonly number[])[]): string {
    return summarise(this, inputShapes);
  }
  /** What toString prints between the parentheses of a layer without children. */
  extraRepr(): string {
    return '';
  }
  /** PyTorch's printed form: one line per layer. */
  toString(): string {
    const lines = Array.from(this.namedChildren(), ([name, m]) => `  (${name}): ${m.toString().replace(/\n/g, '\n  ')}`);
    const extra = this.extraRepr();
    if (lines.length === 0) return `${this.constructor.name}(${extra})`;
    return `${this.constructor.name}(\n${extra === '' ? '' : `  ${extra}\n`}${lines.join('\n')}\n)`;
  }
}

// console.log in Node shows the printed form.
Object.defineProperty(Module.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: Module) {
    return this.toString();
  },
});
