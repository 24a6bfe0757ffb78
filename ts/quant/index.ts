// Brings the quantised kernels: their rows into the table, their module into the device's function table.

import type { Joinable } from '../backend.ts';
import { fromBase64 } from '../base/base64.ts';
import { DeviceError } from '../base/errors.ts';
import '../ops/networks.ts';
import type { KernelOp } from '../ops/op.ts';
import * as quantised from '../ops/quantised.ts';
import * as quantisedConv from '../ops/quantised-conv.ts';
import { addFamilies, TABLE } from '../ops/table.ts';
import { callKernel } from '../tensor/call.ts';
import { backend, type Tensor, type TensorCore } from '../tensor/core.ts';
import { joinKernels } from '../tensor/joined.ts';
import { quant } from './gen/quant.ts';

addFamilies({ quantised, quantisedConv });

const NAMES = Object.keys({ ...quantised, ...quantisedConv }).filter((name) => TABLE[name]?.kind === 'kernel');
const MISSING = 'this runtime compiles no WebAssembly at run time, which quantised models need; use a float model';

let joined: boolean | null = null;
/** The device that kernels join: the one behind those that write down what it does. */
function joinable(device: object): Joinable {
  const { inner } = device as { readonly inner?: object };
  return 'loaded' in device || inner === undefined ? (device as Joinable) : joinable(inner);
}
/** Lets the device run the rows, if the runtime compiles WebAssembly at run time; a call after the first does nothing. */
export function joinQuantised(): void {
  if (joined !== null) return;
  const opcodes = joinKernels(joinable(backend()), fromBase64(quant));
  joined = opcodes !== null;
  if (opcodes === null) return;
  // Kernels bear the names of their rows: bundles drop the rows' own note of them.
  for (const name of NAMES) Object.defineProperty(TABLE[name], 'opcode', { value: opcodes[name] });
}
// A plan from a file names rows without a model: their kernels join when the first is asked for.
for (const name of NAMES)
  Object.defineProperty(TABLE[name], 'opcode', {
    configurable: true,
    get(): number {
      joinQuantised();
      if (joined !== true) throw new DeviceError(MISSING);
      return TABLE[name].opcode;
    },
  });

/** Runs a row of the quantised kernels. @throws DeviceError where they could not be compiled */
export function call(op: unknown, inputs: readonly (Tensor | null)[], attrs: Readonly<Record<string, unknown>>): Tensor {
  if (joined !== true) throw new DeviceError(MISSING);
  return callKernel(op as KernelOp, inputs as readonly (TensorCore | null)[], attrs)[0];
}
/** Whether the kernels can run here. */
export function quantisedJoined(): boolean {
  return joined === true;
}
