import type { Ops } from '../ops/gen/ops.ts';
import type { Meta, Value } from '../ops/op.ts';

type Full = Ops & { zerosOf(meta: Meta): Value; onesOf(meta: Meta): Value };
let table: Full | null = null;

/** Every op under its name, as derivatives call them. */
export function derivativeOps(): Full {
  return table as Full;
}
/** Filled by ops.ts once every function exists. */
export function setDerivativeOps(ops: Full): void {
  table = ops;
}
