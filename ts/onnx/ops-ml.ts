// ai.onnx.ml: linear models, scalers and trees, as scikit-learn's converters write them.
import { cat, stack, type Tensor, tensor, where } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';
import { treeEnsemble } from './ops-tree.ts';
import { Value } from './value.ts';

const rowsOf = (x: Tensor): Tensor => (x.ndim === 1 ? x.reshape([1, -1]) : x);
const list = (c: Call, name: string): Tensor => {
  const numbers = c.floatsOr(name) ?? [];
  return tensor(numbers, { dtype: 'float32', shape: [numbers.length] });
};

/** What is done to scores: NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO. */
function transformed(c: Call, scores: Tensor): Tensor {
  const how = c.str('post_transform', 'NONE');
  if (how === 'NONE') return scores;
  if (how === 'LOGISTIC') return scores.sigmoid();
  if (how === 'SOFTMAX') return scores.softmax(-1);
  if (how === 'SOFTMAX_ZERO') return scores.softmax(-1).mul(scores.ne(0).to(scores.dtype));
  return c.fail(`the transform '${how}' is not supported`);
}
/** The label of the highest score. */
function labelled(c: Call, place: Tensor, names: readonly string[] = c.stringsOr('classlabels_strings') ?? []): Value {
  if (names.length > 0)
    return Value.known(
      'string',
      place.shape,
      Value.of(place, 'int64')
        .numbers()
        .map((i) => names[i] ?? ''),
    );
  const ints = c.intsOr('classlabels_ints') ?? c.intsOr('classlabels_int64s') ?? [];
  if (ints.length === 0) return Value.of(place, 'int64');
  return Value.of(
    tensor(ints, { dtype: 'int64' })
      .indexSelect(0, place.reshape([-1]))
      .reshape(place.shape),
    'int64',
  );
}
const classCount = (c: Call): number =>
  (c.stringsOr('classlabels_strings')?.length || c.intsOr('classlabels_ints')?.length || c.intsOr('classlabels_int64s')?.length) ?? 0;

function linearClassifier(c: Call): Value[] {
  const x = rowsOf(c.x(0)).to('float32');
  const coefficients = list(c, 'coefficients');
  const bias = list(c, 'intercepts');
  const n = coefficients.numel / x.shape[1];
  let scores = x.matmul(coefficients.reshape([n, x.shape[1]]).t());
  if (bias.numel > 0) scores = scores.add(bias);
  // One row of coefficients tells two classes apart.
  const binary = n === 1 && classCount(c) === 2;
  const label = binary ? scores.gt(0).to('int64').reshape([-1]) : scores.argmax(1);
  let shown = scores;
  if (binary) {
    const how = c.str('post_transform', 'NONE');
    const up = how === 'LOGISTIC' ? scores.sigmoid() : scores;
    shown = cat([how === 'LOGISTIC' ? up.neg().add(1) : up.neg(), up], 1);
    if (how !== 'LOGISTIC') shown = transformed(c, shown);
  } else shown = transformed(c, scores);
  return [labelled(c, label), Value.of(shown)];
}
function linearRegressor(c: Call): Tensor {
  const x = rowsOf(c.x(0)).to('float32');
  const targets = c.int('targets', 1);
  const y = x.matmul(list(c, 'coefficients').reshape([targets, -1]).t());
  const bias = list(c, 'intercepts');
  return transformed(c, bias.numel > 0 ? y.add(bias) : y);
}

