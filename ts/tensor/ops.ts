// Every row as a function for derivatives: operands, then the attrs object.

import type { MapOp, Meta, Value } from '../ops/op.ts';
import { eachRow, TABLE } from '../ops/table.ts';
import { callMapInto, invoke, setCopyOp } from './call.ts';
import { allocate, type Tensor } from './core.ts';
import { setDerivativeOps } from './derivatives.ts';
import { withGrad } from './node.ts';

const copy = TABLE.copy as MapOp;
setCopyOp(copy);

/** A tensor of one value, row-major. */
export function filled(meta: Pick<Meta, 'shape' | 'dtype'>, value: number | bigint | boolean): Tensor {
  const out = allocate(meta.shape, meta.dtype);
  withGrad(false, () => callMapInto(copy, [value], out, 'full'));
  return out;
}

const functions: Record<string, unknown> = {
  zerosOf: (meta: Meta): Value => filled(meta, 0),
  onesOf: (meta: Meta): Value => filled(meta, 1),
};
eachRow((op) => {
  functions[op.name] = (...args: unknown[]) => invoke(op, args);
});
setDerivativeOps(functions as never);
