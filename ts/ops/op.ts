import type { DType } from '../base/dtype.ts';
import type { Shape } from '../base/shape.ts';
import type { Ops } from './gen/ops.ts';

/** A JavaScript number as an operand: integers count as integers in promotion, others as floating point. */
export type Scalar = number | bigint | boolean;

/** What is known of a tensor without its data. */
export interface Meta {
  readonly shape: Shape;
  /** In elements. */
  readonly strides: Shape;
  readonly dtype: DType;
}

/** An output as an op's rule states it; strides only where the memory format is not row-major. */
export interface Result {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly strides?: Shape;
}

/** A tensor as derivatives see it: opaque but for its metadata. */
export interface Value extends Meta {
  readonly requiresGrad: boolean;
}

export type Arg = Value | Scalar;
/** Compile-time constants of a call: dims, strides, flags. */
export type Attrs = Readonly<Record<string, unknown>>;

/**
 * Under this key, attributes carry a function that gives those that differ from run to run anew (a learning rate, a place in a sequence of
 * random numbers): a plan calls it before each run.
 */
export const AGAIN: unique symbol = Symbol('again');
export type Again = () => Attrs;
/** Attributes of this run that `numbers` gives anew for each later one. */
export function renewed(numbers: Again): Attrs {
  return { ...numbers(), [AGAIN]: numbers };
}

/** What a derivative may read. Besides these it has the saved values under their names. */
export interface Backward {
  /** Incoming gradient of the first output (zeros if only others have one). */
  readonly dy: Value;
  /** Incoming gradients of all outputs; null where none came. */
  readonly dys: readonly (Value | null)[];
  // biome-ignore lint/suspicious/noExplicitAny: attrs are typed where an op is called
  readonly attrs: any;
  /** Metadata of the inputs; a JavaScript number is its own value. */
  readonly inputs: readonly (Meta | Scalar)[];
  /** Which inputs want a gradient. */
  readonly needs: readonly boolean[];
}

/**
 * A derivative, written in ops so that it can be differentiated and captured again. One entry per input; null is "none".
 * The tape sums each over broadcast dimensions and converts it to its input's dtype, so rows never do.
 */
export type Vjp<S extends string> = (ops: Ops, v: Backward & Readonly<Record<S, Value>>) => readonly (Value | null)[];

interface Row {
  /** One sentence for the generated method; ends with a full stop. */
  readonly doc: string;
  /** ONNX operator of the default domain. */
  readonly onnx?: string;
  /** The export key in its family file and the number in steps: set by table.ts. */
  name: string;
  opcode: number;
  /** Inputs and outputs that the derivative reads. */
  readonly saves: readonly string[];
  /** Where the saved values are: numbers of inputs or, below 0, -1 - the number of an output. */
  readonly sources: readonly number[];
  /** Saved values that only the gradients of these inputs (by number) read: they are not saved when none of those is wanted. */
  readonly uses?: Readonly<Record<string, readonly number[]>>;
  /** null: not differentiable, on purpose. */
  readonly vjp: Vjp<string> | null;
}

/** An elementwise op: broadcasts, promotes, and runs on any strides and dtypes through the map driver. */
export interface MapOp extends Row {
  readonly kind: 'map';
  /** Names of the operands: x; a, b; or a, b, c. */
  readonly inputs: readonly string[];
  /** Dtypes allowed after promotion. */
  readonly dtypes: readonly DType[];
  /** 'float': integers and bools compute in the default floating-point dtype. */
  readonly promote: 'same' | 'float';
  /** 'bool': the kernel returns lane masks and the result is bool. */
  readonly out: 'same' | 'bool';
  /** Operands that are conditions (any dtype, true where not zero), by index. */
  readonly masks: readonly number[];
  /** Whether float32 and float64 operands give a result of their own dtype, with no conditions among them. */
  readonly dense: boolean;
  /** The op on numbers: the oracle of its tests (bigint for int64). */
  readonly reference: (...x: number[]) => number;
  /** The clamp (see KernelOp.activations) that it is with these operands behind the first. Default: its name, for ops on one operand. */
  readonly activation?: (inputs: readonly unknown[]) => string | null;
  /** WGSL expression from operand expressions; undefined: not on WebGPU. */
  readonly wgsl?: (...x: string[]) => string;
}

