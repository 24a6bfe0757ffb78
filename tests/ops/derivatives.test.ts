// Every row of the op table with a derivative: first and second derivatives against differences; the others are without one on purpose.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as autograd from '../../ts/autograd/index.ts';
import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import { TABLE } from '../../ts/ops/networks.ts';
import type { KernelOp, MapOp, ViewOp } from '../../ts/ops/op.ts';
import { invoke } from '../../ts/tensor/call.ts';
import { type Call, draw, KERNELS, VIEWS } from './samples.ts';
import { NO_DERIVATIVE, SMOOTH } from './smooth.ts';

const test = suite('derivatives of the table');
const rows = Object.values(TABLE);

test('every row has a derivative or is named as having none', () => {
  const without = rows.filter((op) => op.vjp === null).map((op) => op.name);
  assert.equal(without.sort(), Object.keys(NO_DERIVATIVE).sort());
});
test('every row has sample calls, and every sample a row', () => {
  assert.equal(
    rows
      .filter((op) => op.kind === 'kernel')
      .map((op) => op.name)
      .sort(),
    Object.keys(KERNELS).sort(),
  );
  assert.equal(
    rows
      .filter((op) => op.kind === 'view')
      .map((op) => op.name)
      .sort(),
    Object.keys(VIEWS).sort(),
  );
  for (const name of Object.keys(SMOOTH)) assert.is(TABLE[name]?.kind, 'map', name);
});

/** Both checks; outputs that are not floating point take no part. */
function check(fn: (...x: Tensor[]) => Tensor | Tensor[], inputs: Tensor[]): void {
  autograd.gradcheck(fn, inputs, { atol: 1e-7, rtol: 1e-6 });
  autograd.gradgradcheck(fn, inputs, { atol: 1e-6, rtol: 1e-5 });
}

for (const op of rows.filter((r): r is MapOp => r.kind === 'map' && r.vjp !== null))
  test(op.name, () => {
    const operands = op.inputs.map((_, i) => SMOOTH[op.name]?.[i] ?? ([-1.9, 1.9] as const));
    const tensors = operands.flatMap((o) => (typeof o === 'number' ? [] : [o]));
    // Also broadcast against each other, where there are several.
    for (const shapes of [tensors.map(() => [2, 3]), tensors.map((_, i) => (i % 2 === 0 ? [2, 1] : [3]))]) {
      const inputs = tensors.map(([low, high], i) => draw(shapes[i], low, high).requiresGrad_());
      check((...xs) => {
        let next = 0;
        return wick.callMap(
          op,
          operands.map((o) => (typeof o === 'number' ? o : xs[next++])),
        );
      }, inputs);
    }
  });

function checkCall(op: KernelOp | ViewOp, { inputs, attrs }: Call): void {
  const given = inputs.filter((x): x is Tensor => x !== null).map((x) => (x.dtype === 'float64' ? x.requiresGrad_() : x));
  check((...xs) => {
    let next = 0;
    return invoke(op, [...inputs.map((x) => (x === null ? null : xs[next++])), attrs]);
  }, given);
}
for (const op of rows.filter((r): r is KernelOp | ViewOp => r.kind !== 'map' && r.vjp !== null))
  test(op.name, () => {
    for (const call of (op.kind === 'view' ? VIEWS : KERNELS)[op.name]()) checkCall(op, call);
  });

test.run();
