// Fifty training steps and an inference of three networks, on data from wick's own generator.
import { makeModel } from '../../examples/digits/model.ts';
import type { Tensor } from '../../ts/index.ts';
import * as wick from '../../ts/index.ts';
import * as nn from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';
import { Digest } from './digest.ts';

const STEPS = 50;
const { functional: F } = nn;

/** Trains with AdamW; hashes every loss, the state at the end, and what inference gives then. */
function train(model: nn.Module, forward: (x: Tensor) => Tensor, batch: () => readonly [Tensor, Tensor], lr: number): string {
  const digest = new Digest();
  const adam = new optim.AdamW(model.parameters(), { lr, weightDecay: 0.01 });
  model.train();
  for (let i = 0; i < STEPS; i++)
    wick.scope(() => {
      const [x, y] = batch();
      adam.zeroGrad();
      const loss = F.crossEntropy(forward(x), y);
      loss.backward();
      adam.step();
      digest.add(loss);
    });
  for (const [name, t] of Object.entries(model.stateDict())) digest.text(name).add(t as Tensor);
  model.eval();
  wick.scope(() => wick.withGrad(false, () => digest.add(forward(batch()[0]))));
  return digest.hex();
}

/** The network of examples/digits on pictures of noise around ten patterns. */
function digits(): string {
  const model = makeModel();
  const patterns = wick.rand([10, 1, 8, 8]);
  return train(
    model,
    (x) => model.forward(x) as Tensor,
    () => {
      const y = wick.randint(0, 10, [8]);
      return [wick.randn([8, 1, 8, 8]).mul(0.3).add(patterns.indexSelect(0, y)), y];
    },
    1e-3,
  );
}

class Reader extends nn.Module {
  readonly lstm = new nn.LSTM(8, 16, { numLayers: 2, dropout: 0.2, batchFirst: true });
  readonly head = new nn.Linear(16, 4);
  override forward(x: Tensor): Tensor {
    const [y] = this.lstm.forward(x) as unknown as [Tensor];
    return this.head.forward(y.select(1, -1)) as Tensor;
  }
}
/** Two layers of LSTM that tell which of four channels had the largest sum. */
function lstm(): string {
  const model = new Reader();
  return train(
    model,
    (x) => model.forward(x),
    () => {
      const x = wick.randn([8, 6, 8]);
      return [x, x.narrow(2, 0, 4).sum({ dim: 1 }).argmax(1)];
    },
    3e-3,
  );
}

class Speaker extends nn.Module {
  readonly embedding = new nn.Embedding(16, 32);
  readonly places = new nn.Embedding(12, 32);
  readonly body = new nn.TransformerEncoder(
    new nn.TransformerEncoderLayer(32, 4, { dimFeedforward: 64, dropout: 0.1, batchFirst: true, activation: 'gelu' }),
    2,
  );
  readonly head = new nn.Linear(32, 16);
  override forward(x: Tensor): Tensor {
    const y = (this.embedding.forward(x) as Tensor).add(this.places.forward(wick.arange(12)) as Tensor);
    return this.head.forward(this.body.forward(y) as Tensor) as Tensor;
  }
}
/** A small transformer with dropout that learns to say a sentence backwards. */
function transformer(): string {
  const model = new Speaker();
  return train(
    model,
    (x) => model.forward(x).reshape(-1, 16),
    () => {
      const x = wick.randint(0, 16, [4, 12]);
      return [x, x.flip([1]).reshape(-1)];
    },
    2e-3,
  );
}

/** The parts by name; each begins from a seed of its own. */
export const NETWORKS: Readonly<Record<string, () => string>> = Object.fromEntries(
  Object.entries({ digits, lstm, transformer }).map(([name, run], i) => [
    name,
    () => {
      wick.manualSeed(100 + i);
      return run();
    },
  ]),
);
