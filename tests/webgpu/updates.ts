// Optimizers on the GPU: parameters that came to share a buffer are moved by few dispatches, to the numbers that each alone would get.
import { wholeView } from '../../gpu/kernel.ts';
import { classOf, type GpuStorage, Pool } from '../../gpu/memory.ts';
import { partsOf } from '../../gpu/updates.ts';
import type { View } from '../../ts/backend.ts';
import { type GpuInfo, shadersReady } from '../../ts/gpu/index.ts';
import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import type { Op } from '../../ts/ops/op.ts';
import * as optim from '../../ts/optim/index.ts';
import { compare, equal } from './compare.ts';
import type { Programs } from './suite.ts';

const near = { rtol: 1e-5, atol: 1e-6 };
const dispatches = (): number => (wick.info().gpu as GpuInfo).counts.dispatches;
const SHAPES = [[3], [5, 7], [1], [64], [65], [2, 3, 4], [0], [200, 3], [17], [9, 9], [31], [130], [2, 2], [8]];

/** Parameters with gradients that a step makes anew: on the GPU, and the same on Wasm. */
function made(): { readonly there: Tensor[]; readonly here: Tensor[]; grads(step: number): void } {
  const generator = new wick.Generator(8);
  const here = SHAPES.map((shape) => wick.randn(shape, { generator }));
  const there = here.map((p) => p.to('webgpu').requiresGrad_());
  for (const p of here) p.requiresGrad_();
  return {
    there,
    here,
    grads(step) {
      const drawn = SHAPES.map((shape) => wick.randn(shape, { generator: new wick.Generator(step) }));
      here.forEach((p, i) => {
        p.grad = drawn[i];
        there[i].grad = drawn[i].to('webgpu');
      });
    },
  };
}
const OPTIMIZERS: Readonly<Record<string, (p: readonly Tensor[]) => optim.Optimizer>> = {
  sgd: (p) => new optim.SGD(p, { lr: 0.1 }),
  momentum: (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  adam: (p) => new optim.Adam(p, { lr: 0.1, amsgrad: true, maximize: true }),
  adamw: (p) => new optim.AdamW(p, { lr: 0.1 }),
  rmsprop: (p) => new optim.RMSprop(p, { lr: 0.1, centered: true, momentum: 0.5 }),
  adagrad: (p) => new optim.Adagrad(p, { lr: 0.1 }),
};

export const UPDATES: Programs = {
  'updates: few dispatches move all parameters': async () => {
    for (const [name, make] of Object.entries(OPTIMIZERS)) {
      const { there, here, grads } = made();
      const [gpu, wasm] = [make(there), make(here)];
      for (let step = 0; step < 4; step++) {
        grads(step);
        await there[0].data();
        const before = dispatches();
        gpu.step();
        wasm.step();
        await there[0].data();
        const sent = dispatches() - before;
        if (step > 2 && !(sent <= SHAPES.length / 3)) throw new Error(`${name}: ${sent} dispatches for ${SHAPES.length} parameters`);
        for (let i = 0; i < here.length; i++) await compare(`${name} step ${step} parameter ${i}`, there[i], here[i], near);
      }
    }
  },
  'updates: groups with options of their own, and parameters without a gradient': async () => {
    const { there, here, grads } = made();
    const make = (p: readonly Tensor[]): optim.Optimizer =>
      new optim.AdamW([
        { params: p.slice(0, 6), lr: 0.05 },
        { params: p.slice(6), weightDecay: 0, lr: 0.2 },
      ]);
    const [gpu, wasm] = [make(there), make(here)];
    for (let step = 0; step < 6; step++) {
      grads(step);
      for (const p of [there, here]) p[step].grad = null;
      gpu.step();
      wasm.step();
    }
    for (let i = 0; i < here.length; i++) await compare(`parameter ${i}`, there[i], here[i], near);
  },
  'updates: parameters that share a buffer are still tensors of their own': async () => {
    const { there, here, grads } = made();
    const [gpu, wasm] = [optim.SGD, optim.SGD].map((Sgd, i) => new Sgd(i === 0 ? there : here, { lr: 0.1, momentum: 0.9 }));
    const work = (p: Tensor[]): void =>
      wick.noGrad(() => {
        p[0].copy_(p[0].add(p[2]));
        p[9].add_(p[9].t());
        p[3].mul_(p[2]).add_(p[2]);
        p[4].slice(0, 3, 60).copy_(p[3].slice(0, 0, 57));
        p[11].slice(0, 1, 18).fill_(2);
        p[13].addcmul_(p[13].flip(0), p[2], { value: 0.5 });
        p[5].zero_();
        p[12].copy_(p[12].matmul(p[1].slice(0, 0, 2).slice(1, 0, 2)));
      });
    for (let step = 0; step < 4; step++) {
      grads(step);
      gpu.step();
      wasm.step();
      work(there);
      work(here);
      for (let i = 0; i < here.length; i++) await compare(`step ${step} parameter ${i}`, there[i], here[i], near);
    }
    // As a plan's state and as its arguments too.
    const [f, g] = [there, here].map((p) => wick.compile(() => wick.noGrad(() => work(p))));
    const add = wick.compile((a: Tensor, b: Tensor) => wick.noGrad(() => a.add_(b).mul(2)));
    for (let run = 0; run < 4; run++) {
      f();
      g();
      const [a, b] = [add(there[3].detach(), there[2].detach()), add(here[3].detach(), here[2].detach())];
      await compare(`run ${run} result`, a, b, near);
      for (let i = 0; i < here.length; i++) await compare(`run ${run} parameter ${i}`, there[i], here[i], { rtol: 1e-4, atol: 1e-5 });
      await shadersReady();
    }
    for (const plan of [f, g, add]) plan.dispose();
  },
  'updates: a plan that reads parameters follows them into a shared buffer': async () => {
    const { there, here, grads } = made();
    const [gpu, wasm] = [there, here].map((p) => new optim.Adam(p, { lr: 0.1 }));
    const [f, g] = [there, here].map((p) => wick.compile((x: Tensor) => wick.noGrad(() => x.mul(p[0]).add(p[3].sum()).sub(p[9].amax()))));
    const x = wick.randn([4, 3]);
    const gx = x.to('webgpu');
    for (let run = 0; run < 3; run++) {
      await compare(`before ${run}`, f(gx), g(x), near);
      await shadersReady();
    }
    for (let step = 0; step < 4; step++) {
      grads(step);
      gpu.step();
      wasm.step();
      await compare(`after step ${step}`, f(gx), g(x), near);
    }
    f.dispose();
    g.dispose();
  },
  'updates: a plan moves all parameters at once, also when rates part': async () => {
    const generator = new wick.Generator(3);
    const here = SHAPES.map((shape) => wick.randn(shape, { generator }));
    const there = here.map((p) => p.to('webgpu'));
    const steps = [there, here].map((p) => {
      for (const x of p) x.requiresGrad_();
      const optimizer = new optim.AdamW([{ params: p.slice(0, 5) }, { params: p.slice(5) }], { lr: 0.1 });
      const run = wick.compile(() => {
        optimizer.zeroGrad();
        const loss = p.map((x) => x.square().sum()).reduce((a, b) => a.add(b));
        loss.backward();
        optimizer.step();
        return loss.detach();
      });
      return { run, optimizer };
    });
    for (let step = 0; step < 12; step++) {
      if (step === 8) for (const { optimizer } of steps) optimizer.paramGroups[1].lr = 0.01;
      const [a, b] = steps.map(({ run }) => run());
      await compare(`loss ${step}`, a, b, { rtol: 1e-4, atol: 1e-4 });
      await shadersReady();
    }
    for (let i = 0; i < here.length; i++) await compare(`parameter ${i}`, there[i], here[i], { rtol: 1e-3, atol: 1e-4 });
    const own = steps[0].run.plans[0].print();
    if (!/adamStep/.test(own)) throw new Error('the plan has no updates');
    for (const { run } of steps) run.dispose();
  },
  'updates: no dispatch has more buffers than a shader may': () => {
    const limits = { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27 };
    const pool = new Pool({ limits, createBuffer: (size: object) => size } as unknown as GPUDevice);
    const view = (storage: GpuStorage): View => wholeView(storage, [4], 'float32');
    const op = { name: 'sgdStep' } as Op;
    const updates = Array.from({ length: 9 }, () => ({ op, inputs: [view(pool.alloc(16)), view(pool.alloc(16)), null], attrs: { lr: 1 } }));
    const parts = (limit: number): number[][] => partsOf(updates, limit).map((part) => part.map((u) => updates.indexOf(u as never)));
    // What shares no buffer is moved by itself, in order.
    equal(
      parts(8),
      updates.map((_, i) => [i]),
    );
    const storages = (k: number): GpuStorage[][] => updates.map((u) => [u.inputs[k]?.storage as GpuStorage]);
    pool.gather(storages(0), () => undefined);
    equal(parts(8), [
      [0, 1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
    pool.gather(storages(1), () => undefined);
    equal(parts(8), [[0, 1, 2, 3, 4, 5, 6, 7, 8]]);
    // The buffer of the parameters and that of the gradients stay until the last of each has gone.
    equal([pool.buffers, pool.bytes], [2, 2 * classOf(9 * 256)]);
    for (const s of [...storages(0).flat(), ...storages(1).flat().slice(1)]) s.release();
    equal(pool.buffers, 1);
    storages(1)[0][0].release();
    equal([pool.buffers, pool.bytes], [0, 0]);
    return Promise.resolve();
  },
};
