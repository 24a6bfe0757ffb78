// Whole programs on the GPU.
import { destroyGpu, type GpuInfo, onWebgpu, toWasm } from '../../ts/gpu/index.ts';
import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';
import { gradients } from './cases.ts';
import { compare, equal, refused } from './compare.ts';

export const PROGRAMS: Readonly<Record<string, () => Promise<void>>> = {
  'reads: there, back, and never at once': async () => {
    const x = wick
      .tensor([
        [1, 2],
        [3, 4],
      ])
      .to('webgpu');
    equal(x.device, 'webgpu');
    equal(await x.array(), [
      [1, 2],
      [3, 4],
    ]);
    equal(await x.t().array(), [
      [1, 3],
      [2, 4],
    ]);
    equal(await x.sum().item(), 10);
    const back = await x.to('wasm');
    equal(
      [back.device, back.arraySync()],
      [
        'wasm',
        [
          [1, 2],
          [3, 4],
        ],
      ],
    );
    for (const read of [() => x.dataSync(), () => x.arraySync(), () => x.sum().itemSync()])
      await refused('DeviceError', /await x\.to\('wasm'\)/, read);
  },
  'work goes where the data is': async () => {
    const a = wick.ones([2, 2]);
    const b = wick.ones([2, 2]).to('webgpu');
    equal([a.add(b).device, b.add(a).device, a.add(1).device], ['webgpu', 'webgpu', 'wasm']);
    await refused('DeviceError', /add_.*to\('webgpu'\)|add.*to\('webgpu'\)/, () => a.add_(b));
    b.add_(a);
    equal(await b.array(), [
      [2, 2],
      [2, 2],
    ]);
  },
  'what the device lacks runs on wasm, in order': async () => {
    const x = wick.arange(6, undefined, 1, { dtype: 'float64' }).to('webgpu');
    const y = x.mul(2).add(1).to('float32').add(1);
    equal([y.device, await y.array()], ['webgpu', [2, 4, 6, 8, 10, 12]]);
    const z = wick.zeros([4]).to('webgpu');
    z.slice(0, 1, 3).add_(5);
    equal(await z.array(), [0, 5, 5, 0]);
  },
  'narrow dtypes in place through views': async () => {
    for (const dtype of ['uint8', 'bool', 'float16', 'int64'] as const) {
      const make = (x: Tensor): Tensor => {
        x.slice(1, 1, 6, 2).copy_(wick.ones([5, 3], { dtype }));
        x.t().slice(0, 0, 1).fill_(1);
        return x;
      };
      const x = wick.zeros([5, 7], { dtype });
      await compare(dtype, make(x.to('webgpu')), make(x.clone()), { rtol: 0, atol: 0 });
    }
  },
  'shapes beyond one workgroup': async () => {
    const generator = new wick.Generator(4);
    const draw = (...shape: number[]): Tensor => wick.randn(shape, { generator });
    // Sums of n numbers of size 1, in another order.
    const near = (n: number) => ({ rtol: 1e-5, atol: 4e-7 * n });
    const same = (name: string, x: Tensor[], make: (x: Tensor[]) => Tensor, n: number): Promise<void> =>
      gradients(name, x, (v) => [make(v)], near(n)).catch((error: Error) => {
        throw new Error(`${name}: ${error.message}`);
      });
    await same('matmul', [draw(70, 130), draw(130, 90)], ([a, b]) => a.matmul(b), 130);
    await same('matmul of turned ones', [draw(130, 70), draw(90, 130)], ([a, b]) => a.t().matmul(b.t()), 130);
    await same('matmul of stacks', [draw(3, 1, 40, 50), draw(2, 50, 20)], ([a, b]) => a.matmul(b), 50);
    await same('linear', [draw(33, 65), draw(48, 65), draw(48)], ([x, w, b]) => nn.functional.linear(x, w, b), 65);
    await same('sum of all', [draw(300, 500)], ([x]) => x.sum(), 400);
    await same('sum of columns', [draw(700, 30)], ([x]) => x.sum(0), 700);
    await same('mean of the middle', [draw(5, 200, 7)], ([x]) => x.mean(1), 20);
    await same('largest', [draw(20, 1000)], ([x]) => x.amax(1), 1);
    await same('softmax', [draw(9, 1000)], ([x]) => x.softmax(1), 1);
    await same('logSoftmax of columns', [draw(300, 9)], ([x]) => x.logSoftmax(0), 30);
    await same(
      'layerNorm',
      [draw(12, 300), draw(300), draw(300)],
      ([x, w, b]) => nn.functional.layerNorm(x, [300], { weight: w, bias: b }),
      40,
    );
    await same(
      'batchNorm',
      [draw(8, 6, 9, 9), draw(6), draw(6)],
      ([x, w, b]) => nn.functional.batchNorm(x, null, null, { weight: w, bias: b, training: true }),
      300,
    );
    await same(
      'conv2d',
      [draw(2, 5, 13, 11), draw(8, 5, 3, 3), draw(8)],
      ([x, w, b]) => nn.functional.conv2d(x, w, b, { padding: 1, stride: 2 }),
      100,
    );
    for (const { groups, stride, dilation } of [
      { groups: 1, stride: 1, dilation: 1 },
      { groups: 2, stride: 2, dilation: 1 },
      { groups: 1, stride: 3, dilation: 2 },
    ])
      await same(
        'conv2d as a product',
        [draw(2, 34, 13, 11), draw(40, 34 / groups, 3, 3), draw(40)],
        ([x, w, b]) => nn.functional.conv2d(x, w, b, { padding: 1, stride, dilation, groups }).relu(),
        300,
      );
    // The weight's gradient sums over parts of the pixels.
    for (const groups of [1, 2])
      await same(
        'conv2d with many pixels',
        [draw(3, 20 * groups, 23, 25), draw(18 * groups, 20, 3, 3)],
        ([x, w]) => nn.functional.conv2d(x, w, null, { padding: 1, groups }),
        1000,
      );
    await same(
      'conv2d with many pixels, rows first',
      [draw(2, 3, 24, 22), draw(70, 3, 5, 5)],
      ([x, w]) => nn.functional.conv2d(x.contiguous(), w, null, { stride: [1, 2], dilation: [2, 1] }),
      600,
    );
    await same(
      'transposed conv2d as a product',
      [draw(3, 24, 14, 15), draw(24, 17, 3, 3)],
      ([x, w]) => nn.functional.convTranspose2d(x, w, null, { stride: 2, padding: 1 }),
      600,
    );
    await same('conv3d as a product', [draw(1, 16, 3, 5, 6), draw(16, 16, 2, 3, 2)], ([x, w]) => nn.functional.conv3d(x, w, null), 200);
    await same('maxPool2d', [draw(2, 5, 13, 11)], ([x]) => nn.functional.maxPool2d(x, 3, { stride: 2, padding: 1 }), 1);
    await same(
      'attention',
      [draw(2, 3, 70, 20), draw(2, 3, 130, 20), draw(2, 3, 130, 70)],
      ([q, k, v]) => nn.functional.scaledDotProductAttention(q, k, v),
      20,
    );
    await same('cumsum', [draw(300, 3)], ([x]) => x.cumsum(0), 300);
    const x = draw(3, 700);
    const [there, here] = [x.to('webgpu').sort(), x.sort()];
    await compare('sort', there.values, here.values, { rtol: 0, atol: 0 });
    await compare('sort', there.indices, here.indices, { rtol: 0, atol: 0 });
  },
  'float16 products, summed in float32 and rounded once': async () => {
    const generator = new wick.Generator(6);
    const draw = (...shape: number[]): Tensor => wick.randn(shape, { generator }).to('float16');
    const near = { rtol: 2e-3, atol: 2e-3 };
    const same = async (name: string, x: Tensor[], make: (x: Tensor[]) => Tensor): Promise<void> =>
      compare(name, make(x.map((t) => t.to('webgpu'))), make(x), near).catch((error: Error) => {
        throw new Error(`${name}: ${error.message}`);
      });
    await same('small', [draw(3, 5), draw(5, 7)], ([a, b]) => a.matmul(b));
    await same('tiled', [draw(67, 129), draw(129, 33)], ([a, b]) => a.matmul(b));
    await same('turned, in stacks', [draw(3, 129, 20), draw(31, 129)], ([a, b]) => a.transpose(1, 2).matmul(b.t()));
    await same('linear', [draw(33, 65), draw(47, 65), draw(47)], ([x, w, b]) => nn.functional.linear(x, w, b).relu());
    await same('conv2d', [draw(2, 17, 9, 7), draw(19, 17, 3, 3), draw(19)], ([x, w, b]) => nn.functional.conv2d(x, w, b, { padding: 1 }));
    await same('elementwise, odd counts', [draw(3, 7), draw(7)], ([a, b]) => a.mul(b).add(1).slice(1, 1, 6).exp());
    await same('sums', [draw(5, 301)], ([a]) => a.mul(0.01).sum(1));
    await same('special', [wick.tensor([65504, 1e-7, -Infinity, Number.NaN, 6e-5, -0]).to('float16')], ([a]) => a.mul(2).add(a));
    const x = draw(64, 64).to('webgpu');
    x.matmul(x);
    const before = (wick.info().gpu as GpuInfo).counts.dispatches;
    x.matmul(x);
    await x.data();
    const { counts, adapter } = wick.info().gpu as GpuInfo;
    equal(counts.dispatches - before, adapter.features.includes('shader-f16') ? 1 : 2);
  },
  'random numbers are those of Wasm': async () => {
    const both = async (make: () => Tensor, tolerance: number): Promise<void> => {
      wick.manualSeed(3);
      const here = make();
      wick.manualSeed(3);
      await compare('numbers', onWebgpu(make), here, { rtol: tolerance, atol: tolerance });
    };
    await both(() => wick.rand([1001]), 0);
    await both(() => wick.randint(-5, 2 ** 40, [1001]), 0);
    await both(() => wick.randperm(300), 0);
    await both(() => wick.randn([1001]), 1e-5);
    await both(() => wick.rand([33], { dtype: 'float16' }), 0);
  },
  'an index out of range is an IndexError of its op': async () => {
    const x = wick.zeros([3, 2]).to('webgpu');
    const y = x.indexSelect(0, wick.tensor([1, 7], { dtype: 'int64' }));
    await refused('IndexError', /indexSelect: index 7 is out of range/, () => y.data());
    equal(await x.indexSelect(0, wick.tensor([1], { dtype: 'int64' })).array(), [[0, 0]]);
  },
  'large work goes to the GPU by itself': async () => {
    await wick.gpu({ minFlops: 1e5 });
    try {
      const a = wick.rand([64, 64]);
      const [large, small] = [a.matmul(a), a.slice(0, 0, 4).matmul(a.slice(1, 0, 4))];
      equal([large.device, small.device], ['webgpu', 'wasm']);
      const w = wick.rand([64, 64]).requiresGrad_();
      const loss = a.matmul(w).square().mean();
      loss.backward();
      equal([loss.device, (w.grad as Tensor).device], ['webgpu', 'webgpu']);
    } finally {
      await wick.gpu();
    }
  },
  'a compiled function takes tensors of either device': async () => {
    const w = wick.rand([3, 3]);
    const f = wick.compile((x: Tensor) => x.matmul(w).relu());
    const x = wick.rand([2, 3]);
    for (let i = 0; i < 3; i++) await compare('result', f(x.to('webgpu')), f(x), { rtol: 1e-6, atol: 1e-6 });
    const v = w.to('webgpu');
    const g = wick.compile((x: Tensor) => x.matmul(v).relu());
    for (let i = 0; i < 3; i++) await compare('result', g(x), f(x), { rtol: 1e-6, atol: 1e-6 });
  },
  'a state dict comes back for saving': async () => {
    const model = new nn.Linear(3, 2).to('webgpu');
    const dict = await toWasm(model.stateDict());
    equal(
      Object.values(dict).map((x) => x.device),
      ['wasm', 'wasm'],
    );
  },
  'a lost device says so, and another starts': async () => {
    const x = wick.ones([3]).to('webgpu');
    const p = wick.ones([3]).to('webgpu').requiresGrad_();
    p.grad = x;
    const optimizer = new optim.SGD([p]);
    destroyGpu();
    await refused('DeviceError', /device was lost/, async () => x.add(1).data());
    await wick.gpu();
    await refused('DeviceError', /device was lost/, async () => x.data());
    await refused('DeviceError', /device was lost/, () => optimizer.step());
    equal(await wick.ones([3]).to('webgpu').add(1).array(), [2, 2, 2]);
    equal((wick.memory().gpu as { buffers: number }).buffers > 0, true);
  },
};
