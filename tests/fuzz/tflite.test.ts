import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzz } from './tflite.ts';

test('damaged .tflite files: results or typed errors, soon and in little memory', () => {
  const { files, problems } = fuzz({ seconds: 20, seed: 1, from: 0, files: 1500 });
  assert.equal(problems, []);
  assert.ok(files >= 300, `only ${files} files in 20 seconds`);
});

test.run();
