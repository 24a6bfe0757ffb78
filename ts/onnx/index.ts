// ONNX models: importing this module lets load() read them.
import { registerFormat } from '../formats/load.ts';
import type { LoadOptions, ModelFile } from '../formats/model.ts';
import { fused } from './fuse.ts';
import { buildGraph } from './graph.ts';
import { type GraphProto, MODEL, type ModelProto, type TensorProto } from './messages.ts';
import { OnnxModel } from './model.ts';
import { Program } from './program.ts';
import type { External } from './tensors.ts';
import { decodeMessage } from './wire.ts';

export { type ExportOptions, exportONNX } from './export.ts';
export { OnnxModel } from './model.ts';
export { ROWS as operators } from './registry.ts';
export { type Item, None, Sequence, Value } from './value.ts';

/** How an ONNX model is read. */
export interface OnnxOptions extends LoadOptions {
  /** The bytes of a file of external data beside the model; default: there is none. */
  readonly external?: External;
}

/**
 * Reads an ONNX model from its bytes. Throws FormatError for a damaged file, an operator that is not implemented, or a graph that does not
 * fit together, naming the node.
 *
 * `readOnnx(bytes).run({ x }).y`
 */
export function readOnnx(bytes: Uint8Array, options: OnnxOptions = {}): OnnxModel {
  return built(decodeMessage(bytes, MODEL) as unknown as ModelProto, options.external ?? (() => null), bytes.length, options);
}

function built(model: ModelProto, external: External, size: number, options: LoadOptions): OnnxModel {
  const metadata: Record<string, string> = {};
  const put = (key: string, value: string | number | undefined): void => {
    if (value !== undefined && value !== '') metadata[key] = String(value);
  };
  put('producer', [model.producerName, model.producerVersion].filter(Boolean).join(' '));
  put('description', model.docString);
  put('domain', model.domain);
  put('modelVersion', model.modelVersion);
  put('irVersion', model.irVersion);
  for (const { domain, version } of model.opsetImport) put(`opset${domain ? ` ${domain}` : ''}`, version);
  for (const { key, value } of model.metadataProps) if (key) put(key, value);
  // External data are part of the model, each file once.
  const files = new Map<string, number>();
  const graph = buildGraph(model, (location) => {
    const bytes = external(location);
    files.set(location, bytes?.length ?? 0);
    return bytes;
  });
  const whole = [...files.values()].reduce((a, b) => a + b, size);
  return new OnnxModel(new Program(fused(graph), options.trusted ? Number.POSITIVE_INFINITY : whole), metadata, options);
}

/** Names of the files that a model's tensors lie in. */
function locations(graph: GraphProto | undefined, found: Set<string>): Set<string> {
  const add = (t: TensorProto | undefined): void => {
    const location = t?.dataLocation === 1 ? t.externalData.find((e) => e.key === 'location')?.value : undefined;
    if (location) found.add(location);
  };
  graph?.initializer.forEach(add);
  for (const node of graph?.node ?? [])
    for (const { t, tensors, g, graphs } of node.attribute) {
      add(t);
      tensors.forEach(add);
      for (const inner of g ? [g, ...graphs] : graphs) locations(inner, found);
    }
  return found;
}

registerFormat({
  from: 'wick/onnx',
  async read(file: ModelFile, options: LoadOptions) {
    const model = decodeMessage(file.bytes, MODEL) as unknown as ModelProto;
    const files = new Map<string, Uint8Array>();
    for (const location of locations(model.graph, new Set())) files.set(location, await file.beside(location));
    return built(model, (location) => files.get(location) ?? null, file.bytes.length, options);
  },
});
