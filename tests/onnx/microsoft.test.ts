// com.microsoft's operators against their definitions, call by call and as plans.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readOnnx } from '../../ts/onnx/index.ts';
import { microsoftCases } from './microsoft.ts';

for (const { name, model, feeds, wanted } of microsoftCases())
  test(name, () => {
    for (const compile of [false, true]) {
      const m = readOnnx(model, { compile });
      for (let run = 0; run < 3; run++) {
        const results = m.run(feeds);
        wanted.forEach(({ shape, list }, k) => {
          const y = results[`y${k}`];
          assert.equal(y.shape, shape);
          const got = y.contiguous().dataSync() as Float32Array;
          const most = list.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
          list.forEach((v, i) => {
            assert.ok(
              Math.abs(got[i] - v) <= 2e-6 * Math.max(1, most) + 1e-5 * Math.abs(v),
              `result ${k}, element ${i}: ${got[i]}, not ${v}`,
            );
          });
        });
      }
      assert.is(m.runs === 'plan', compile);
      m.dispose();
    }
  });

test.run();
