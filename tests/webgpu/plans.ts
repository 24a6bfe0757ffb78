// Plans on the GPU: what they give, and how little they send.
import { type GpuInfo, profileOnGpu, shadersReady } from '../../ts/gpu/index.ts';
import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';
import { compare, equal } from './compare.ts';
import { type Programs, Skipped } from './suite.ts';

const counts = (): GpuInfo['counts'] => (wick.info().gpu as GpuInfo).counts;
const near = { rtol: 1e-5, atol: 1e-6 };

export const PLANS: Programs = {
  'plan: elementwise calls are one dispatch': async () => {
    const f = wick.compile((x: Tensor, y: Tensor) => {
      const a = x.mul(2).add(y);
      return [a.tanh().mul(a.sigmoid()), a.gt(0).logicalAnd(y.lt(1)), a.to('int32').add(3), a.to('float16').to('float32').sub(1)];
    });
    const generator = new wick.Generator(1);
    for (const shape of [[5, 7], [5, 1], [3]]) {
      const [x, y] = [wick.randn([5, 7], { generator }), wick.randn(shape[0] === 3 ? [7] : shape, { generator })];
      const [gx, gy] = [x.to('webgpu'), y.to('webgpu')];
      for (let run = 0; run < 4; run++) {
        const [there, here] = [f(gx, gy), f(x, y)];
        for (let i = 0; i < here.length; i++) await compare(`run ${run} result ${i}`, there[i], here[i], near);
        if (run === 1) await shadersReady();
      }
      const before = counts();
      const results = f(gx, gy);
      const after = counts();
      // What has the shape of a smaller operand is a dispatch of its own between those before and behind it.
      const least = shape.length === 2 && shape[1] === 7 ? 1 : 3;
      equal([after.submits - before.submits, after.dispatches - before.dispatches, after.written - before.written], [1, least, 0]);
      for (const r of results) r.dispose();
    }
    f.dispose();
  },
  'plan: values in place, views and slices as arguments': async () => {
    const state = [wick.zeros([6]).to('webgpu'), wick.zeros([6])];
    const make = (s: Tensor) => (x: Tensor) => {
      s.mul_(0.5).add_(x);
      const t = s.clone();
      t.slice(0, 1, 4).add_(1).mul_(2);
      return t.add(s.flip(0));
    };
    const [f, g] = state.map((s) => wick.compile(make(s)));
    const data = wick.randn([5, 6]);
    const there = data.to('webgpu');
    for (let run = 0; run < 5; run++) {
      await compare(`run ${run}`, f(there.select(0, run)), g(data.select(0, run)), near);
      await compare(`state ${run}`, state[0], state[1], near);
      await shadersReady();
    }
    await compare('an argument on wasm', f(data.select(0, 0)), g(data.select(0, 0)), near);
    await compare('an argument on wasm', f(data.select(0, 1)), g(data.select(0, 1)), near);
    f.dispose();
    g.dispose();
  },
  'plan: what the device lacks runs call by call': async () => {
    const f = wick.compile((x: Tensor) => x.add(1).to('float64').mul(2).to('float32'));
    const x = wick.randn([4]);
    for (let run = 0; run < 3; run++) await compare(`run ${run}`, f(x.to('webgpu')), f(x), near);
    f.dispose();
  },
  'plan: its steps are timed where the device has a clock': async () => {
    const f = wick.compile((x: Tensor) => x.matmul(x).add(1).mul(2));
    const x = wick.randn([64, 64]).to('webgpu');
    f(x);
    f(x);
    await shadersReady();
    const steps = await profileOnGpu(f.plans[0], x);
    equal(
      steps.map((s) => s.name),
      ['matmul', 'add + mul'],
    );
    if (!(wick.info().gpu as GpuInfo).adapter.features.includes('timestamp-query')) throw new Skipped('no timestamp-query');
    equal(
      steps.map((s) => s.duration >= 0 && s.start >= 0),
      [true, true],
    );
    f.dispose();
  },
  'plan: a training step is one command buffer, with the same losses': async () => {
    const losses = async (gpu: boolean, compiled: boolean): Promise<number[]> => {
      wick.manualSeed(2);
      const model = new nn.Sequential(
        new nn.Conv2d(1, 4, 3, { padding: 1 }),
        new nn.BatchNorm2d(4),
        new nn.GELU(),
        new nn.MaxPool2d(2),
        new nn.Dropout(0.2),
        new nn.Flatten(),
        new nn.Linear(64, 5),
      );
      if (gpu) model.to('webgpu');
      const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2 });
      const generator = new wick.Generator(3);
      const x = wick.randn([8, 1, 8, 8], { generator });
      const y = wick.randint(0, 5, [8], { generator });
      const [gx, gy] = gpu ? [x.to('webgpu'), y.to('webgpu')] : [x, y];
      const run = (x: Tensor, y: Tensor): Tensor => {
        optimizer.zeroGrad();
        const loss = nn.functional.crossEntropy(model.forward(x), y);
        loss.backward();
        optimizer.step();
        return loss.detach();
      };
      const step = compiled ? wick.compile(run) : run;
      const found: number[] = [];
      for (let i = 0; i < 12; i++) {
        if (i === 6) optimizer.paramGroups[0].lr = 5e-3;
        const before = counts();
        const loss = step(gx, gy);
        const after = counts();
        found.push(await loss.item());
        if (gpu && compiled && i > 5) equal([after.submits - before.submits, after.written - before.written], [1, 0]);
        if (gpu && compiled && i === 4) await shadersReady();
      }
      return found;
    };
    const [plan, eager, wasm] = [await losses(true, true), await losses(true, false), await losses(false, true)];
    plan.forEach((loss, i) => {
      if (!(Math.abs(loss - eager[i]) <= 1e-4 * (1 + i)) || !(Math.abs(loss - wasm[i]) <= 1e-3 * (1 + i)))
        throw new Error(`loss ${i}: ${loss} for ${eager[i]} eagerly, ${wasm[i]} on wasm`);
    });
  },
};
