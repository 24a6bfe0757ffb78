// What postMessage does to a message is structuredClone: memory that threads share stays where it is, the rest is copied.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';

const DTYPES = ['float32', 'float64', 'int32', 'int64', 'float16', 'bfloat16', 'int16', 'int8', 'uint8', 'bool'] as const;
const posted = (x: wick.Tensor): wick.Shared => structuredClone(wick.share(x));
/** Whether this runtime lets threads share memory. */
const shares = !('document' in globalThis) || (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;

for (const dtype of DTYPES)
  test(`${dtype} crosses with its values`, () => {
    const x = wick.tensor([1, 0, 3, 4, 0, 6], { dtype, shape: [2, 3] });
    const message = posted(x);
    const y = wick.receive(message);
    assert.is(y.dtype, dtype);
    assert.equal(y.shape, [2, 3]);
    assert.equal(y.arraySync(), x.arraySync());
    assert.is(message.data.length, 6);
    assert.ok(wick.unshare(message));
  });

test('shapes, strides and offsets cross: scalars, empty, transposed, sliced, broadcast', () => {
  const x = wick.arange(24).to('float32').reshape(2, 3, 4);
  const views = [x.sum(), x.narrow(0, 0, 0), x.permute(2, 0, 1), x.select(1, 1), x.narrow(2, 1, 2), x.select(0, 1).expand(5, 3, 4)];
  for (const view of views) {
    const message = posted(view);
    const y = wick.receive(message);
    assert.equal([y.shape, y.strides, y.arraySync()], [view.shape, view.strides, view.arraySync()]);
    assert.ok(wick.unshare(message));
  }
});

test('a message holds no elements where memory is shared: writes are seen on the other side', () => {
  const x = wick.zeros([4]);
  const message = posted(x);
  assert.is(message.data.buffer instanceof ArrayBuffer, !shares);
  if (shares) {
    message.data[2] = 7;
    assert.equal(x.arraySync(), [0, 0, 7, 0]);
    x.fill_(3);
    assert.equal([...(message.data as Float32Array)], [3, 3, 3, 3]);
  }
  wick.unshare(message);
});

test('what was received is a tensor of its own', () => {
  const x = wick.zeros([4], { requiresGrad: true });
  const message = posted(x);
  const y = wick.receive(message);
  wick.noGrad(() => x.fill_(1));
  assert.equal([y.arraySync(), y.requiresGrad, y.isLeaf], [[0, 0, 0, 0], false, true]);
  y.requiresGrad_().mul(2).sum().backward();
  assert.equal([y.grad?.arraySync(), x.grad], [[2, 2, 2, 2], null]);
  wick.unshare(message);
});

test('the storage stays until unshare, whatever becomes of the tensor, and while memory grows', () => {
  if (!shares) return;
  const before = wick.memory().live;
  const x = wick.full([1000], 5);
  const first = wick.share(x);
  const second = wick.share(x);
  x.dispose();
  assert.is(wick.memory().live, before + 4000);
  wick.full([wick.memory().reserved / 4 + 1024], 1).dispose();
  assert.equal(
    wick.scope(() => wick.receive(first).sum().itemSync()),
    5000,
  );
  assert.ok(wick.unshare(first));
  assert.is(wick.memory().live, before + 4000);
  assert.ok(wick.unshare(structuredClone(second)));
  assert.is(wick.memory().live, before);
  assert.not(wick.unshare(second), 'it has ended');
});

test('a product reads what another thread wrote into its weights, also after unshare', () => {
  if (!shares) return;
  const x = wick.ones([4, 64]);
  const w = wick.zeros([64, 64]);
  // From the third time on a weight is kept packed.
  for (let i = 0; i < 4; i++) x.matmul(w);
  const message = posted(w);
  for (const value of [1, 2, 3]) {
    (message.data as Float32Array).fill(value);
    assert.is(x.matmul(w).max().itemSync(), 64 * value);
  }
  (message.data as Float32Array).fill(4);
  wick.unshare(message);
  for (let i = 0; i < 4; i++) assert.is(x.matmul(w).max().itemSync(), 256);
});

test('receive and unshare leave no memory behind', () => {
  const x = wick.full([100, 10], 1).t();
  const message = posted(x);
  const before = wick.memory();
  for (let i = 0; i < 10; i++) wick.receive(message).dispose();
  assert.equal([wick.memory().live, wick.memory().storages], [before.live, before.storages]);
  wick.unshare(message);
});

test('a message that is none is a typed error', () => {
  const message = posted(wick.ones([2, 2]));
  const wrong = [
    undefined,
    null,
    5,
    {},
    { ...message, dtype: 'float64' },
    { ...message, dtype: 'complex64' },
    { ...message, data: [1, 2, 3, 4] },
    { ...message, data: new DataView(new ArrayBuffer(16)) },
    { ...message, shape: [3, 3] },
    { ...message, shape: [2.5, 2] },
    { ...message, shape: ['2', 2] },
    { ...message, strides: [2, Number.NaN] },
    { ...message, strides: [-2, 1] },
    { ...message, strides: [1 << 30, 1] },
    { ...message, strides: [1] },
  ];
  for (const [i, it] of wrong.entries())
    assert.throws(
      () => wick.receive(it as never),
      (e: unknown) => e instanceof wick.WickError,
      `message ${i}`,
    );
  for (const it of [undefined, null, 5, {}]) assert.not(wick.unshare(it as never));
  wick.unshare(message);
});

test('a disposed tensor, and one inside a captured function, cannot be shared', () => {
  const x = wick.ones([2]);
  x.dispose();
  assert.throws(
    () => wick.share(x),
    (e: unknown) => e instanceof wick.StateError,
  );
  const fn = wick.compile((y: wick.Tensor) => {
    wick.share(y);
    return y.add(1);
  });
  assert.throws(
    () => fn(wick.ones([2])),
    (e: unknown) => e instanceof wick.DeviceError,
  );
});

test.run();
