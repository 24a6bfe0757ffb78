import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ArrayDataset, ConcatDataset, DataLoader, defaultCollate, randomSplit, SubsetRandomSampler, Subset, TensorDataset } from '../../ts/data/index.ts';
import { arange, IndexError, ShapeError, StateError, type Tensor, tensor, ValueError, zeros } from '../../ts/index.ts';

const isA =
  (type: abstract new (...args: never[]) => Error) =>
  (error: unknown): boolean =>
    error instanceof type;

const numbers = (n: number): ArrayDataset<number> => new ArrayDataset(Array.from({ length: n }, (_, i) => i));
const epoch = (loader: DataLoader<number, Tensor>): number[][] => Array.from(loader, (b) => b.arraySync() as number[]);

const data = suite('data');

data('batches in order, the last one short or left out', () => {
  assert.equal(epoch(new DataLoader(numbers(5), { batchSize: 2 })), [[0, 1], [2, 3], [4]]);
  const loader = new DataLoader(numbers(5), { batchSize: 2, dropLast: true });
  assert.equal(epoch(loader), [[0, 1], [2, 3]]);
  assert.is(loader.length, 2);
  assert.throws(() => new DataLoader(numbers(5), { batchSize: 0 }), isA(ValueError));
});

data('shuffles by seed: the same in every run, another order each epoch, every sample once', () => {
  const make = (seed: number): DataLoader<number, Tensor> => new DataLoader(numbers(50), { batchSize: 50, shuffle: true, seed });
  const [a, b, c] = [make(7), make(7), make(8)];
  const first = epoch(a)[0];
  assert.equal(epoch(b)[0], first);
  assert.not.equal(epoch(c)[0], first);
  assert.not.equal(epoch(a)[0], first);
  assert.equal([...first].sort((x, y) => x - y), Array.from({ length: 50 }, (_, i) => i));
});

data('takes rows of tensors in one piece', () => {
  const set = new TensorDataset(arange(6).reshape([3, 2]), tensor([7, 8, 9], { dtype: 'int64' }));
  assert.equal(set.get(-1).map((t) => t.arraySync()), [[4, 5], 9]);
  const [[x, y]] = Array.from(new DataLoader(new Subset(set, [2, 0]), { batchSize: 2 }));
  assert.equal(x.arraySync(), [[4, 5], [0, 1]]);
  assert.equal(y.arraySync(), [9, 7]);
  assert.throws(() => set.get(3), isA(IndexError));
  assert.throws(() => new TensorDataset(zeros([2]), zeros([3])), isA(ShapeError));
});

data('splits at random by sizes and fractions', () => {
  const parts = randomSplit(numbers(10), [0.75, 0.25], { seed: 1 });
  assert.equal(parts.map((p) => p.length), [8, 2]);
  assert.equal(parts.flatMap((p) => [...p.indices]).sort((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal(randomSplit(numbers(10), [8, 2], { seed: 1 })[1].indices, parts[1].indices);
  assert.throws(() => randomSplit(numbers(10), [8, 3]), isA(ValueError));
});

data('joins datasets and samples some of one', () => {
  const joined = new ConcatDataset([numbers(2), numbers(3)]);
  assert.equal(Array.from({ length: joined.length }, (_, i) => joined.get(i)), [0, 1, 0, 1, 2]);
  const some = epoch(new DataLoader(numbers(9), { batchSize: 9, sampler: new SubsetRandomSampler([1, 5, 7], { seed: 1 }) }));
  assert.equal(some.flat().sort(), [1, 5, 7]);
});

data('collates nested samples', () => {
  const batch = defaultCollate([
    { x: zeros([2]), y: 1, z: [0.5, 'a'] },
    { x: zeros([2]), y: 2, z: [1, 'b'] },
  ]) as { x: Tensor; y: Tensor; z: [Tensor, string[]] };
  assert.equal(batch.x.shape, [2, 2]);
  assert.is(batch.y.dtype, 'int64');
  assert.is(batch.z[0].dtype, 'float32');
  assert.equal(batch.z[1], ['a', 'b']);
  assert.throws(() => defaultCollate([zeros([1]), zeros([2])]), isA(ShapeError));
});

data('waits for promises with for await, and says so without', async () => {
  const slow = { length: 3, get: (i: number): Promise<number> => Promise.resolve(i) };
  const seen: number[][] = [];
  for await (const b of new DataLoader<number, Tensor>(slow, { batchSize: 2 })) seen.push(b.arraySync() as number[]);
  assert.equal(seen, [[0, 1], [2]]);
  assert.throws(() => Array.from(new DataLoader(slow)), isA(StateError));
});

data.run();
