// Modules and example inputs for round trips.
import { rand, randn, type Tensor, tensor } from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';

/** One round trip. */
export interface Trip {
  readonly name: string;
  readonly module: nn.Module;
  readonly examples: readonly Tensor[];
  /** Whether the first dimension may vary. */
  readonly batch?: boolean;
  /** Results may differ in their last bits: ONNX has no operator for the fused kernel. */
  readonly close?: boolean;
}
class Sum extends nn.Module {
  private readonly f: (...x: Tensor[]) => Tensor;
  constructor(f: (...x: Tensor[]) => Tensor) {
    super();
    this.f = f;
  }
  override forward(...x: Tensor[]): Tensor {
    return this.f(...x);
  }
}
class First extends nn.Module {
  readonly inner: nn.Module;
  constructor(inner: nn.Module) {
    super();
    this.inner = inner;
  }
  override forward(...x: Tensor[]): Tensor {
    return (this.inner.forward(...x) as Tensor[])[0];
  }
}
const image = (c: number, h: number, w: number): Tensor => randn([2, c, h, w]);

/** Every kind of module. */
export function trips(): Trip[] {
  const trip = (name: string, module: nn.Module, examples: Tensor[], more: Partial<Trip> = {}): Trip => ({
    name,
    module: module.eval(),
    examples,
    batch: true,
    ...more,
  });
  const pointwise = [
    ...[
      nn.ReLU,
      nn.ReLU6,
      nn.Sigmoid,
      nn.Tanh,
      nn.GELU,
      nn.SiLU,
      nn.Mish,
      nn.Hardswish,
      nn.Hardsigmoid,
      nn.Softplus,
      nn.ELU,
      nn.SELU,
      nn.CELU,
    ],
    ...[nn.LeakyReLU, nn.Hardtanh, nn.Softsign, nn.Hardshrink, nn.Softshrink, nn.Tanhshrink, nn.LogSigmoid, nn.Identity],
  ].map((Kind) => trip(Kind.name, new (Kind as unknown as new () => nn.Module)(), [randn([3, 5])], { close: Kind === nn.LogSigmoid }));
  return [
    ...pointwise,
    trip('Linear', new nn.Linear(6, 4), [randn([3, 6])]),
    trip('Linear over three dimensions', new nn.Linear(6, 4), [randn([3, 5, 6])], { close: true }),
    trip('Conv1d', new nn.Conv1d(3, 4, 3, { padding: 1, dilation: 2 }), [randn([2, 3, 12])]),
    trip('Conv2d', new nn.Conv2d(4, 6, 3, { stride: 2, padding: 1, groups: 2 }), [image(4, 9, 8)]),
    trip('Conv3d', new nn.Conv3d(2, 3, 2), [randn([2, 2, 4, 5, 6])]),
    trip('ConvTranspose2d', new nn.ConvTranspose2d(3, 4, 3, { stride: 2, padding: 1, outputPadding: 1 }), [image(3, 5, 6)]),
    trip('MaxPool2d', new nn.MaxPool2d(2), [image(3, 8, 6)]),
    trip('AvgPool2d', new nn.AvgPool2d(3, { stride: 2, padding: 1 }), [image(3, 8, 7)]),
    trip('AdaptiveAvgPool2d', new nn.AdaptiveAvgPool2d(2), [image(3, 8, 6)], { close: true }),
    trip('global pool', new nn.AdaptiveAvgPool2d(1), [image(3, 8, 6)], { close: true }),
    trip('BatchNorm2d', new nn.BatchNorm2d(4), [image(4, 5, 5)]),
    trip('LayerNorm', new nn.LayerNorm([6]), [randn([3, 4, 6])]),
    trip('RMSNorm', new nn.RMSNorm([6]), [randn([3, 4, 6])], { close: true }),
    trip('GroupNorm', new nn.GroupNorm(2, 4), [image(4, 5, 5)]),
    trip('InstanceNorm2d', new nn.InstanceNorm2d(4), [image(4, 5, 5)]),
    trip('Softmax', new nn.Softmax(1), [randn([3, 5])]),
    trip('LogSoftmax', new nn.LogSoftmax(1), [randn([3, 5])]),
    trip('Dropout in eval mode', new nn.Dropout(0.5), [randn([3, 5])]),
    trip('Embedding', new nn.Embedding(10, 4), [
      tensor(
        [
          [1, 2, 3],
          [4, 5, 9],
        ],
        { dtype: 'int64' },
      ),
    ]),
    trip('Flatten', new nn.Sequential(new nn.Flatten(), new nn.Linear(24, 2)), [randn([3, 4, 6])]),
    trip('LSTM', new First(new nn.LSTM(4, 5, { batchFirst: true })), [randn([2, 3, 4])], { close: true }),
    trip('GRU', new First(new nn.GRU(4, 5, { batchFirst: true })), [randn([2, 3, 4])], { close: true }),
    trip('RNN', new First(new nn.RNN(4, 5, { batchFirst: true })), [randn([2, 3, 4])], { close: true }),
    trip(
      'MultiheadAttention',
      new First(new nn.MultiheadAttention(8, 2, { batchFirst: true })),
      [randn([2, 3, 8]), randn([2, 3, 8]), randn([2, 3, 8])],
      { close: true },
    ),
    trip('TransformerEncoderLayer', new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true }), [randn([2, 3, 8])], {
      close: true,
    }),
    trip(
      'a small network',
      new nn.Sequential(
        new nn.Conv2d(1, 4, 3),
        new nn.BatchNorm2d(4),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Flatten(),
        new nn.Linear(36, 3),
      ),
      [image(1, 8, 8)],
    ),
    trip(
      'cat and pad',
      new Sum((x, y) => x.pad([1, 2]).narrow(1, 1, 4).add(y).pad([0, 0, 1, 0], { value: 3 })),
      [rand([3, 4]), rand([3, 4])],
      { batch: false },
    ),
    trip(
      'reductions',
      new Sum((x) =>
        x
          .sum(1, { keepdim: true })
          .add(x.amax(1, { keepdim: true }))
          .mul(x.var(1, { keepdim: true })),
      ),
      [rand([3, 4])],
    ),
    trip(
      'unfold and diagonal',
      new Sum((x) =>
        x
          .unfold(1, 2, 1)
          .sum(2)
          .narrow(1, 0, 3)
          .add(x.narrow(1, 0, 3).diagonal()),
      ),
      [rand([3, 4])],
      { batch: false },
    ),
    trip('where and compare', new Sum((x) => x.gt(0.5).logicalOr(x.lt(0.1)).to('float32').mul(x.floor().add(x.round()))), [rand([3, 4])]),
  ];
}
