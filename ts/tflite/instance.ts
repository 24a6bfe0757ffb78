// What a loaded model holds between runs: its constants as tensors, its variables, and how much it may still do.
import { isFloat } from '../base/dtype.ts';
import { Allowance } from '../formats/allowance.ts';
import { clone, copy_, fromBytes, keep, noGrad, type Tensor, zeros } from '../tensor/index.ts';
import { contentsOf, type File, type Subgraph, type TensorInfo } from './schema.ts';

/** The state of a model. */
export class Instance {
  readonly file: File;
  /** Whether the run in progress read data that may change from run to run. */
  dynamic = false;
  /** Sees every tensor of a subgraph that was run. */
  observe: ((graph: Subgraph, values: readonly (Tensor | null)[]) => void) | null = null;
  private readonly constants = new Map<TensorInfo, Tensor>();
  private readonly variables = new Map<string, Tensor>();
  /** Values that the run in progress gave to variables. */
  private readonly pending = new Map<string, Tensor>();
  private readonly owned = new Set<Tensor>();
  private readonly forms = new Map<string, Tensor>();
  private readonly initialised = new Set<number>();
  /** Whether weights may change, so that nothing made of them is kept. */
  trains = false;

  /** What the run in progress may ask for. */
  allowance: Allowance;
  private readonly size: number;

  /** `size`: bytes of the file. */
  constructor(file: File, size: number) {
    this.file = file;
    this.size = size;
    this.allowance = new Allowance(size);
  }
  /** A tensor that lives as long as the model. */
  own(x: Tensor): Tensor {
    if (!this.owned.has(x) && ![...this.constants.values()].includes(x)) this.owned.add(keep(x));
    return x;
  }
  owns(x: Tensor): boolean {
    return this.owned.has(x) || [...this.constants.values(), ...this.variables.values()].some((own) => own.storage === x.storage);
  }
  mayKeep(x: Tensor): boolean {
    return !(this.trains && isFloat(x.dtype));
  }
  constant(tensor: TensorInfo): Tensor {
    let x = this.constants.get(tensor);
    if (x === undefined) {
      const { shape, dtype, type } = tensor;
      x = keep(fromBytes(contentsOf(tensor), type.startsWith('complex') ? [...shape, 2] : shape, dtype as NonNullable<typeof dtype>));
      this.constants.set(tensor, x);
    }
    return x;
  }
  /** What follows from a constant, made once. */
  derived(tensor: TensorInfo, what: string, make: () => Tensor): Tensor {
    return this.form(`${what} of ${this.file.subgraphs.findIndex((g) => g.tensors.includes(tensor))}:${tensor.index}`, make);
  }
  /** What is the same in every run, made once. */
  form(key: string, make: () => Tensor): Tensor {
    let x = this.forms.get(key);
    if (x === undefined) {
      x = keep(make());
      this.forms.set(key, x);
    }
    return x;
  }
  /** Constants of floating point, by name. */
  *floats(): Iterable<[string, Tensor]> {
    for (const graph of this.file.subgraphs)
      for (const tensor of graph.tensors)
        if (tensor.data !== null && tensor.dtype !== null && isFloat(tensor.dtype) && tensor.shape.length > 0)
          yield [tensor.name, this.constant(tensor)];
  }

  /** Runs fn as one run of the model on these inputs: what it assigns to variables takes effect at its end. */
  session<T>(inputs: readonly Tensor[], fn: () => T): T {
    this.allowance = new Allowance(inputs.reduce((sum, x) => sum + x.numel, this.size));
    this.pending.clear();
    const result = fn();
    const before = new Set([...this.variables.values()].map((x) => x.storage));
    noGrad(() => {
      // A value that is another variable's old one must be taken before that is overwritten.
      const safe = [...this.pending].map(([name, x]) => [name, before.has(x.storage) ? clone(x) : x] as const);
      for (const [name, x] of safe) this.store(name, x);
    });
    this.pending.clear();
    return result;
  }
  private store(name: string, x: Tensor): void {
    const old = this.variables.get(name);
    if (old !== undefined && old.dtype === x.dtype && old.shape.length === x.shape.length && old.shape.every((n, d) => n === x.shape[d])) {
      copy_(old, x);
      return;
    }
    // A variable that takes shape: no plan knows it yet.
    this.dynamic = true;
    old?.dispose();
    this.variables.set(name, keep(clone(x).contiguous()));
  }
  read(name: string): Tensor | null {
    return this.pending.get(name) ?? this.variables.get(name) ?? null;
  }
  /** What the run in progress assigned: it must outlive the operators that made it. */
  assigned(): readonly Tensor[] {
    return [...this.pending.values()];
  }
  assign(name: string, x: Tensor): void {
    this.pending.set(name, x);
  }
  /** The value of a tensor that keeps its state from run to run (the state of LSTM and SVDF); zeros at first. */
  stateOf(tensor: TensorInfo): Tensor | null {
    if (!tensor.isVariable || tensor.dtype === null) return null;
    const name = this.stateName(tensor);
    let x = this.read(name);
    if (x === null) {
      x = keep(zeros(tensor.shape, { dtype: tensor.dtype }));
      const zero = tensor.quantization?.zero[0] ?? 0;
      if (zero !== 0) x.fill_(zero);
      this.variables.set(name, x);
    }
    return x;
  }
  stateName(tensor: TensorInfo): string {
    return `state:${this.file.subgraphs.findIndex((g) => g.tensors.includes(tensor))}:${tensor.index}`;
  }
  /** Whether a subgraph that runs once has to run now. */
  once(index: number): boolean {
    if (this.initialised.has(index)) return false;
    this.initialised.add(index);
    return true;
  }
  dispose(): void {
    for (const x of [...this.constants.values(), ...this.owned, ...this.forms.values(), ...this.variables.values()]) x.dispose();
    this.constants.clear();
    this.owned.clear();
    this.forms.clear();
    this.variables.clear();
  }
}
