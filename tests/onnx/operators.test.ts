import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pages } from './operators.ts';

test('docs/models.md lists the operators that there are', () => {
  const { is, wanted } = pages();
  assert.is(is, wanted, 'run `node build/tests/onnx/operators.js --write`');
});

test.run();
