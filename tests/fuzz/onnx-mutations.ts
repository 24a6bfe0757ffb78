// Damage to ONNX models: their messages, and their bytes.
import { type AttributeProto, type GraphProto, MODEL, type ModelProto, type NodeProto, type TensorProto } from '../../ts/onnx/messages.ts';
import { decodeMessage, encodeMessage } from '../../ts/onnx/wire.ts';
import type { Dice } from './random.ts';

const SIZES = [-1, 0, 1, 2, 3, 7, 255, 65536, 2147483647, 2147483648, 4294967296, Number.MAX_SAFE_INTEGER, -9007199254740991];
const PATHS = ['../secret', '/etc/passwd', 'C:\\x', 'a/../../b', 'model.onnx', ''];

/** Changes one thing about a model and tells what. */
type Mutation = (dice: Dice, model: ModelProto, graph: GraphProto) => string;

const node = (dice: Dice, graph: GraphProto): NodeProto | undefined => dice.pick(graph.node);
const tensors = (graph: GraphProto): TensorProto[] => [
  ...graph.initializer,
  ...graph.node.flatMap((n) => n.attribute.flatMap((a) => (a.t === undefined ? [] : [a.t]))),
];
const attribute = (dice: Dice, graph: GraphProto): AttributeProto | undefined => {
  const all = graph.node.flatMap((n) => n.attribute);
  return all.length === 0 ? undefined : dice.pick(all);
};
const names = (graph: GraphProto): string[] => [
  '',
  'nothing',
  ...graph.node.flatMap((n) => [...n.input, ...n.output]),
  ...graph.input.map((i) => i.name ?? ''),
];

