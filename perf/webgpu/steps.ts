// Training steps whose commands are counted: eager, and as plans.
import { type GpuInfo, shadersReady } from '../../ts/gpu/index.ts';
import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';

export type Step = (x: Tensor, y: Tensor) => Tensor;
type Model = nn.Module & { forward(x: Tensor): Tensor };
interface Task {
  readonly step: Step;
  readonly x: Tensor;
  readonly y: Tensor;
}

/** A step of a classifier's training: its loss. */
export function trainingStep(model: Model, optimizer: optim.Optimizer): Step {
  return (x, y) => {
    optimizer.zeroGrad();
    const loss = nn.functional.crossEntropy(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss.detach();
  };
}

function task(model: Model, x: Tensor, y: Tensor): Task {
  model.to('webgpu');
  const step = trainingStep(model, new optim.AdamW(model.parameters(), { lr: 1e-3 }));
  return { step, x: x.to('webgpu'), y: y.to('webgpu') };
}

const MAKERS: Readonly<Record<string, () => Task>> = {
  'MLP 64-128-10, batch 32': () =>
    task(new nn.Sequential(new nn.Linear(64, 128), new nn.ReLU(), new nn.Linear(128, 10)), wick.randn([32, 64]), wick.randint(0, 10, [32])),
  'digit CNN, batch 16': () =>
    task(
      new nn.Sequential(
        new nn.Conv2d(1, 8, 3, { padding: 1 }),
        new nn.BatchNorm2d(8),
        new nn.ReLU(),
        new nn.Conv2d(8, 16, 3, { padding: 1 }),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Flatten(),
        new nn.Linear(256, 10),
      ),
      wick.randn([16, 1, 8, 8]),
      wick.randint(0, 10, [16]),
    ),
  'transformer layer, 4 x 16 x 32': () =>
    task(
      new nn.Sequential(
        new nn.TransformerEncoderLayer(32, 4, { dimFeedforward: 64, dropout: 0, batchFirst: true, activation: 'gelu' }),
        new nn.Flatten(),
        new nn.Linear(512, 10),
      ),
      wick.randn([4, 16, 32]),
      wick.randint(0, 10, [4]),
    ),
};

/** What one step sends. */
export interface StepCounts {
  dispatches: number;
  submits: number;
  /** Different shaders compiled for it. */
  pipelines: number;
  /** Bytes that went to the device and came back, the loss's read included. */
  written: number;
  read: number;
  /** Bytes of the operands of its dispatches. */
  touched: number;
}
const now = (): StepCounts => ({ ...(wick.info().gpu as GpuInfo).counts });
const less = (a: StepCounts, b: StepCounts): StepCounts =>
  Object.fromEntries(Object.entries(a).map(([k, v]) => [k, v - b[k as keyof StepCounts]])) as unknown as StepCounts;

/** Counts of one step of each task once all is compiled, eagerly and as a plan; shaders are those compiled since the task was made. */
export async function stepCounts(): Promise<Record<string, StepCounts>> {
  const found: Record<string, StepCounts> = {};
  for (const [name, make] of Object.entries(MAKERS))
    for (const planned of [false, true]) {
      wick.manualSeed(1);
      const { step, x, y } = make();
      const run = planned ? wick.compile(step) : step;
      const start = now();
      for (let i = 0; i < 4; i++) {
        const loss = wick.scope(() => run(x, y));
        await loss.item();
        loss.dispose();
        await shadersReady();
      }
      const before = now();
      const loss = wick.scope(() => run(x, y));
      await loss.item();
      found[`${name}, ${planned ? 'plan' : 'eager'}`] = { ...less(now(), before), pipelines: less(before, start).pipelines };
      if ('dispose' in run) (run as { dispose(): void }).dispose();
    }
  return found;
}
