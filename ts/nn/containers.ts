import { ValueError } from '../base/errors.ts';
import type { Tensor } from '../tensor/index.ts';
import { Module } from './module.ts';
import { isParameter, parameter } from './parameter.ts';

/**
 * Modules run one after the other, each on the result of the one before; keys '0', '1', ... or the names given.
 * @example new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 2)).forward(zeros([1, 4]))
 * @example new nn.Sequential({ body: new nn.Linear(4, 8), head: new nn.Linear(8, 2) })
 */
export class Sequential extends Module {
  readonly [index: number]: Module;

  constructor(...modules: Module[] | [Record<string, Module>]) {
    super();
    const [first] = modules;
    if (first !== undefined && !(first instanceof Module)) for (const [name, m] of Object.entries(first)) this.registerModule(name, m);
    else for (const m of modules as Module[]) this.append(m);
  }
  get length(): number {
    return this.children().length;
  }
  /** Adds a module at the end. */
  append(module: Module): this {
    this.registerModule(String(this.length), module);
    return this;
  }
  // biome-ignore lint/suspicious/noExplicitAny: what goes in and out is the modules' affair
  override forward(...args: any[]): any {
    let x: unknown = args[0];
    let first = true;
    for (const m of this.children()) {
      x = first ? m.forward(...args) : m.forward(x);
      first = false;
    }
    return x;
  }
  [Symbol.iterator](): Iterator<Module> {
    return this.children()[Symbol.iterator]();
  }
}

/** A list of modules that is seen by parameters() and stateDict(); keys '0', '1', ... @example for (const layer of this.layers) x = layer.forward(x) */
export class ModuleList<M extends Module = Module> extends Module {
  readonly [index: number]: M;

  constructor(modules: Iterable<M> = []) {
    super();
    for (const m of modules) this.append(m);
  }
  get length(): number {
    return this.children().length;
  }
  /** Adds a module at the end. */
  append(module: M): this {
    this.registerModule(String(this.length), module);
    return this;
  }
  /** The module at a position; negative ones count from the end. */
  at(index: number): M | undefined {
    return (this.children() as M[]).at(index);
  }
  [Symbol.iterator](): Iterator<M> {
    return (this.children() as M[])[Symbol.iterator]();
  }
}

/** Modules by name. @example new nn.ModuleDict({ relu: new nn.ReLU() }).get('relu') */
export class ModuleDict<M extends Module = Module> extends Module {
  constructor(modules: Readonly<Record<string, M>> = {}) {
    super();
    for (const [name, m] of Object.entries(modules)) this.set(name, m);
  }
  /** Adds or replaces a module. */
  set(name: string, module: M): this {
    this.registerModule(name, module);
    return this;
  }
  /** The module of a name. @throws ValueError if there is none */
  get(name: string): M {
    for (const [key, m] of this.namedChildren()) if (key === name) return m as M;
    throw new ValueError(`ModuleDict: no module '${name}'; there are ${this.keys().join(', ')}`);
  }
  has(name: string): boolean {
    return this.keys().includes(name);
  }
  keys(): string[] {
    return Array.from(this.namedChildren(), ([key]) => key);
  }
}

/** A list of parameters; keys '0', '1', ... Tensors that are not parameters yet become ones. */
export class ParameterList extends Module {
  readonly [index: number]: Tensor;

  constructor(parameters: Iterable<Tensor> = []) {
    super();
    for (const p of parameters) this.append(p);
  }
  get length(): number {
    return Array.from(this.ownParameters()).length;
  }
  /** Adds a parameter at the end. */
  append(p: Tensor): this {
    this.registerParameter(String(this.length), isParameter(p) ? p : parameter(p));
    return this;
  }
  *[Symbol.iterator](): Iterator<Tensor> {
    for (const [, p] of this.ownParameters()) yield p;
  }
}