interface Trees {
  readonly roots: readonly number[];
  readonly mode: readonly string[];
  readonly feature: readonly number[];
  readonly value: readonly number[];
  readonly yes: readonly number[];
  readonly no: readonly number[];
  readonly missing: readonly number[];
}
/** The leaf of each tree that a row of features reaches. */
function leafOf(t: Trees, root: number, at: (feature: number) => number, c: Call): number {
  let k = root;
  for (let steps = 0; t.mode[k] !== 'LEAF'; steps++) {
    if (steps > t.mode.length) c.fail('a tree has a cycle');
    const [x, v] = [at(t.feature[k]), t.value[k]];
    const on =
      { BRANCH_LEQ: x <= v, BRANCH_LT: x < v, BRANCH_GTE: x >= v, BRANCH_GT: x > v, BRANCH_EQ: x === v, BRANCH_NEQ: x !== v }[t.mode[k]] ??
      c.fail(`the node mode '${t.mode[k]}' is unknown`);
    k = on || (Number.isNaN(x) && t.missing[k] === 1) ? t.yes[k] : t.no[k];
    if (t.mode[k] === undefined) c.fail('a tree leads to a node that is not there');
  }
  return k;
}
/** Sums of the weights at the leaves, [rows, targets]; and whether any weight stood there. */
function treeSums(c: Call, kind: 'class' | 'target', targets: number): Float32Array {
  const x = c.v(0);
  const width = x.shape[x.shape.length - 1];
  const rows = x.size / Math.max(width, 1);
  const numbers = x.numbers();
  const ids = c.intsOr('nodes_treeids') ?? [];
  const nodes = c.intsOr('nodes_nodeids') ?? [];
  const place = new Map(nodes.map((n, i) => [`${ids[i]} ${n}`, i]));
  const to = (name: string): number[] => (c.intsOr(name) ?? []).map((n, i) => place.get(`${ids[i]} ${n}`) ?? -1);
  const [yes, no] = [to('nodes_truenodeids'), to('nodes_falsenodeids')];
  const mode = c.stringsOr('nodes_modes') ?? [];
  const children = new Set(mode.flatMap((m, i) => (m === 'LEAF' ? [] : [yes[i], no[i]])));
  const trees: Trees = {
    roots: nodes.map((_, i) => i).filter((i) => !children.has(i)),
    mode,
    feature: c.intsOr('nodes_featureids') ?? [],
    value: c.floatsOr('nodes_values') ?? [],
    yes,
    no,
    missing: c.intsOr('nodes_missing_value_tracks_true') ?? [],
  };
  const weights = new Map<number, [target: number, weight: number][]>();
  const [of, at, number, weight] = ['treeids', 'nodeids', 'ids']
    .map((n) => c.intsOr(`${kind}_${n}`) ?? [])
    .concat([c.floatsOr(`${kind}_weights`) ?? []]);
  weight.forEach((w, i) => {
    const leaf = place.get(`${of[i]} ${at[i]}`) ?? c.fail('a weight stands at a node that is not there');
    if (!(number[i] >= 0 && number[i] < targets)) c.fail(`target ${number[i]} of ${targets}`);
    weights.set(leaf, [...(weights.get(leaf) ?? []), [number[i], w]]);
  });
  const aggregate = c.str('aggregate_function', 'SUM');
  const base = c.floatsOr('base_values') ?? [];
  const out = new Float32Array(c.list(rows * targets));
  c.list(rows * trees.roots.length);
  for (let r = 0; r < rows; r++) {
    const sums = new Array<number | null>(targets).fill(null);
    for (const root of trees.roots)
      for (const [t, w] of weights.get(leafOf(trees, root, (f) => numbers[r * width + f], c)) ?? []) {
        const old = sums[t];
        sums[t] = old === null ? w : aggregate === 'MIN' ? Math.min(old, w) : aggregate === 'MAX' ? Math.max(old, w) : old + w;
      }
    for (let t = 0; t < targets; t++) {
      const sum = sums[t] ?? 0;
      out[r * targets + t] = (aggregate === 'AVERAGE' ? sum / trees.roots.length : sum) + (base.length === 1 ? base[0] : (base[t] ?? 0));
    }
  }
  return out;
}
function treeRegressor(c: Call): Tensor {
  const targets = c.int('n_targets', 1);
  const sums = treeSums(c, 'target', targets);
  return transformed(c, tensor(sums, { shape: [sums.length / targets, targets] }));
}
function treeClassifier(c: Call): Value[] {
  const n = classCount(c);
  const single = new Set(c.intsOr('class_ids') ?? []).size === 1 && n === 2;
  const sums = treeSums(c, 'class', n);
  let scores = tensor(sums, { shape: [sums.length / n, n] });
  if (single) {
    // One weight for two classes: a probability where none is negative, else a margin.
    const id = (c.intsOr('class_ids') as number[])[0];
    const up = scores.select(1, id);
    const positive = (c.floatsOr('class_weights') ?? []).every((w) => w >= 0);
    const label = up.gt(positive ? 0.5 : 0).to('int64');
    const how = c.str('post_transform', 'NONE');
    const shown = how === 'LOGISTIC' ? up.sigmoid() : up;
    scores = stack([how === 'LOGISTIC' || positive ? shown.neg().add(1) : shown.neg(), shown], 1);
    return [labelled(c, label), Value.of(scores)];
  }
  return [labelled(c, scores.argmax(1)), Value.of(transformed(c, scores))];
}

