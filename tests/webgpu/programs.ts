// Whole programs on the GPU.

import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import { compare } from './compare.ts';

function equal(got: unknown, want: unknown): void {
  if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(`${JSON.stringify(got)} for ${JSON.stringify(want)}`);
}
async function refused(kind: string, text: RegExp, run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (error) {
    const { name, message } = error as Error;
    if (name !== kind || !text.test(message)) throw new Error(`${name}: ${message}`);
    return;
  }
  throw new Error(`no ${kind} was thrown`);
}

export const PROGRAMS: Readonly<Record<string, () => Promise<void>>> = {
  'reads: there, back, and never at once': async () => {
    const x = wick
      .tensor([
        [1, 2],
        [3, 4],
      ])
      .to('webgpu');
    equal(x.device, 'webgpu');
    equal(await x.array(), [
      [1, 2],
      [3, 4],
    ]);
    equal(await x.t().array(), [
      [1, 3],
      [2, 4],
    ]);
    equal(await x.sum().item(), 10);
    const back = await x.to('wasm');
    equal(
      [back.device, back.arraySync()],
      [
        'wasm',
        [
          [1, 2],
          [3, 4],
        ],
      ],
    );
    for (const read of [() => x.dataSync(), () => x.arraySync(), () => x.sum().itemSync()])
      await refused('DeviceError', /await x\.to\('wasm'\)/, read);
  },
  'work goes where the data is': async () => {
    const a = wick.ones([2, 2]);
    const b = wick.ones([2, 2]).to('webgpu');
    equal([a.add(b).device, b.add(a).device, a.add(1).device], ['webgpu', 'webgpu', 'wasm']);
    await refused('DeviceError', /add_.*to\('webgpu'\)|add.*to\('webgpu'\)/, () => a.add_(b));
    b.add_(a);
    equal(await b.array(), [
      [2, 2],
      [2, 2],
    ]);
  },
  'what the device lacks runs on wasm, in order': async () => {
    const x = wick.arange(6, undefined, 1, { dtype: 'float64' }).to('webgpu');
    const y = x.mul(2).add(1).to('float32').add(1);
    equal([y.device, await y.array()], ['webgpu', [2, 4, 6, 8, 10, 12]]);
    const z = wick.zeros([4]).to('webgpu');
    z.slice(0, 1, 3).add_(5);
    equal(await z.array(), [0, 5, 5, 0]);
  },
  'narrow dtypes in place through views': async () => {
    for (const dtype of ['uint8', 'bool', 'float16', 'int64'] as const) {
      const make = (x: Tensor): Tensor => {
        x.slice(1, 1, 6, 2).copy_(wick.ones([5, 3], { dtype }));
        x.t().slice(0, 0, 1).fill_(1);
        return x;
      };
      const x = wick.zeros([5, 7], { dtype });
      await compare(dtype, make(x.to('webgpu')), make(x.clone()), { rtol: 0, atol: 0 });
    }
  },
};
