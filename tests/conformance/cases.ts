import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RawTensor } from '../../ts/formats/raw.ts';
import { parse } from '../../ts/formats/safetensors.ts';
import type { JsonValue } from './decode.ts';

type Dict<T> = { [key: string]: T };

/** The kinds of an op's cases; see the README of the conformance data. */
export type OpKind = 'sample' | 'dtype' | 'promotion' | 'special' | 'error';

/** One call of an operator. Fields of type JsonValue are for `Decoder`. */
export type OpCase = {
  id: string;
  kind: OpKind;
  fn: string;
  args: JsonValue[];
  kwargs: Dict<JsonValue>;
  argnames?: string[];
  /** Absent where `raises`. */
  out?: JsonValue;
  /** One number per tensor of `out`, in order of appearance; absent where nothing is compared. */
  atol?: number[];
  backward?: { outs: number[]; cotangents: JsonValue[]; grads: Dict<JsonValue>; atol: Dict<number> };
  mutates?: string[];
  random?: boolean;
  uninitialised?: boolean;
  note?: string;
  raises?: string;
  message?: string;
};

/** An operator with its cases and their tensors. */
export type OpFile = {
  op: string;
  torch_name: string;
  variant: string | null;
  aliases: string[];
  functions: string[];
  method: boolean;
  inplace: boolean;
  differentiable: boolean;
  tier: 'common' | 'other';
  class: 'unary' | 'binary' | 'reduction' | 'other';
  cases: OpCase[];
  tensors: Map<string, RawTensor>;
};

/** One construction and call of an `nn` module. */
export type ModuleCase = {
  id: string;
  desc: string;
  training: boolean;
  ctor: { args: JsonValue[]; kwargs: Dict<JsonValue> };
  params?: Dict<JsonValue>;
  buffers?: Dict<JsonValue>;
  args: JsonValue[];
  kwargs: Dict<JsonValue>;
  out: JsonValue;
  atol: number[];
  buffers_after?: Dict<JsonValue>;
  backward?: { outs: number[]; cotangents: JsonValue[]; params: Dict<JsonValue>; inputs: Dict<JsonValue>; atol: Dict<number> };
};

/** A module with its cases and their tensors. */
export type ModuleFile = { module: string; tier: 'common' | 'other'; cases: ModuleCase[]; tensors: Map<string, RawTensor> };

/** Arguments of an optimizer or a schedule: plain JSON, not the value language. */
export type PlainKwargs = Dict<number | string | boolean | null | (number | string)[]>;

/** Steps with given gradients: variants `plain`, `groups` and `grad_none`. */
export type StepsCase = {
  id: string;
  variant: 'plain' | 'groups' | 'grad_none';
  optimizer: string;
  kwargs: PlainKwargs;
  params: number;
  steps: number;
  group_overrides: (PlainKwargs | null)[] | null;
  grad_none: [step: number, parameter: number][] | null;
  tensors: { params: string[]; grads: string[]; trajectory: string[] };
  atol: number;
};

/** Minimising a function. */
export type ObjectiveCase = {
  id: string;
  variant: 'objective';
  optimizer: string;
  kwargs: PlainKwargs;
  objective: 'quadratic' | 'rosenbrock';
  steps: number;
  losses: number[];
  closure_calls: number;
  tensors: { x0: string; trajectory: string; A?: string; b?: string };
  atol: number;
  float64_final: number[];
};

/** Gradient clipping. */
export type ClipCase = {
  id: string;
  variant: 'clip';
  fn: string;
  kwargs: PlainKwargs;
  returns: number | null;
  tensors: { grads: string[]; after: string[] };
  atol: number;
};

/** A case of `torch/optim/optim.json`, told apart by `variant`. */
export type OptimCase = StepsCase | ObjectiveCase | ClipCase;

/** A learning-rate schedule: `lr[t]` of both groups after t steps. */
export type ScheduleCase = {
  id: string;
  scheduler: string;
  kwargs: PlainKwargs;
  lr: [number, number][];
  rtol: number;
  momentum?: [number, number][];
  metrics?: number[];
};

/** A whole training run. */
export type TrainCase = {
  id: string;
  model: string;
  loss: string;
  optimizer: { name: string; kwargs: PlainKwargs };
  scheduler: { name: string; kwargs: PlainKwargs } | null;
  clip_grad_norm: number | null;
  steps: number;
  batch: number;
  init: Dict<string>;
  final: Dict<string>;
  first_grads: Dict<string>;
  x: string;
  y: string;
  eval_output: string;
  losses: number[];
  grad_norms_before_clip?: number[];
  tolerance: { loss_atol: number; weights_atol: Dict<number>; note: string };
};

/**
 * The operators of `<folder>/torch/ops` in the order of the index, read one at a time; `only` names some of them.
 *
 * `for (const { op, cases, tensors } of opFiles(folder)) ...`
 */
export function* opFiles(folder: string, only?: ReadonlySet<string>): Generator<OpFile> {
  for (const entry of index(folder, 'ops')) {
    if (only && !only.has(entry.op as string)) continue;
    yield { ...entry, ...files(folder, 'ops', entry) } as unknown as OpFile;
  }
}

/** The modules of `<folder>/torch/modules` in the order of the index, read one at a time; `only` names some of them. */
export function* moduleFiles(folder: string, only?: ReadonlySet<string>): Generator<ModuleFile> {
  for (const entry of index(folder, 'modules')) {
    if (only && !only.has(entry.module as string)) continue;
    yield { ...entry, ...files(folder, 'modules', entry) } as unknown as ModuleFile;
  }
}

/** The optimizer cases of `<folder>/torch/optim` with their tensors, and the schedules. */
export function optimFile(folder: string): { cases: OptimCase[]; tensors: Map<string, RawTensor>; schedules: ScheduleCase[] } {
  const { cases, data } = json(folder, 'optim', 'optim.json') as unknown as { cases: OptimCase[]; data: string };
  const { cases: schedules } = json(folder, 'optim', 'schedulers.json') as unknown as { cases: ScheduleCase[] };
  return { cases, tensors: tensors(folder, 'optim', data), schedules };
}

/** The training runs of `<folder>/torch/train` with their tensors. */
export function trainFile(folder: string): { cases: TrainCase[]; tensors: Map<string, RawTensor> } {
  const { cases, data } = json(folder, 'train', 'train.json') as unknown as { cases: TrainCase[]; data: string };
  return { cases, tensors: tensors(folder, 'train', data) };
}

function index(folder: string, suite: 'ops' | 'modules'): Dict<JsonValue>[] {
  return json(folder, suite, 'index.json')[suite] as Dict<JsonValue>[];
}

function files(folder: string, suite: string, entry: Dict<JsonValue>): { cases: JsonValue; tensors: Map<string, RawTensor> } {
  return { cases: json(folder, suite, entry.file as string).cases!, tensors: tensors(folder, suite, entry.data as string) };
}

function json(folder: string, suite: string, file: string): Dict<JsonValue> {
  return JSON.parse(readFileSync(join(folder, 'torch', suite, file), 'utf8')) as Dict<JsonValue>;
}

function tensors(folder: string, suite: string, file: string): Map<string, RawTensor> {
  return parse(readFileSync(join(folder, 'torch', suite, file))).tensors;
}
