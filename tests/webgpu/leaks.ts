// npm run leaks:webgpu [-- steps]: training steps, eager and as a plan, with a constant count of buffers and bytes. 10,000 by default.
import { pathToFileURL } from 'node:url';
import { trainingStep } from '../../perf/webgpu/steps.ts';
import { shadersReady } from '../../ts/gpu/index.ts';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';
import { startDawn } from './dawn.ts';

/** Lets the collector take what was dropped before, so that a count tells of these steps alone. */
async function collected(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Trains and tells the counts of four quarters. @throws where they differ */
export async function keepsNoBuffer(planned: boolean, steps: number): Promise<string> {
  const model = new nn.Sequential(new nn.Linear(8, 16), new nn.Tanh(), new nn.Linear(16, 3)).to('webgpu');
  const x = wick.randn([16, 8]).to('webgpu');
  const y = wick.randint(0, 3, [16]).to('webgpu');
  const train = trainingStep(model, new optim.Adam(model.parameters(), { lr: 1e-2 }));
  const run = planned ? wick.compile(train) : train;
  const counts: string[] = [];
  const quarter = Math.ceil(steps / 4);
  for (let step = 1; step <= 4 * quarter; step++) {
    const loss = wick.scope(() => run(x, y));
    if (step === 4) await shadersReady();
    if (step % 64 === 0) await loss.item();
    if (step % quarter === 0) {
      await loss.item();
      await collected();
      const { buffers, bytes } = wick.memory().gpu as { buffers: number; bytes: number };
      counts.push(`${buffers} buffers, ${bytes} bytes`);
    }
    loss.dispose();
  }
  if ('dispose' in run) (run as { dispose(): void }).dispose();
  if (new Set(counts).size !== 1) throw new Error(`after ${4 * quarter} ${planned ? 'planned' : 'eager'} steps: ${counts.join('; ')}`);
  return counts[0];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(await startDawn());
  const steps = Number(process.argv[2] ?? 10000);
  for (const planned of [false, true]) {
    const start = performance.now();
    const held = await keepsNoBuffer(planned, steps);
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    console.log(`${steps} ${planned ? 'planned' : 'eager'} steps in ${seconds} s: ${held} after each quarter`);
  }
  process.exit();
}
