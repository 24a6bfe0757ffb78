// npm run test:onnxruntime: onnxruntime-node loads every model of the round trips as wick writes it, and agrees with wick's results.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { at } from '../../../scripts/sources.mjs';
import { install } from '../../runtime/install.mjs';

const problem = await install('tests/onnx/ort');
if (problem !== null) {
  console.log(`skipped: test:onnxruntime - ${problem}`);
  process.exit(0);
}
const ort = createRequire(at('tests/onnx/ort/package.json'))('onnxruntime-node');
const wick = await import(pathToFileURL(at('build/ts/index.js')).href);
const { exportONNX } = await import(pathToFileURL(at('build/ts/onnx/index.js')).href);
const { trips } = await import(pathToFileURL(at('build/tests/onnx/modules.js')).href);

wick.manualSeed(7);
let passed = 0;
let failed = 0;
for (const { name, module, examples, batch, refused } of trips()) {
  if (refused !== undefined) continue;
  let worst = null;
  try {
    const session = await ort.InferenceSession.create(exportONNX(module, examples, { dynamicBatch: batch }), { logSeverityLevel: 3 });
    for (const inputs of batch ? [examples, examples.map((x) => wick.cat([x, x], 0))] : [examples]) {
      const feeds = Object.fromEntries(
        session.inputNames.map((n, i) => [n, new ort.Tensor(inputs[i].dtype, inputs[i].dataSync(), inputs[i].shape)]),
      );
      const results = await session.run(feeds);
      const want = [wick.noGrad(() => module.forward(...inputs))].flat();
      want.forEach((y, k) => {
        const { data, dims } = results[session.outputNames[k]];
        if (dims.join() !== y.shape.join()) throw new Error(`result ${k} has shape [${dims}] instead of [${y.shape}]`);
        y.contiguous()
          .dataSync()
          .forEach((v, i) => {
            const there = Number(data[i]);
            const equal = Math.abs(there - Number(v)) <= 1e-5 + 1e-4 * Math.abs(Number(v)) || Object.is(there, Number(v));
            if (!equal) worst ??= `element ${i} of result ${k} is ${there} there and ${v} here`;
          });
      });
    }
  } catch (error) {
    worst = error.message;
  }
  if (worst === null) passed++;
  else {
    failed++;
    console.log(`FAIL ${name}: ${worst}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
