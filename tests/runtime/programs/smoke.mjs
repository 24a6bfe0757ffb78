// What every runtime must do with the package as installed: one pass through each part of it.
import * as wick from 'wick';
import { gradcheck } from 'wick/autograd';
import { ArrayDataset, DataLoader } from 'wick/data';
import { load as loadNpy, save as saveNpy } from 'wick/formats/npy';
import { load, save } from 'wick/formats/safetensors';
import * as nn from 'wick/nn';
import * as optim from 'wick/optim';
import 'wick/fast';
import { equal, pause, throws } from './run.mjs';

export const tests = {
  'importing starts no worker': () => equal(wick.info().threads.ready, 1, 'threads'),

  'info says runtime, device, SIMD, threads and memory': () => {
    const { runtime, device, simd, threads, memory } = wick.info();
    equal([typeof runtime, device, typeof simd, typeof memory.live], ['string', 'wasm', 'string', 'number']);
    if (runtime === 'unknown') throw new Error('the runtime has no name');
    if (!(threads.wanted >= 1 && threads.cores >= 1 && typeof threads.reason === 'string')) throw new Error(JSON.stringify(threads));
  },

  'arithmetic, dtypes and reads': async () => {
    const x = wick.tensor([
      [1, 2],
      [3, 4],
    ]);
    equal(await x.add(wick.tensor([10, 20])).array(), [
      [11, 22],
      [13, 24],
    ]);
    equal(wick.matmul(x, x).arraySync(), [
      [7, 10],
      [15, 22],
    ]);
    equal(wick.tensor([250, 10], { dtype: 'uint8' }).add(10).arraySync(), [4, 20]);
    equal((await wick.tensor([2n ** 60n]).data())[0] === 2n ** 60n, true);
    equal(await x.sum().item(), 10);
  },

  'errors are typed': () => throws(() => wick.ones([2, 3]).add(wick.ones([4])), 'ShapeError'),

  'gradients agree with differences': () => {
    const x = wick.tensor([0.3, -1.2], { dtype: 'float64' }).requiresGrad_();
    if (gradcheck((x) => x.tanh().mul(x.exp()), [x]) === false) throw new Error('gradcheck');
  },

  'a network learns, is saved and loaded': async () => {
    wick.manualSeed(1);
    const make = () => new nn.Sequential(new nn.Linear(1, 16), new nn.Tanh(), new nn.Linear(16, 1));
    const model = make();
    const adam = new optim.AdamW(model.parameters(), { lr: 0.02 });
    const x = wick.linspace(-1, 1, 32).reshape(32, 1);
    let loss = 1;
    for (let i = 0; i < 150; i++) {
      adam.zeroGrad();
      const value = nn.functional.mseLoss(model.forward(x), x.mul(x));
      value.backward();
      adam.step();
      loss = await value.item();
    }
    if (!(loss < 0.01)) throw new Error(`loss ${loss}`);
    const again = make();
    again.loadStateDict(load(save(model.stateDict())));
    equal(again.forward(x).arraySync(), model.forward(x).arraySync());
    equal(loadNpy(saveNpy(x)).arraySync(), x.arraySync());
  },

  'a loader gives batches': async () => {
    const rows = [];
    for await (const batch of new DataLoader(new ArrayDataset([1, 2, 3, 4, 5]), { batchSize: 2 })) rows.push(batch.arraySync());
    equal(rows, [[1, 2], [3, 4], [5]]);
  },

  'a captured function gives the bits of an eager one': () => {
    const fn = (x) => x.mul(2).exp().sum({ dim: 0 });
    const captured = wick.compile(fn);
    const x = wick.randn([64, 33]);
    for (let i = 0; i < 3; i++) equal(captured(x).arraySync(), fn(x).arraySync());
  },

  'memory grows while data and tensors are held': async () => {
    const held = wick.arange(1000);
    const data = await held.data();
    const before = wick.memory().reserved;
    const large = wick.full([before / 4 + 1024], 3);
    if (!(wick.memory().reserved > before)) throw new Error('the memory did not grow');
    equal([Number(data[999]), held.sum().itemSync(), large.max().itemSync()], [999, 499500, 3]);
    large.dispose();
  },

  'at the memory limit a typed error, then normal work': () => {
    const { reserved } = wick.memory();
    wick.setMemoryLimit(reserved);
    throws(() => wick.zeros([reserved]), 'MemoryError');
    wick.setMemoryLimit(2 ** 32);
    equal(wick.ones([1000]).sum().itemSync(), 1000);
  },

  'fast mathematics are a mode, said by info(), and leave the bits of the strict one alone': () => {
    wick.manualSeed(2);
    const [a, b] = [wick.randn([33, 65]), wick.randn([65, 17])];
    const strict = wick.matmul(a, b).arraySync();
    wick.config({ math: 'fast' });
    const fast = wick.matmul(a, b);
    const { mode, reason } = wick.info().math;
    if (mode !== 'fast' && reason === '') throw new Error('no reason why fast is missing');
    if (!(wick.tensor(strict).sub(fast).abs().max().itemSync() < 1e-4)) throw new Error('fast is far off');
    wick.config({ math: 'strict' });
    equal(wick.matmul(a, b).arraySync(), strict);
  },

  'threads take part, or a reason says why not': async () => {
    wick.setThreads(2);
    const x = wick.randn([1 << 18]);
    const first = x.exp().sum().itemSync();
    for (let i = 0; i < 1000 && wick.info().threads.ready < 2 && !wick.info().threads.reason; i++) await pause();
    const { ready, reason } = wick.info().threads;
    if ((ready === 2) === (reason !== '')) throw new Error(`${ready} threads, reason '${reason}'`);
    equal(x.exp().sum().itemSync(), first, 'the sum');
  },
};