const MUTATIONS: readonly Mutation[] = [
  (dice, _, graph) => {
    const n = node(dice, graph);
    if (n === undefined || n.input.length === 0) return 'no input to change';
    n.input[dice.roll(n.input.length)] = dice.pick(names(graph));
    return 'an input goes elsewhere (missing, cyclic, of another kind)';
  },
  (dice, _, graph) => {
    const n = node(dice, graph);
    if (n === undefined || n.output.length === 0) return 'no output to change';
    n.output[dice.roll(n.output.length)] = dice.pick(names(graph));
    return 'an output has the name of something else';
  },
  (dice, _, graph) => {
    const n = node(dice, graph);
    if (n !== undefined) n.opType = dice.pick(graph.node).opType;
    return 'another operator';
  },
  (dice, _, graph) => {
    node(dice, graph)?.input.splice(0, 1);
    return 'an input less';
  },
  (dice, _, graph) => {
    const n = node(dice, graph);
    if (n !== undefined) n.input.push(dice.pick(names(graph)));
    return 'an input more';
  },
  (dice, _, graph) => {
    const t = dice.pick(tensors(graph));
    if (t !== undefined) t.dims = Array.from({ length: dice.roll(4) }, () => dice.pick(SIZES));
    return 'a tensor of another shape';
  },
  (dice, _, graph) => {
    const t = dice.pick(tensors(graph));
    if (t !== undefined) t.dataType = dice.roll(30);
    return 'a tensor of another type';
  },
  (dice, _, graph) => {
    const t = dice.pick(tensors(graph));
    if (t?.rawData !== undefined) t.rawData = t.rawData.subarray(0, dice.roll(t.rawData.length + 1));
    return 'data cut off';
  },
  (dice, _, graph) => {
    const t = dice.pick(tensors(graph));
    if (t?.rawData !== undefined && t.dataType === 7) {
      const copy = new Uint8Array(t.rawData);
      for (let i = 0; i < copy.length; i++) copy[i] = dice.roll(4) === 0 ? dice.roll(256) : copy[i];
      t.rawData = copy;
    } else if (t !== undefined) t.int64Data = t.int64Data.map(() => BigInt(dice.pick(SIZES)));
    return 'whole numbers of a tensor changed (shapes, indices)';
  },
  (dice, _, graph) => {
    const t = dice.pick(tensors(graph));
    if (t !== undefined) {
      t.dataLocation = 1;
      t.externalData = [
        { key: 'location', value: dice.pick(PATHS) },
        { key: 'offset', value: String(dice.pick(SIZES)) },
        { key: 'length', value: String(dice.pick(SIZES)) },
      ];
    }
    return 'external data elsewhere';
  },
  (dice, _, graph) => {
    const a = attribute(dice, graph);
    if (a?.i !== undefined) a.i = dice.pick(SIZES);
    if (a?.ints !== undefined) a.ints = a.ints.map((v) => (dice.roll(2) === 0 ? v : dice.pick(SIZES)));
    return 'numbers of an attribute';
  },
  (dice, _, graph) => {
    const a = attribute(dice, graph);
    if (a !== undefined) a.ints = a.ints.slice(0, dice.roll(a.ints.length + 1));
    return 'an attribute with fewer numbers';
  },
  (dice, _, graph) => {
    const n = node(dice, graph);
    if (n !== undefined && n.attribute.length > 0) n.attribute.splice(dice.roll(n.attribute.length), 1);
    return 'an attribute less';
  },
  (dice, _, graph) => {
    const a = attribute(dice, graph);
    if (a !== undefined) a.name = dice.pick(['axis', 'pads', 'kernel_shape', 'value', 'to', 'body', 'x']);
    return 'an attribute with another name';
  },
  (dice, _, graph) => {
    const a = attribute(dice, graph);
    if (a === undefined) return 'no attribute';
    const b = { ...a };
    let inner = { ...graph, node: graph.node.slice(0, 1).map((n) => ({ ...n, attribute: [] as AttributeProto[] })) };
    for (let i = 0; i < 1 + dice.roll(300); i++) {
      const [first] = inner.node;
      inner = { ...inner, node: [{ ...first, attribute: [{ ...b, g: inner }] }] };
    }
    a.g = inner;
    return 'graphs nested deeply';
  },
  (dice, model) => {
    for (const o of model.opsetImport) o.version = dice.pick([-1, 0, 1, 6, 7, 11, 13, 18, 99, 4294967296]);
    return 'another version of the operators';
  },
  (dice, _, graph) => {
    if (graph.initializer.length > 0) graph.initializer.push(dice.pick(graph.initializer));
    return 'an initializer twice';
  },
  (dice, _, graph) => {
    if (graph.initializer.length > 0) graph.initializer.splice(dice.roll(graph.initializer.length), 1);
    return 'an initializer less';
  },
  (dice, _, graph) => {
    const port = dice.pick([...graph.input, ...graph.output]);
    const dim = port?.type?.tensor?.shape?.dim;
    if (dim !== undefined && dim.length > 0) dim[dice.roll(dim.length)] = { value: dice.pick(SIZES) };
    return 'an input or output of another shape';
  },
  (dice, model, graph) => {
    const n = node(dice, graph);
    if (n === undefined) return 'no node';
    const name = 'Self';
    const inner = { ...n, opType: name, domain: 'f' };
    model.functions.push({
      name,
      domain: 'f',
      input: [...n.input],
      output: [...n.output],
      attribute: [],
      attributeProto: [],
      node: [inner, inner],
      opsetImport: model.opsetImport,
    });
    n.opType = name;
    n.domain = 'f';
    return 'a function that calls itself';
  },
];

/** A damaged copy of a model, and what was done to it. */
export function damaged(dice: Dice, bytes: Uint8Array): { bytes: Uint8Array; what: string } {
  if (dice.roll(4) === 0) {
    const copy = bytes.slice(0, dice.roll(3) === 0 ? dice.roll(bytes.length) : bytes.length);
    for (let i = 0, n = dice.roll(8); i < n && copy.length > 0; i++) copy[dice.roll(copy.length)] = dice.roll(256);
    return { bytes: copy, what: 'bytes changed or cut off' };
  }
  const model = decodeMessage(bytes, MODEL) as unknown as ModelProto;
  const what = Array.from({ length: 1 + dice.roll(2) }, () => dice.pick(MUTATIONS)(dice, model, model.graph as GraphProto));
  return { bytes: encodeMessage(model as never, MODEL), what: what.join('; ') };
}
