import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exportONNX } from '../../ts/onnx/index.ts';
import { written } from '../onnx/modules.ts';
import { judge } from './onnx.ts';
import { damaged } from './onnx-mutations.ts';
import { Dice } from './random.ts';

test('damaged ONNX models are typed errors, or run', () => {
  const models = written().map(({ module, examples }) => exportONNX(module, examples));
  for (let i = 0; i < 300; i++) {
    const dice = new Dice(i);
    const { bytes, what } = damaged(dice, dice.pick(models));
    const wrong = judge(bytes);
    assert.is(wrong, null, `number ${i} (${what}): ${wrong}`);
  }
});

test.run();