/** A view: metadata only, never a step. */
export interface ViewOp extends Row {
  readonly kind: 'view';
  readonly inputs: readonly ['x'];
  /** TypeScript types of the attributes, for generated signatures. */
  readonly attrs: Readonly<Record<string, string>>;
  /** The view's shape, strides and offset relative to x (in elements); null where the strides forbid a view. */
  // biome-ignore lint/suspicious/noExplicitAny: attrs are typed where an op is called
  readonly view: (x: Meta, attrs: any) => { shape: Shape; strides: Shape; offset: number } | null;
}

/** Where an input's data must lie before the kernel runs; the backend copies where it does not. */
export type Layout = 'contiguous' | 'channelsLast' | 'any';

/** A kernel call as the Wasm device encodes it: fields by the names in `fields`. */
export interface Lowered {
  /** In the order of the row's `ints` names. */
  readonly ints: readonly number[];
  /** In the order of the row's `floats` names. */
  readonly floats?: readonly number[];
  /** Tiles of each phase, at most 3; 0 elements of work: []. */
  readonly tiles: readonly number[];
  /** Bytes of the workspace operand (the last operand); 0 or undefined: the operand is still there, with no memory. */
  readonly workspace?: number;
  /**
   * Phase 0 fills the workspace from this input's data alone, in a form that the key tells from others: the backend may keep it while the
   * data stays the same and leave phase 0 out.
   */
  readonly packs?: { readonly input: number; readonly key: string };
}

/** An op with a kernel of its own: reductions, matmul, conv, sort, random numbers, optimiser steps. */
/** (x - mean) / sqrt(variance + eps) * weight + bias of each channel. */
export interface Channelwise<T> {
  readonly mean: T;
  readonly variance: T;
  readonly weight: T;
  readonly bias: T;
  readonly eps: number;
}

export interface KernelOp extends Row {
  readonly kind: 'kernel';
  /** Names of the tensor operands, in order; a name ending in ? may be null. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs: Readonly<Record<string, string>>;
  /** Shape and dtype rule: throws typed errors that name the op and the shapes. */
  // biome-ignore lint/suspicious/noExplicitAny: attrs are typed where an op is called
  readonly infer: (inputs: readonly Meta[], attrs: any) => readonly Result[];
  /** Storage dtype in which each input reaches the kernel (the backend converts): one for all or one per input. 'same' keeps its own. */
  readonly loads: (inputs: readonly Meta[], attrs: Attrs) => DType | readonly (DType | 'same')[];
  /** Storage dtype in which the kernel writes each output; the backend converts to the inferred dtype. Default: as `loads` of input 0. */
  readonly writes?: (inputs: readonly Meta[], attrs: Attrs) => readonly DType[];
  /** One for all inputs, one per input, or a rule. Default 'contiguous'. */
  readonly layout?: Layout | readonly Layout[] | ((input: Meta, index: number, inputs: readonly (Meta | null)[], attrs: Attrs) => Layout);
  /** Inputs that the kernel writes, by name: their versions advance. */
  readonly mutates?: readonly string[];
  /** Names of the integer and float fields: gives assembly/gen/fields.ts its constants. */
  readonly ints: readonly string[];
  readonly floats?: readonly string[];
  /** Metadata here is after conversion: dtypes as `loads`/`writes`, layouts as asked. */
  // biome-ignore lint/suspicious/noExplicitAny: attrs are typed where an op is called
  readonly lower: (inputs: readonly (Meta | null)[], outputs: readonly Meta[], attrs: any) => Lowered;
  /** The AssemblyScript function, exported by assembly/kernels/<file>.ts: (s: usize, phase: i32, tile: i32) => void. */
  readonly kernel: { readonly file: string; readonly name: string };
  /** Clamps that its last pass can apply to the result, by name as its attribute `activation`: the bits of separate ops. */
  readonly activations?: (attrs: Attrs) => readonly string[];
  /** The inputs, by number, along whose dimension 0 a factor and a summand of each of the result's channels (dimension 1) can go. */
  readonly affine?: { readonly weight: number; readonly bias: number };
  /** The factor and summand of channels that it is by these operands; null where it is more. */
  readonly channelwise?: <T>(inputs: readonly T[], attrs: Attrs) => Channelwise<T> | null;
  /** Its products run by either of two tiles of one order of summation: the backend finds the one that the engine likes. */
  readonly tiled?: boolean;
  /** False: not a public method or function by itself. */
  readonly random?: boolean;
}

