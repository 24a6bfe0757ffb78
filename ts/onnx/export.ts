// exportONNX(): a function or module, as it runs, written as an ONNX model.
import type { Storage } from '../backend.ts';
import { ValueError } from '../base/errors.ts';
import { type Shape, show } from '../base/shape.ts';
import { Module } from '../nn/index.ts';
import { TensorCore } from '../tensor/core.ts';
import { backend, cat, noGrad, setBackend, type Tensor } from '../tensor/index.ts';
import { MODEL, type ValueInfoProto } from './messages.ts';
import { Sketch } from './sketch.ts';
import { Tracer } from './tracer.ts';
import { codeOf, typeOf } from './types.ts';
import { encodeMessage } from './wire.ts';

/** The versions that a written model names: operators and file format. */
export const OPSET = 24;
const IR = 12;

/** How a model is written. */
export interface ExportOptions {
  /** Names of the inputs, in their order; default `x`, or `x0`, `x1`, ... */
  readonly inputNames?: readonly string[];
  /** Names of the outputs; default `y`, or `y0`, `y1`, ... */
  readonly outputNames?: readonly string[];
  /** Whether the first dimension of all inputs and outputs may vary; default false. */
  readonly dynamicBatch?: boolean;
  /** Entries of the model's metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly name?: string;
}

function described(name: string, x: Tensor, batch: boolean): ValueInfoProto {
  const dim = x.shape.map((n, i) => (batch && i === 0 ? { param: 'batch' } : { value: n }));
  return { name, type: { tensor: { elemType: codeOf(typeOf(x.dtype)), shape: { dim } } } };
}
/** A prime that divides no size of the examples or weights. */
function oddBatch(shapes: readonly Shape[]): number {
  const sizes = new Set(shapes.flat());
  for (const p of [13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67]) if (![...sizes].some((n) => n > 0 && n % p === 0)) return p;
  throw new ValueError('exportONNX: no batch size tells the batch from the other sizes; export without dynamicBatch');
}

/**
 * Writes a function of tensors, or a module's forward, as the bytes of an ONNX model (opset 24): it runs once with the example inputs, and
 * what it does becomes the graph; weights keep their names. Modules should be in `eval()` mode. Throws ValueError for what ONNX cannot
 * say, naming the op and the line of the program that called it.
 *
 * `writeFileSync('model.onnx', exportONNX(model, [x], { dynamicBatch: true }))`
 */
export function exportONNX(
  target: ((...args: Tensor[]) => Tensor | readonly Tensor[]) | { forward(...args: Tensor[]): Tensor | readonly Tensor[] },
  examples: readonly Tensor[],
  options: ExportOptions = {},
): Uint8Array {
  const { dynamicBatch = false, metadata = {} } = options;
  const fn = typeof target === 'function' ? target : (...args: Tensor[]) => target.forward(...args);
  const weights = new Map<Storage, string>();
  const shapes: Shape[] = examples.map((x) => x.shape.slice(1));
  if (target instanceof Module)
    for (const [name, x] of [...target.namedParameters(), ...target.namedBuffers()]) {
      if (!weights.has(x.storage)) weights.set(x.storage, name);
      shapes.push(x.shape);
    }
  const sketch = new Sketch(dynamicBatch ? oddBatch(shapes) : 0, backend());
  const names = (given: readonly string[] | undefined, n: number, stem: string): string[] => {
    if (given !== undefined && given.length !== n) throw new ValueError(`exportONNX: ${given.length} names for ${n} tensors`);
    return Array.from({ length: n }, (_, i) => sketch.fresh(given?.[i] ?? (n === 1 ? stem : `${stem}${i}`)));
  };
  const inputNames = names(options.inputNames, examples.length, 'x');
  const real = backend();
  return noGrad(() => {
    const feeds = examples.map((x) => {
      const n = x.shape[0] ?? 0;
      if (sketch.batch === 0) return x.detach().contiguous().clone();
      if (!(n > 0)) throw new ValueError(`exportONNX: an example ${show(x.shape)} has no batch in its first dimension`);
      return cat(new Array<Tensor>(Math.ceil(sketch.batch / n)).fill(x.detach()), 0)
        .narrow(0, 0, sketch.batch)
        .clone();
    });
    const tracer = new Tracer(real, sketch, weights);
    feeds.forEach((x, i) => tracer.hold(x, inputNames[i]));
    sketch.source = inputNames[0] ?? '';
    setBackend(tracer);
    let results: readonly Tensor[];
    let made: string[];
    try {
      const y = fn(...feeds);
      results = Array.isArray(y) ? (y as readonly Tensor[]) : [y as Tensor];
      if (results.some((r) => !(r instanceof TensorCore)))
        throw new ValueError('exportONNX: the function gives something other than a tensor or a list of tensors');
      made = results.map((r) => tracer.name(r));
    } finally {
      setBackend(real);
    }
    const outputNames = names(options.outputNames, results.length, 'y');
    made.forEach((name, i) => {
      sketch.nodes.push({ input: [name], output: [outputNames[i]], name: `output_${i}`, opType: 'Identity', attribute: [] });
    });
    const follows = (x: Tensor): boolean => sketch.batch > 0 && x.shape[0] === sketch.batch;
    return encodeMessage(
      {
        irVersion: IR,
        producerName: 'wick',
        graph: {
          node: sketch.nodes,
          name: options.name ?? (target instanceof Module ? target.constructor.name : 'graph'),
          initializer: sketch.initializers,
          input: feeds.map((x, i) => described(inputNames[i], x, sketch.batch > 0)),
          output: results.map((x, i) => described(outputNames[i], x, follows(x))),
        },
        opsetImport: [{ domain: '', version: OPSET }],
        metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
      },
      MODEL,
    );
  });
}
