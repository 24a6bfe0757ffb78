// Operators of one's own.
import type { Tensor } from '../tensor/index.ts';
import { operators } from './call.ts';
import type { Quantization } from './schema.ts';

/** What a custom operator is called with. */
export interface CustomCall {
  /** Its inputs; null where one is absent. */
  readonly inputs: readonly (Tensor | null)[];
  /** Its options as the file holds them, mostly a FlexBuffer. */
  readonly options: Uint8Array;
  /** How inputs and outputs are quantised; null where they are not. */
  readonly inputQuantization: readonly (Quantization | null)[];
  readonly outputQuantization: readonly (Quantization | null)[];
}

/**
 * Adds a custom operator by its name in the file. It is written in wick's functions, gives its results in order, and its results follow from
 * its inputs alone.
 *
 * `registerCustom('Twice', ({ inputs: [x] }) => x.mul(2))`
 */
export function registerCustom(name: string, run: (call: CustomCall) => Tensor | readonly Tensor[]): void {
  operators({
    [`custom:${name}`]: (c) =>
      run({
        inputs: c.op.inputs.map((_, i) => c.maybe(i)),
        options: c.op.customOptions,
        inputQuantization: c.op.inputs.map((at, i) => (at < 0 ? null : c.info(i).quantization)),
        outputQuantization: c.op.outputs.map((_, i) => c.out(i).quantization),
      }),
  });
}
