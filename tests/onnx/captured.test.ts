// A quantised model that is loaded while a plan is being captured, before its kernels have joined. A suite of its own: they join once.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compile, type Tensor } from '../../ts/index.ts';
import { readOnnx } from '../../ts/onnx/index.ts';
import { type MicrosoftCase, microsoftCases } from './microsoft.ts';

test('kernels join the device behind a capture', () => {
  const { model, feeds, wanted } = microsoftCases().find(({ name }) => name === 'QAttention, uint8') as MicrosoftCase;
  const run = compile((x: Tensor) => readOnnx(model).forward(x) as Tensor);
  for (let i = 0; i < 3; i++) {
    const got = run(feeds.x0).contiguous().dataSync() as Float32Array;
    wanted[0].list.forEach((v, k) => {
      assert.ok(Math.abs(got[k] - v) <= 1e-4, `element ${k}: ${got[k]}, not ${v}`);
    });
  }
});

test.run();
