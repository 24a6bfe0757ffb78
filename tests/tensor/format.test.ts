import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { arange, ShapeError } from '../../ts/index.ts';

test('contiguous: channels-last and back, values and gradient unchanged', () => {
  for (const shape of [
    [2, 3, 5],
    [2, 3, 4, 5],
    [2, 3, 2, 4, 5],
  ]) {
    const n = shape.reduce((a, b) => a * b);
    const x = arange(n).to('float32').reshape(shape).requiresGrad_();
    const y = x.contiguous({ memoryFormat: 'channelsLast' });
    assert.ok(y.isContiguous({ memoryFormat: 'channelsLast' }) && !y.isContiguous());
    assert.is(y.strides[1], 1);
    assert.is(y.contiguous({ memoryFormat: 'channelsLast' }), y);
    assert.equal(y.dataSync(), x.dataSync());
    const z = y.contiguous();
    assert.ok(z.isContiguous());
    z.mul(arange(n).reshape(shape)).sum().backward();
    assert.equal(x.grad?.dataSync(), x.dataSync());
  }
  assert.throws(
    () => arange(4).contiguous({ memoryFormat: 'channelsLast' }),
    (e: Error) => e instanceof ShapeError,
  );
});

test.run();