export type Op = MapOp | ViewOp | KernelOp;
/** Whether a call changes its input i. */
export function mutates(op: Op, i: number): boolean {
  return op.kind === 'kernel' && op.mutates !== undefined && op.mutates.includes(op.inputs[i]?.replace('?', ''));
}

type Given<T, K extends keyof T> = Omit<T, 'kind' | 'name' | 'opcode' | 'inputs' | 'saves' | 'sources' | 'vjp' | K> & Partial<Pick<T, K>>;
type MapSpec<N extends string, S extends N | 'y'> = Given<Omit<MapOp, 'dense'>, 'promote' | 'out' | 'masks'> & {
  readonly saves?: readonly S[];
  readonly vjp: Vjp<S> | null;
};

const sourcesOf = (saves: readonly string[], inputs: readonly string[], outputs: readonly string[]): number[] =>
  saves.map((saved) => {
    const input = inputs.findIndex((n) => n === saved || n === `${saved}?`);
    return input >= 0 ? input : -1 - outputs.indexOf(saved);
  });

function map<N extends string, S extends N | 'y'>(inputs: readonly N[], spec: MapSpec<N, S>): MapOp {
  return {
    kind: 'map',
    name: '',
    opcode: -1,
    sources: sourcesOf(spec.saves ?? [], inputs, ['y']),
    promote: 'same',
    out: 'same',
    masks: [],
    inputs,
    dense: spec.out !== 'bool' && !spec.masks?.length && spec.dtypes.includes('float32') && spec.dtypes.includes('float64'),
    ...spec,
    saves: spec.saves ?? [],
    vjp: spec.vjp as Vjp<string> | null,
  };
}
/** A row of an op on one operand, x. */
export function unary<const S extends 'x' | 'y' = never>(spec: MapSpec<'x', S>): MapOp {
  return map<'x', S>(['x'], spec);
}
/** A row of an op on two operands, a and b. */
export function binary<const S extends 'a' | 'b' | 'y' = never>(spec: MapSpec<'a' | 'b', S>): MapOp {
  return map<'a' | 'b', S>(['a', 'b'], spec);
}
/** A row of an op on three operands, a, b and c. */
export function ternary<const S extends 'a' | 'b' | 'c' | 'y' = never>(spec: MapSpec<'a' | 'b' | 'c', S>): MapOp {
  return map<'a' | 'b' | 'c', S>(['a', 'b', 'c'], spec);
}

type ViewSpec<S extends string> = Omit<ViewOp, 'kind' | 'name' | 'opcode' | 'inputs' | 'saves' | 'sources' | 'vjp'> & {
  readonly vjp: Vjp<S> | null;
};
/** A row of a view of x. */
export function view(spec: ViewSpec<never>): ViewOp {
  return { kind: 'view', name: '', opcode: -1, inputs: ['x'], saves: [], sources: [], ...spec, vjp: spec.vjp as Vjp<string> | null };
}

type Names<I extends string, O extends string> = (I extends `${infer B}?` ? B : I) | O;
type KernelSpec<I extends string, O extends string, S extends Names<I, O>> = Omit<
  KernelOp,
  'kind' | 'name' | 'opcode' | 'inputs' | 'outputs' | 'saves' | 'sources' | 'vjp'
> & { readonly inputs: readonly I[]; readonly outputs: readonly O[]; readonly saves?: readonly S[]; readonly vjp: Vjp<S> | null };
/** A row of an op with a kernel of its own. */
export function kernel<const I extends string, const O extends string, const S extends Names<I, O> = never>(
  spec: KernelSpec<I, O, S>,
): KernelOp {
  return {
    kind: 'kernel',
    name: '',
    opcode: -1,
    sources: sourcesOf(spec.saves ?? [], spec.inputs, spec.outputs),
    ...spec,
    saves: spec.saves ?? [],
    vjp: spec.vjp as Vjp<string> | null,
  };
}
