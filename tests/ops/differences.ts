import * as assert from 'uvu/assert';
import { grad, type Tensor, tensor } from '../../ts/index.ts';

/** Numbers between -1 and 1, the same every time. */
export function noise(n: number, seed = 1): number[] {
  let s = seed;
  return Array.from({ length: n }, () => {
    s = (Math.imul(s, 1103515245) + 12345) >>> 0;
    return s / 2 ** 31 - 1;
  });
}
/** A float64 tensor of noise. */
export function sample(shape: readonly number[], seed = 1): Tensor {
  return tensor(
    new Float64Array(
      noise(
        shape.reduce((p, v) => p * v, 1),
        seed,
      ),
    ),
  ).reshape([...shape]);
}
/** All elements as numbers, row-major. */
export function flat(x: Tensor): number[] {
  return Array.from(x.dataSync() as ArrayLike<number | bigint>, Number);
}
/** Asserts two lists equal within `tolerance`. */
export function close(actual: readonly number[], expected: readonly number[], tolerance: number, what: string): void {
  assert.is(actual.length, expected.length, `${what}: length`);
  for (let i = 0; i < actual.length; i++) {
    const same = Object.is(actual[i], expected[i]) || (Number.isNaN(actual[i]) && Number.isNaN(expected[i]));
    assert.ok(same || Math.abs(actual[i] - expected[i]) <= tolerance, `${what}: element ${i} is ${actual[i]}, not ${expected[i]}`);
  }
}

type Fn = (...inputs: Tensor[]) => Tensor;

function weighted(y: Tensor): Tensor {
  return y.mul(sample(y.shape, 77)).sum();
}
/** Compares the gradients of a function of float64 inputs with central differences, at up to `points` elements of each input. */
export function checkGradient(f: Fn, inputs: readonly Tensor[], what: string, points = 12): void {
  const leaves = inputs.map((x) =>
    tensor(new Float64Array(flat(x)), { requiresGrad: false })
      .reshape([...x.shape])
      .clone()
      .requiresGrad_(),
  );
  const grads = grad(weighted(f(...leaves)), leaves, { allowUnused: true });
  inputs.forEach((x, i) => {
    const values = flat(x);
    // No gradient means that nothing depends on the input: then the differences are 0 as well.
    const own = grads[i];
    const g = own === null ? values.map(() => 0) : flat(own);
    const step = Math.max(1, Math.floor(values.length / points));
    for (let k = 0; k < values.length; k += step) {
      const at = (d: number): number => {
        const moved = Float64Array.from(values);
        moved[k] += d;
        return weighted(
          f(
            ...inputs.map((v, j) =>
              j === i
                ? tensor(moved)
                    .reshape([...x.shape])
                    .requiresGrad_()
                : v,
            ),
          ),
        ).itemSync();
      };
      const slope = (at(1e-5) - at(-1e-5)) / 2e-5;
      assert.ok(
        Math.abs(slope - g[k]) <= 1e-6 * (1 + Math.abs(slope)),
        `${what}: d/d input ${i} element ${k} is ${g[k]}, differences say ${slope}`,
      );
    }
  });
}
/** checkGradient of f, then of f's gradient. */
export function checkTwice(f: Fn, inputs: readonly Tensor[], what: string): void {
  checkGradient(f, inputs, what);
  checkGradient(
    (...xs) => {
      // Differences move plain tensors: each becomes a leaf of its own.
      const leaves = xs.map((x) => (x.requiresGrad ? x : x.clone().requiresGrad_()));
      const y = f(...leaves);
      const grads = grad(y, leaves, { gradOutputs: sample(y.shape, 5), createGraph: true }) as Tensor[];
      return grads.map((g, i) => g.mul(sample(g.shape, i + 9)).sum()).reduce((p, v) => p.add(v));
    },
    inputs,
    `${what}, twice`,
    6,
  );
}
