import type { RawTensor } from '../../ts/formats/raw.ts';
import type { Module } from '../../ts/nn/index.ts';
import { scope, type Tensor } from '../../ts/tensor/index.ts';
import { type ModuleCase, moduleFiles } from './cases.ts';
import { Decoder, type JsonValue, tensorsIn } from './decode.ts';
import { judge, type Verdict } from './report.ts';
import { differs, toTensor } from './tensors.ts';
import { construct, NotImplemented, optionName, plain, tensorsOf } from './torch-names.ts';

/** Runs the cases of torch/modules, each also on inputs that are not contiguous. */
export function* runModules(folder: string, only?: ReadonlySet<string>): Generator<Verdict> {
  for (const { module, cases, tensors } of moduleFiles(folder, only))
    for (const c of cases)
      yield judge(
        'modules',
        module,
        c.id,
        (e) => e instanceof NotImplemented,
        () =>
          scope(() => runCase(module, c, tensors, false)) ??
          prefix(
            'non-contiguous inputs: ',
            scope(() => runCase(module, c, tensors, true)),
          ),
      );
}
/** Arguments of forward that wick takes by position, should a case name them. */
const OPERANDS: ReadonlySet<string> = new Set(['input', 'target', 'src', 'tgt', 'query', 'key', 'value', 'hx', 'memory']);
const prefix = (text: string, message: string | null): string | null => (message === null ? null : text + message);

function runCase(name: string, c: ModuleCase, raw: ReadonlyMap<string, RawTensor>, strided: boolean): string | null {
  const decoder = new Decoder(raw, (r, info) => toTensor(r, { requiresGrad: info.requiresGrad, strided: strided && info.requiresGrad }));
  const dict = (json: { [key: string]: JsonValue } | undefined): Record<string, Tensor> =>
    Object.fromEntries(Array.from(decoder.dict(json ?? {}), ([k, v]) => [k, plain(v) as Tensor]));
  const ctor = {
    args: decoder.list(c.ctor.args).map(plain),
    kwargs: Object.fromEntries(Array.from(decoder.dict(c.ctor.kwargs), ([k, v]) => [k, plain(v)])),
  };
  const model = construct(name, ctor.args, ctor.kwargs);
  const state = { ...dict(c.params), ...dict(c.buffers) };
  // A weight given to a loss's constructor is its buffer already.
  const { missingKeys } = model.loadStateDict(state, { strict: false });
  const lost = missingKeys.filter((k) => !Object.keys(ctor.kwargs).includes(k));
  const unknown = Object.keys(state).filter((k) => !Object.hasOwn(model.stateDict(), k));
  if (lost.length + unknown.length > 0) return `state dict: not in the file: [${lost}], not in the module: [${unknown}]`;
  model.train(c.training);

  const given = Object.entries(c.kwargs).map(([k, v]) => [optionName(k), plain(decoder.value(v))] as const);
  const args = [...decoder.list(c.args).map(plain), ...given.filter(([k]) => OPERANDS.has(k)).map(([, v]) => v)];
  const kwargs = given.filter(([k]) => !OPERANDS.has(k));
  const outs = tensorsOf(kwargs.length > 0 ? model.forward(...args, Object.fromEntries(kwargs)) : model.forward(...args));

  const expected = tensorsIn(decoder.value(c.out));
  if (outs.length !== expected.length) return `${outs.length} results instead of ${expected.length}`;
  for (const [i, e] of expected.entries()) {
    const message = differs(`result ${i}`, outs[i], raw.get(e.key) as RawTensor, c.atol[i]);
    if (message !== null) return message;
  }
  return checkBuffers(model, c, decoder, raw) ?? checkGradients(model, c, decoder, raw, outs);
}

const keyOf = (json: JsonValue): string =>
  (json as { $tensor?: string; $ref?: string }).$tensor ?? ((json as { $ref: string }).$ref as string);

function checkBuffers(model: Module, c: ModuleCase, _decoder: Decoder<Tensor>, raw: ReadonlyMap<string, RawTensor>): string | null {
  const now = model.stateDict();
  for (const [name, json] of Object.entries(c.buffers_after ?? {})) {
    const message = differs(`buffer ${name}`, now[name], raw.get(keyOf(json)) as RawTensor, 1e-5);
    if (message !== null) return message;
  }
  return null;
}

function checkGradients(
  model: Module,
  c: ModuleCase,
  decoder: Decoder<Tensor>,
  raw: ReadonlyMap<string, RawTensor>,
  outs: Tensor[],
): string | null {
  const b = c.backward;
  if (b === undefined) return null;
  const total = b.outs.map((o, i) => outs[o].mul(plain(decoder.value(b.cotangents[i])) as Tensor).sum()).reduce((a, x) => a.add(x));
  total.backward();
  const parameters = new Map(model.namedParameters());
  const check = (label: string, grad: Tensor | null | undefined, json: JsonValue, atol: number): string | null =>
    json === null ? null : differs(`gradient of ${label}`, grad, raw.get(keyOf(json)) as RawTensor, atol);
  for (const [name, json] of Object.entries(b.params)) {
    const message = check(name, parameters.get(name)?.grad, json, b.atol[name]);
    if (message !== null) return message;
  }
  for (const [key, json] of Object.entries(b.inputs)) {
    const message = check(`input ${key}`, decoder.made.get(key)?.tensor.grad, json, b.atol[key]);
    if (message !== null) return message;
  }
  return null;
}
