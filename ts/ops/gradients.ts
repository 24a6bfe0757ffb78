import type { Ops } from './gen/ops.ts';
import type { Arg, Value, Vjp } from './op.ts';

/** A gradient of zeros, even where the incoming one is infinite. */
export function zeros({ where }: Ops, dy: Value): Value {
  return where(false, dy, 0);
}

/** The derivative of steps: zero for every operand that wants one. */
export const flat: Vjp<never> = (ops, { dy, needs }) => needs.map((need) => (need ? zeros(ops, dy) : null));

/** An operand that may be a JavaScript number, as a tensor of the gradient's dtype. */
export function tensor({ where }: Ops, dy: Value, x: Arg): Value {
  return typeof x === 'object' ? x : where(false, dy, x);
}

/** exp(min(x, 0)): the half of an exponential that a where() picks; it cannot overflow in the half that is thrown away. */
export function expBelowZero({ exp, clamp }: Ops, x: Value): Value {
  return exp(clamp(x, -Infinity, 0));
}
