// npm run conformance:webgpu [-- parts of names]: the PyTorch op database of the conformance data with operands on the GPU, results and
// gradients. Refusals are left out: they are the same code on every device. Failures known of a driver are listed with their reasons.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RawTensor } from '../../ts/formats/raw.ts';
import type { GpuInfo } from '../../ts/gpu/index.ts';
import { DeviceError, grad, info, scope, Tensor, zeros } from '../../ts/index.ts';
import { type OpCase, opFiles } from '../conformance/cases.ts';
import { type Answer, answer, compare } from '../conformance/compare.ts';
import { Decoder, type JsonValue, type Value } from '../conformance/decode.ts';
import { conformanceFolder, repositoryRoot } from '../conformance/folder.ts';
import { run } from '../conformance/op-adapters.ts';
import { argument, flat, keyOf, leaves } from '../conformance/ops.ts';
import { toTensor } from '../conformance/tensors.ts';
import { NotImplemented } from '../conformance/torch-names.ts';
import { startDawn } from './dawn.ts';

/** Tolerances stated here for ops and drivers: what the case's own atol is multiplied by, and failures known by id. */
interface Stated {
  readonly factors: Readonly<Record<string, number>>;
  readonly drivers: Readonly<Record<string, Readonly<Record<string, string>>>>;
}
/** Sums in another order, and polynomials of our own, deviate by some times what a float32 run of the reference does. */
const FACTOR = 8;

interface Pair {
  readonly label: string;
  readonly got: Tensor | null;
  readonly want: RawTensor;
  readonly atol: number;
}

/** Runs a case: the tensors to compare, or a line that says what differs. */
function attempt(c: OpCase, raw: ReadonlyMap<string, RawTensor>): Pair[] | string {
  const decoder = new Decoder<Tensor>(raw, (r, { requiresGrad }) => {
    const x = toTensor(r).to('webgpu');
    return requiresGrad ? x.requiresGrad_(true) : x;
  });
  const args = decoder.list(c.args).map(argument);
  const kwargs = new Map([...decoder.dict(c.kwargs)].map(([k, v]) => [k, argument(v)]));
  const outs = flat(run(c.fn, args, kwargs));
  const expected: Value<Tensor>[] = leaves(decoder.value(c.out as JsonValue));
  if (expected.length !== outs.length) return `${outs.length} results instead of ${expected.length}`;
  const pairs: Pair[] = [];
  let nr = 0;
  for (const [i, e] of expected.entries()) {
    const out = outs[i];
    if (e.kind === 'meta' || e.kind === 'tensor') {
      if (!(out instanceof Tensor)) return `result ${i} is no tensor`;
      if (e.kind === 'meta' && (out.dtype !== e.dtype || String(out.shape) !== String(e.shape)))
        return `result ${i}: ${out.dtype} [${out.shape}] instead of ${e.dtype} [${e.shape}]`;
      if (e.kind === 'tensor' && e.complex) throw new NotImplemented('complex numbers');
      if (e.kind === 'tensor') pairs.push({ label: `result ${i}`, got: out, want: raw.get(e.key) as RawTensor, atol: c.atol?.[nr++] ?? 0 });
    } else if ('value' in e && Number(e.value) !== Number(out) && String(e.value) !== String(out))
      return `result ${i}: ${String(out)} instead of ${String(e.value)}`;
  }
  const b = c.backward;
  if (b === undefined) return pairs;
  const tensors = outs.filter((o): o is Tensor => o instanceof Tensor);
  const keys = Object.keys(b.grads);
  if (keys.some((key) => decoder.made.get(key)?.complex)) throw new NotImplemented('complex numbers');
  const sources = b.outs
    .map((o, i) => ({ out: tensors[o], cotangent: argument(decoder.value(b.cotangents[i])) as Tensor }))
    .filter(({ out }) => out.requiresGrad);
  const inputs = keys.map((key) => decoder.made.get(key)?.tensor as Tensor);
  const found =
    sources.length === 0
      ? []
      : grad(
          sources.map((s) => s.out),
          inputs,
          { gradOutputs: sources.map((s) => s.cotangent), allowUnused: true },
        );
  keys.forEach((key, i) => {
    const json = b.grads[key];
    if (json !== null)
      pairs.push({ label: `gradient of ${key}`, got: found[i] ?? null, want: raw.get(keyOf(json)) as RawTensor, atol: b.atol[key] });
  });
  return pairs;
}

async function differs({ label, got, want, atol }: Pair, factor: number): Promise<string | null> {
  const y = got ?? zeros(want.shape, { dtype: want.dtype });
  const message = compare({ dtype: y.dtype, shape: y.shape, data: (await y.data()) as Answer['data'] }, answer(want), atol * factor);
  return message === null ? null : `${label}: ${message}`;
}

const folder = conformanceFolder('torch');
if (folder === null) {
  console.log('skipped: conformance:webgpu - ../shared/conformance is not here');
  process.exit();
}
const adapter = await startDawn();
console.log(adapter);
const words = process.argv.slice(2);
const stated = JSON.parse(readFileSync(join(repositoryRoot(), 'tests/webgpu/stated.json'), 'utf8')) as Stated;
const known: Readonly<Record<string, string>> = {
  ...(JSON.parse(readFileSync(join(repositoryRoot(), 'tests/conformance/expected-failures.json'), 'utf8')) as Record<string, string>),
  ...Object.entries(stated.drivers).find(([driver]) => adapter.includes(driver))?.[1],
};
const sum = { passed: 0, failed: 0, known: 0 };
const left = new Map<string, Set<string>>();
const leave = (why: string, op: string): unknown => left.set(why, (left.get(why) ?? new Set()).add(op));
let refusals = 0;
for (const { op, cases, tensors } of opFiles(join(folder, '..')))
  for (const c of cases) {
    if (words.length > 0 && !words.some((w) => op.includes(w))) continue;
    if (c.kind === 'error') {
      refusals++;
      continue;
    }
    let message: string | null = null;
    try {
      const pairs = scope(() => {
        const found = attempt(c, tensors);
        return typeof found === 'string' ? found : found.map((p) => ({ ...p, got: p.got?.detach() ?? null }));
      });
      if (typeof pairs === 'string') message = pairs;
      else
        for (const pair of pairs) {
          message ??= await differs(pair, stated.factors[op] ?? FACTOR);
          pair.got?.dispose();
        }
    } catch (error) {
      const { name, message: text } = error as Error;
      if (error instanceof NotImplemented) {
        leave(`not implemented: ${text}`, op);
        continue;
      }
      if (error instanceof DeviceError && /the data is on webgpu/.test(text)) {
        leave("shape or value depends on data: it asks for await x.to('wasm')", op);
        continue;
      }
      message = `${name}: ${text.split('\n')[0]}`;
    }
    const reason = known[c.id];
    if (message === null && reason !== undefined) message = 'it passes; take it off stated.json';
    else if (message !== null && reason !== undefined) {
      sum.known++;
      continue;
    }
    if (message === null) sum.passed++;
    else {
      sum.failed++;
      console.log(`FAIL ${op} ${c.id}: ${message}`);
    }
  }
for (const [why, ops] of left) console.log(`left out: ${[...ops].join(', ')} (${why})`);
console.log(`left out: ${refusals} refusals, which need no device`);
for (const [op, why] of Object.entries((info().gpu as GpuInfo).onWasm)) console.log(`on wasm: ${op} (${why})`);
if (sum.known > 0) console.log(`${sum.known} failures are known of this driver`);
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exit(sum.failed > 0 ? 1 : 0);
