// Random numbers and dropout.
import { onesLike, rand, randn, type Tensor } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';
import { typed } from './call.ts';
import { type ElemType, elemType, typeOf } from './types.ts';
import type { Value } from './value.ts';

const typeFor = (c: Call, otherwise: ElemType): ElemType => (c.attr('dtype') ? elemType(c.int('dtype'), 'dtype') : otherwise);
const shapeOf = (c: Call): readonly number[] =>
  c.inputs.length > 0 ? c.v(0).shape : c.room(c.intsOr('shape') ?? c.fail('the shape is missing'));
const own = (c: Call): ElemType => (c.inputs.length > 0 ? c.type(0) : 'float');

const uniform = (c: Call): Value => {
  const [low, high] = [c.float('low', 0), c.float('high', 1)];
  return typed(
    rand(shapeOf(c), { dtype: 'float32' })
      .mul(high - low)
      .add(low),
    typeFor(c, own(c)),
  );
};
const normal = (c: Call): Value =>
  typed(randn(shapeOf(c), { dtype: 'float32' }).mul(c.float('scale', 1)).add(c.float('mean', 0)), typeFor(c, own(c)));

function dropout(c: Call): (Tensor | Value)[] {
  const x = c.x(0);
  const ratio = c.version >= 12 ? (c.has(1) ? c.number(1) : 0.5) : c.float('ratio', 0.5);
  const training = c.version >= 12 && c.has(2) && c.number(2) !== 0;
  const maskType: ElemType = c.version >= 10 ? 'bool' : typeOf(x.dtype);
  if (!training || ratio === 0) return c.wants(1) ? [x, typed(onesLike(x), maskType)] : [x];
  const mask = rand(x.shape, { dtype: 'float32' }).ge(ratio);
  return [x.mul(mask.to(x.dtype)).mul(1 / (1 - ratio)), typed(mask, maskType)];
}
function multinomial(c: Call): Value {
  const n = c.int('sample_size', 1);
  c.room([c.x(0).shape[0], n]);
  return typed(c.x(0).softmax(1).multinomial(n, true), c.attr('dtype') ? elemType(c.int('dtype'), 'dtype') : 'int32');
}

/** Random operators: their seeds are those of the default generator. */
export const RANDOM: Readonly<Record<string, Row>> = {
  RandomUniform: { folds: false, run: uniform },
  RandomUniformLike: { folds: false, shapeOnly: true, run: uniform },
  RandomNormal: { folds: false, run: normal },
  RandomNormalLike: { folds: false, shapeOnly: true, run: normal },
  Bernoulli: { folds: false, run: (c) => typed(rand(c.v(0).shape, { dtype: 'float32' }).lt(c.x(0).to('float32')), typeFor(c, c.type(0))) },
  Multinomial: { folds: false, run: multinomial },
  Dropout: { host: [1, 2], folds: false, run: dropout },
};
