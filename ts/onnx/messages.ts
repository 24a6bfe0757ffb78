// The messages of onnx.proto: the fields that wick reads or writes (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
import type { Field, Kind, Schema } from './wire.ts';

const one = (name: string, kind: Kind | (() => Schema)): Field => ({ name, kind });
const many = (name: string, kind: Kind | (() => Schema)): Field => ({ name, kind, many: true });

export interface EntryProto {
  key?: string;
  value?: string;
}
const ENTRY: Schema = { 1: one('key', 'string'), 2: one('value', 'string') };

export interface TensorProto {
  dims: number[];
  dataType?: number;
  floatData: number[];
  int32Data: number[];
  stringData: Uint8Array[];
  int64Data: bigint[];
  name?: string;
  rawData?: Uint8Array;
  doubleData: number[];
  uint64Data: bigint[];
  externalData: EntryProto[];
  dataLocation?: number;
}
/** TensorProto. */
export const TENSOR: Schema = {
  1: many('dims', 'int'),
  2: one('dataType', 'int'),
  4: many('floatData', 'float'),
  5: many('int32Data', 'int'),
  6: many('stringData', 'bytes'),
  7: many('int64Data', 'long'),
  8: one('name', 'string'),
  9: one('rawData', 'bytes'),
  10: many('doubleData', 'double'),
  11: many('uint64Data', 'long'),
  13: many('externalData', ENTRY),
  14: one('dataLocation', 'int'),
};

export interface SparseTensorProto {
  values?: TensorProto;
  indices?: TensorProto;
  dims: number[];
}
const SPARSE: Schema = { 1: one('values', TENSOR), 2: one('indices', TENSOR), 3: many('dims', 'int') };

export interface DimensionProto {
  value?: number;
  param?: string;
}
export interface TypeProto {
  tensor?: { elemType?: number; shape?: { dim: DimensionProto[] } };
  sequence?: { elemType?: TypeProto };
  map?: { keyType?: number; valueType?: TypeProto };
  optional?: { elemType?: TypeProto };
}
const SHAPE: Schema = { 1: many('dim', { 1: one('value', 'int'), 2: one('param', 'string') }) };
const TYPE: Schema = {
  1: one('tensor', { 1: one('elemType', 'int'), 2: one('shape', SHAPE) }),
  4: one('sequence', { 1: one('elemType', () => TYPE) }),
  5: one('map', { 1: one('keyType', 'int'), 2: one('valueType', () => TYPE) }),
  9: one('optional', { 1: one('elemType', () => TYPE) }),
};

export interface ValueInfoProto {
  name?: string;
  type?: TypeProto;
}
const VALUE_INFO: Schema = { 1: one('name', 'string'), 2: one('type', TYPE) };

export interface AttributeProto {
  name?: string;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  floats: number[];
  ints: number[];
  strings: Uint8Array[];
  tensors: TensorProto[];
  graphs: GraphProto[];
  tp?: TypeProto;
  type?: number;
  refAttrName?: string;
  sparseTensor?: SparseTensorProto;
}
const ATTRIBUTE: Schema = {
  1: one('name', 'string'),
  2: one('f', 'float'),
  3: one('i', 'int'),
  4: one('s', 'bytes'),
  5: one('t', TENSOR),
  6: one('g', () => GRAPH),
  7: many('floats', 'float'),
  8: many('ints', 'int'),
  9: many('strings', 'bytes'),
  10: many('tensors', TENSOR),
  11: many('graphs', () => GRAPH),
  14: one('tp', TYPE),
  20: one('type', 'int'),
  21: one('refAttrName', 'string'),
  22: one('sparseTensor', SPARSE),
};

export interface NodeProto {
  input: string[];
  output: string[];
  name?: string;
  opType?: string;
  attribute: AttributeProto[];
  domain?: string;
  overload?: string;
}
const NODE: Schema = {
  1: many('input', 'string'),
  2: many('output', 'string'),
  3: one('name', 'string'),
  4: one('opType', 'string'),
  5: many('attribute', ATTRIBUTE),
  7: one('domain', 'string'),
  8: one('overload', 'string'),
};

export interface GraphProto {
  node: NodeProto[];
  name?: string;
  initializer: TensorProto[];
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  valueInfo: ValueInfoProto[];
  sparseInitializer: SparseTensorProto[];
}
const GRAPH: Schema = {
  1: many('node', NODE),
  2: one('name', 'string'),
  5: many('initializer', TENSOR),
  11: many('input', VALUE_INFO),
  12: many('output', VALUE_INFO),
  13: many('valueInfo', VALUE_INFO),
  15: many('sparseInitializer', SPARSE),
};

export interface OpsetProto {
  domain?: string;
  version?: number;
}
const OPSET: Schema = { 1: one('domain', 'string'), 2: one('version', 'int') };

export interface FunctionProto {
  name?: string;
  input: string[];
  output: string[];
  attribute: string[];
  node: NodeProto[];
  opsetImport: OpsetProto[];
  domain?: string;
  attributeProto: AttributeProto[];
  overload?: string;
}
const FUNCTION: Schema = {
  1: one('name', 'string'),
  4: many('input', 'string'),
  5: many('output', 'string'),
  6: many('attribute', 'string'),
  7: many('node', NODE),
  9: many('opsetImport', OPSET),
  10: one('domain', 'string'),
  11: many('attributeProto', ATTRIBUTE),
  13: one('overload', 'string'),
};

export interface ModelProto {
  irVersion?: number;
  producerName?: string;
  producerVersion?: string;
  domain?: string;
  modelVersion?: number;
  docString?: string;
  graph?: GraphProto;
  opsetImport: OpsetProto[];
  metadataProps: EntryProto[];
  functions: FunctionProto[];
}
/** ModelProto. */
export const MODEL: Schema = {
  1: one('irVersion', 'int'),
  2: one('producerName', 'string'),
  3: one('producerVersion', 'string'),
  4: one('domain', 'string'),
  5: one('modelVersion', 'int'),
  6: one('docString', 'string'),
  7: one('graph', GRAPH),
  8: many('opsetImport', OPSET),
  14: many('metadataProps', ENTRY),
  25: many('functions', FUNCTION),
};

export interface SequenceProto {
  elemType?: number;
  tensors: TensorProto[];
  sequences: SequenceProto[];
  optionals: OptionalProto[];
}
/** SequenceProto: values in files of their own. */
export const SEQUENCE: Schema = {
  2: one('elemType', 'int'),
  3: many('tensors', TENSOR),
  5: many('sequences', () => SEQUENCE),
  7: many('optionals', () => OPTIONAL),
};
export interface OptionalProto {
  elemType?: number;
  tensor?: TensorProto;
  sequence?: SequenceProto;
  optional?: OptionalProto;
}
/** OptionalProto. */
export const OPTIONAL: Schema = {
  2: one('elemType', 'int'),
  3: one('tensor', TENSOR),
  5: one('sequence', () => SEQUENCE),
  7: one('optional', () => OPTIONAL),
};
