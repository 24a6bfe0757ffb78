// Every row of the op table on one thread, beside what the machine can do at all, measured between the rows.
//   npm run bench [-- --rows 'matmul|soft' --ms 60]
import { parseArgs } from 'node:util';
import * as wick from '../../ts/index.ts';
import { TABLE } from '../../ts/ops/networks.ts';
import type { KernelOp, MapOp } from '../../ts/ops/op.ts';
import { callKernel, callMap } from '../../ts/tensor/index.ts';
import { bytesOf, type Case, KERNELS, mapCase } from './cases.ts';
import { best, peak } from './peak.ts';

const { values: options } = parseArgs({ options: { rows: { type: 'string' }, ms: { type: 'string' } } });
const wanted = new RegExp(options.rows ?? '.');
const seconds = Number(options.ms ?? 60) / 1000;

wick.setThreads(1);
const machine = peak();
const missing: string[] = [];
let flops = 0;
let copied = 0;
console.log('row                        ms      G/s    GB/s   share of the peak');
for (const op of Object.values(TABLE)) {
  if (op.kind === 'view' || !wanted.test(op.name)) continue;
  const make = op.kind === 'map' ? () => mapCase(op) : KERNELS[op.name];
  if (make === undefined) {
    missing.push(op.name);
    continue;
  }
  wick.scope(() => measure(op, make()));
}
console.log(`\nregister peak ${(flops / 1e9).toFixed(1)} GF/s, copy ${(copied / 1e9).toFixed(1)} GB/s (best seen); ${wick.info().runtime}`);
if (missing.length > 0) {
  console.error(`no case in perf/bench/cases.ts: ${missing.join(', ')}`);
  process.exitCode = 1;
}

function measure(op: MapOp | KernelOp, c: Case): void {
  const run = (): wick.Tensor[] => (op.kind === 'map' ? [callMap(op, c.inputs)] : callKernel(op, c.inputs, c.attrs));
  const drop = (ys: readonly wick.Tensor[]): void => {
    for (const y of ys) y.dispose();
  };
  const ys = run();
  const bytes = bytesOf(c.inputs, ys, op);
  const elements = Math.max(...[...c.inputs, ...ys].map((x) => x?.numel ?? 0));
  drop(ys);
  for (let i = 0; i < 8; i++) drop(run());
  const time = best(() => drop(run()), seconds);
  const limit = c.flops === undefined ? machine.copied(Math.ceil(bytes / 128) * 64) : machine.flops();
  if (c.flops === undefined) copied = Math.max(copied, limit);
  else flops = Math.max(flops, limit);
  const rate = c.flops ?? bytes;
  const cells = [(time * 1e3).toFixed(3).padStart(8), ((c.flops ?? elements) / time / 1e9).toFixed(2).padStart(8)];
  cells.push((bytes / time / 1e9).toFixed(1).padStart(7), `${((100 * rate) / time / limit).toFixed(0).padStart(5)} %`);
  console.log(`${op.name.padEnd(22)} ${cells.join(' ')} of ${c.flops === undefined ? 'copying' : 'mul + add'}`);
}
