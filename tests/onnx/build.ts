// ONNX models made in memory, for tests.
import { type GraphProto, MODEL, type NodeProto, type TensorProto } from '../../ts/onnx/messages.ts';
import { codeOf, type ElemType } from '../../ts/onnx/types.ts';
import { encodeMessage } from '../../ts/onnx/wire.ts';

type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly graph: object }
  | { readonly tensor: Partial<TensorProto> };
/** A node: operator, inputs, outputs, attributes. */
export function node(
  op: string,
  input: readonly string[],
  output: readonly string[],
  attrs: Readonly<Record<string, Attribute>> = {},
  domain = '',
): NodeProto {
  const attribute = Object.entries(attrs).map(([name, v]) => {
    if (typeof v === 'number') return { name, i: v, type: 2 };
    if (typeof v === 'string') return { name, s: new TextEncoder().encode(v), type: 3 };
    if (Array.isArray(v)) return { name, ints: [...(v as number[])], type: 7 };
    if ('float' in v) return { name, f: v.float, type: 1 };
    return 'graph' in v ? { name, g: v.graph, type: 5 } : { name, t: (v as { tensor: object }).tensor, type: 4 };
  });
  return { opType: op, input: [...input], output: [...output], attribute, domain } as unknown as NodeProto;
}
/** A port: name, type, shape. */
export function port(name: string, type: ElemType, shape: readonly (number | string)[]): object {
  const dim = shape.map((n) => (typeof n === 'number' ? { value: n } : { param: n }));
  return { name, type: { tensor: { elemType: codeOf(type), shape: { dim } } } };
}
/** An initializer of floats or int64. */
export function floats(name: string, dims: readonly number[], list: readonly number[]): Partial<TensorProto> {
  return { name, dims: [...dims], dataType: 1, rawData: new Uint8Array(Float32Array.from(list).buffer) };
}
export function longs(name: string, dims: readonly number[], list: readonly number[]): Partial<TensorProto> {
  return { name, dims: [...dims], dataType: 7, int64Data: list.map(BigInt) };
}
/** What a test model is made of. */
export interface Parts {
  readonly nodes: readonly NodeProto[];
  readonly inputs?: readonly object[];
  readonly outputs: readonly object[];
  readonly initializers?: readonly Partial<TensorProto>[];
  readonly functions?: readonly object[];
  readonly opset?: number;
}
export function graph({ nodes, inputs = [], outputs, initializers = [] }: Parts): Partial<GraphProto> {
  return { node: [...nodes], input: inputs as never, output: outputs as never, initializer: initializers as never, name: 'g' };
}
/** The bytes of a model. */
export function modelOf(parts: Parts): Uint8Array {
  const opsetImport = [
    { domain: '', version: parts.opset ?? 21 },
    { domain: 'com.microsoft', version: 1 },
    { domain: 'my', version: 1 },
  ];
  return encodeMessage({ irVersion: 10, graph: graph(parts), opsetImport, functions: parts.functions as never }, MODEL);
}
