import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tensor } from '../../ts/index.ts';
import { readOnnx } from '../../ts/onnx/index.ts';
import { MODEL, type ModelProto } from '../../ts/onnx/messages.ts';
import { encodeMessage } from '../../ts/onnx/wire.ts';
import { graph, node, port } from './build.ts';

const text = (s: string): Uint8Array => new TextEncoder().encode(s);
/** A model of one node of ai.onnx.ml. */
function one(
  op: string,
  attrs: Record<string, readonly number[] | readonly string[] | { floats: readonly number[] } | string>,
  outputs: object[],
): ReturnType<typeof readOnnx> {
  const n = node(
    op,
    ['x'],
    outputs.map((_, i) => `y${i}`),
    {},
    'ai.onnx.ml',
  ) as unknown as { attribute: object[] };
  for (const [name, v] of Object.entries(attrs)) {
    if (typeof v === 'string') n.attribute.push({ name, s: text(v), type: 3 });
    else if ('floats' in v) n.attribute.push({ name, floats: [...v.floats], type: 6 });
    else if (typeof v[0] === 'string') n.attribute.push({ name, strings: (v as string[]).map(text), type: 8 });
    else n.attribute.push({ name, ints: [...(v as number[])], type: 7 });
  }
  const g = graph({ nodes: [n as never], inputs: [port('x', 'float', ['n', 2])], outputs });
  const opsetImport = [
    { domain: '', version: 15 },
    { domain: 'ai.onnx.ml', version: 3 },
  ];
  return readOnnx(encodeMessage({ irVersion: 8, graph: g, opsetImport } as unknown as ModelProto as never, MODEL));
}
const x = tensor([
  [1, 2],
  [-3, 0.5],
]);
/** x0 <= 0 ? leaf 1 : (x1 <= 1 ? leaf 3 : leaf 4), as one tree of five nodes. */
const tree = {
  nodes_treeids: [0, 0, 0, 0, 0],
  nodes_nodeids: [0, 1, 2, 3, 4],
  nodes_featureids: [0, 0, 1, 0, 0],
  nodes_values: { floats: [0, 0, 1, 0, 0] },
  nodes_modes: ['BRANCH_LEQ', 'LEAF', 'BRANCH_LEQ', 'LEAF', 'LEAF'],
  nodes_truenodeids: [1, 0, 3, 0, 0],
  nodes_falsenodeids: [2, 0, 4, 0, 0],
};

test('a tree of decisions', () => {
  const leaves = { target_treeids: [0, 0, 0], target_nodeids: [1, 3, 4], target_ids: [0, 0, 0], target_weights: { floats: [10, 20, 30] } };
  const model = one('TreeEnsembleRegressor', { ...tree, ...leaves, base_values: { floats: [0.5] } }, [port('y0', 'float', ['n', 1])]);
  assert.equal(model.run({ x }).y0.arraySync(), [[30.5], [10.5]]);
});

test('a classifier of trees', () => {
  const leaves = {
    class_treeids: [0, 0, 0],
    class_nodeids: [1, 3, 4],
    class_ids: [0, 1, 2],
    class_weights: { floats: [1, 1, 1] },
    classlabels_int64s: [5, 6, 7],
  };
  const model = one('TreeEnsembleClassifier', { ...tree, ...leaves }, [port('y0', 'int64', ['n']), port('y1', 'float', ['n', 3])]);
  const { y0, y1 } = model.run({ x });
  assert.equal(y0.arraySync(), [7, 5]);
  assert.equal(y1.arraySync(), [
    [0, 0, 1],
    [1, 0, 0],
  ]);
});

test('linear models and scalers', () => {
  const scaler = one('Scaler', { offset: { floats: [1, 0] }, scale: { floats: [2, 4] } }, [port('y0', 'float', ['n', 2])]);
  assert.equal(scaler.run({ x }).y0.arraySync(), [
    [0, 8],
    [-8, 2],
  ]);
  const regressor = one('LinearRegressor', { coefficients: { floats: [1, 2] }, intercepts: { floats: [0.5] } }, [
    port('y0', 'float', ['n', 1]),
  ]);
  assert.equal(regressor.run({ x }).y0.arraySync(), [[5.5], [-1.5]]);
  const classifier = one(
    'LinearClassifier',
    { coefficients: { floats: [1, 2, -1, -2] }, intercepts: { floats: [0, 0] }, classlabels_ints: [3, 4] },
    [port('y0', 'int64', ['n']), port('y1', 'float', ['n', 2])],
  );
  assert.equal(classifier.run({ x }).y0.arraySync(), [3, 4]);
});

test.run();