function normalizer(c: Call): Tensor {
  const x = rowsOf(c.x(0)).to('float32');
  const how = c.str('norm', 'MAX');
  const size =
    how === 'MAX'
      ? x.abs().amax(1, { keepdim: true })
      : how === 'L1'
        ? x.abs().sum(1, { keepdim: true })
        : x.mul(x).sum(1, { keepdim: true }).sqrt();
  return x.div(size.maskedFill(size.eq(0), 1));
}
function imputer(c: Call): Value {
  const x = c.x(0);
  const floats = c.floatsOr('imputed_value_floats') ?? [];
  const ints = c.intsOr('imputed_value_int64s') ?? [];
  const values = floats.length > 0 ? floats : ints;
  const old = floats.length > 0 ? c.float('replaced_value_float', 0) : c.int('replaced_value_int64', 0);
  return c.same(where(Number.isNaN(old) ? x.isnan() : x.eq(old), tensor(values, { dtype: x.dtype, shape: [values.length] }), x));
}
function oneHot(c: Call): Tensor {
  const v = c.v(0);
  const strings = c.stringsOr('cats_strings') ?? [];
  const known: readonly (string | number)[] = strings.length > 0 ? strings : (c.intsOr('cats_int64s') ?? []);
  const items: readonly (string | number)[] = v.type === 'string' ? v.strings() : v.numbers();
  const out = new Float32Array(c.list(items.length * known.length));
  items.forEach((x, i) => {
    const k = known.indexOf(x);
    if (k >= 0) out[i * known.length + k] = 1;
    else if (c.int('zeros', 1) === 0) c.fail(`'${x}' is none of the known values`);
  });
  return tensor(out, { shape: [...v.shape, known.length] });
}

/** ai.onnx.ml. */
export const LEARNING: Readonly<Record<string, Row>> = Object.fromEntries(
  Object.entries<Row>({
    ArrayFeatureExtractor: {
      run: (c) => {
        const x = c.x(0);
        return c.same(rowsOf(x).indexSelect(Math.max(x.ndim, 2) - 1, c.x(1).to('int64').reshape([-1])));
      },
    },
    Binarizer: { run: (c) => c.same(c.x(0).gt(c.float('threshold', 0)).to(c.x(0).dtype)) },
    Scaler: { run: (c) => c.x(0).to('float32').sub(list(c, 'offset')).mul(list(c, 'scale')) },
    Normalizer: { run: normalizer },
    Imputer: { run: imputer },
    OneHotEncoder: { run: oneHot },
    FeatureVectorizer: {
      run: (c) =>
        cat(
          c.inputs.map((_, i) => rowsOf(c.x(i)).to('float32')),
          1,
        ),
    },
    LinearRegressor: { run: linearRegressor },
    LinearClassifier: { run: linearClassifier },
    TreeEnsembleRegressor: { run: treeRegressor },
    TreeEnsembleClassifier: { run: treeClassifier },
    TreeEnsemble: { run: treeEnsemble },
  }).map(([name, row]) => [`ai.onnx.ml:${name}`, row]),
);
