import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DTypeError, FormatError, ValueError } from '../../ts/base/errors.ts';
import { parse, serialize } from '../../ts/formats/npz.ts';
import type { RawTensor } from '../../ts/formats/raw.ts';
import { unzip, zip } from '../../ts/formats/zip.ts';
import { fromHex, latin1, throwsFormatError, toHex } from './bytes.ts';

// numpy.savez_compressed(f, x=numpy.arange(3, dtype='i1'), y=numpy.array(1.5, 'f4')) under NumPy 2.4.6.
const SAVED =
  '504b03042d000000080000002100ac98ff33ffffffffffffffff05001400782e6e707901001000830000000000000047000000000000009bec17ea1b' +
  '10c9c850c650ad9e925a9c5ca46ea5a05e9369a8aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91ac63a9a3a0ab50a14' +
  '002e06462600504b03042d0000000800000021002513e65dffffffffffffffff05001400792e6e707901001000840000000000000046000000000000' +
  '009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a2aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a9a3a' +
  '0ab50a14012e068603f600504b01022d032d000000080000002100ac98ff334700000083000000050000000000000000000000800100000000782e6e' +
  '7079504b01022d032d0000000800000021002513e65d460000008400000005000000000000000000000080017e000000792e6e7079504b0506000000' +
  '000200020066000000fb0000000000';

const ARRAYS: [string, RawTensor][] = [
  ['weight', { dtype: 'float32', shape: [2, 50], bytes: new Uint8Array(400).map((_, i) => i % 7) }],
  ['\u00e4/\u{1F600}', { dtype: 'bool', shape: [], bytes: fromHex('01') }],
  ['empty', { dtype: 'int64', shape: [0], bytes: new Uint8Array(0) }],
];

/** A copy of the bytes with little-endian numbers put at places counted from the end where negative. */
function patched(bytes: Uint8Array, ...changes: [at: number, width: 2 | 4, value: number][]): Uint8Array {
  const out = bytes.slice();
  const view = new DataView(out.buffer);
  for (const [at, width, value] of changes) {
    const place = at < 0 ? out.length + at : at;
    if (width === 2) view.setUint16(place, value, true);
    else view.setUint32(place, value, true);
  }
  return out;
}

test('reads what numpy.savez_compressed writes', () => {
  const arrays = parse(fromHex(SAVED));
  assert.equal([...arrays.keys()], ['x', 'y']);
  assert.equal(arrays.get('x'), { dtype: 'int8', shape: [3], bytes: fromHex('000102') });
  assert.equal(arrays.get('y'), { dtype: 'float32', shape: [], bytes: fromHex('0000c03f') });
});

for (const compress of [false, true]) {
  test(`what is written ${compress ? 'deflated' : 'stored'} reads back, and is the same bytes each time`, () => {
    const bytes = serialize(ARRAYS, { compress });
    assert.equal([...parse(bytes)], ARRAYS);
    assert.is(toHex(serialize(ARRAYS, { compress })), toHex(bytes));
  });
}

test('given a Buffer, the arrays are plain Uint8Arrays, whose slice() copies', () => {
  for (const compress of [false, true]) {
    const { bytes } = parse((globalThis.Buffer ?? Uint8Array).from(serialize(ARRAYS, { compress }))).get('weight')!;
    assert.is(Object.getPrototypeOf(bytes), Uint8Array.prototype);
  }
});

test('deflating makes it smaller', () => {
  assert.ok(serialize(ARRAYS, { compress: true }).length < serialize(ARRAYS).length);
});

test('members that are not arrays are passed over, an archive comment and an empty archive read', () => {
  assert.is(parse(zip([['readme.txt', latin1('hello')]])).size, 0);
  assert.is(parse(zip([])).size, 0);
  const commented = new Uint8Array([...patched(fromHex(SAVED), [-2, 2, 5]), ...latin1('hello')]);
  assert.is(parse(commented).size, 2);
});

test('ZIP64: sizes and directory where 32 bits hold only the mark', () => {
  const plain = zip([['a', latin1('hello')]]);
  const start = 30 + 1 + 5;
  const u64 = (value: number): Uint8Array => new Uint8Array(new BigUint64Array([BigInt(value)]).buffer);
  const entry = new Uint8Array([...plain.subarray(start, start + 47), 1, 0, 24, 0, ...u64(5), ...u64(5), ...u64(0)]);
  const marked = patched(entry, [20, 4, 0xffffffff], [24, 4, 0xffffffff], [30, 2, 28], [42, 4, 0xffffffff]);
  const record = new Uint8Array(56);
  record.set([...latin1('PK\x06\x06'), ...u64(44)]);
  record.set([...u64(1), ...u64(1), ...u64(marked.length), ...u64(start)], 24);
  const locator = new Uint8Array([...latin1('PK\x06\x07'), 0, 0, 0, 0, ...u64(start + marked.length), 1, 0, 0, 0]);
  const end = patched(plain.subarray(-22), [8, 2, 0xffff], [10, 2, 0xffff], [12, 4, 0xffffffff], [16, 4, 0xffffffff]);
  const archive = new Uint8Array([...plain.subarray(0, start), ...marked, ...record, ...locator, ...end]);
  assert.equal(unzip(archive), new Map([['a', latin1('hello')]]));
  const liar = archive.slice();
  liar.set(u64(2 ** 40), start + marked.length + 32);
  throwsFormatError(() => unzip(liar), /directory entry 1 of 1099511627776/, 'a directory of 2^40 entries');
});

const STORED = zip([['a', latin1('hello')]]);
const DEFLATED = zip([['a', latin1('hello hello hello hello')]], { compress: true });
const DIRECTORY = -22 - 47;
const MALFORMED: [string, Uint8Array, RegExp][] = [
  ['nothing', new Uint8Array(0), /nowhere in the file/],
  ['no zip', new Uint8Array(1000), /nowhere in the file/],
  ['more entries than there are', patched(STORED, [-12, 2, 9]), /directory entry 1 of 9/],
  ['a directory past the end', patched(STORED, [-6, 4, 0xfffffff0]), /directory entry 0 of 1 is not at byte 4294967280/],
  ['a name past the directory', patched(STORED, [DIRECTORY + 28, 2, 0xffff]), /reaches past the directory/],
  ['a member elsewhere', patched(STORED, [DIRECTORY + 42, 4, 1]), /is not at byte 1/],
  ['a member past the end', patched(STORED, [DIRECTORY + 20, 4, 1000], [DIRECTORY + 24, 4, 1000]), /past the end of the file/],
  ['a stored member of two sizes', patched(STORED, [DIRECTORY + 24, 4, 4]), /claims that 5 bytes hold 4/],
  ['a member of 4 GB in few bytes', patched(DEFLATED, [DIRECTORY + 24, 4, 0xfffffff0]), /claims that \d+ bytes hold 4294967280/],
  ['a member longer than it says', patched(DEFLATED, [DIRECTORY + 24, 4, 3]), /damaged|holds|deflate/],
  ['a member shorter than it says', patched(DEFLATED, [DIRECTORY + 24, 4, 99]), /claims 99 bytes but holds 23/],
  ['a damaged stored member', patched(STORED, [31, 2, 0]), /CRC-32/],
  ['a damaged deflated member', patched(DEFLATED, [31, 2, 0xffff]), /damaged|holds|deflate/],
  ['an encrypted member', patched(STORED, [DIRECTORY + 8, 2, 1]), /encrypted/],
  ['another compression', patched(STORED, [DIRECTORY + 10, 2, 14]), /unsupported method 14/],
];
for (const [label, bytes, message] of MALFORMED) test(`refused: ${label}`, () => throwsFormatError(() => unzip(bytes), message, label));

test('a bad array names its member', () => {
  throwsFormatError(() => parse(zip([['x.npy', latin1('nonsense..')]])), /^npz: member "x.npy": npy: .*magic/, 'nonsense');
});

test('no prefix and no changed byte of a good file makes parse throw anything but a FormatError', () => {
  const good = fromHex(SAVED);
  for (let n = 0; n < good.length; n++) throwsFormatError(() => parse(good.subarray(0, n)), /^npz/, `the first ${n} bytes`);
  for (let i = 0; i < good.length; i++) {
    for (const bits of [1, 0x20, 0x80, 0xff]) {
      const bad = good.slice();
      bad[i]! ^= bits;
      try {
        parse(bad);
      } catch (error) {
        assert.instance(error, FormatError, `byte ${i} ^ ${bits}: ${error}`);
      }
    }
  }
});

test('serialize refuses a repeated name and bfloat16', () => {
  assert.throws(
    () => serialize([...ARRAYS, ARRAYS[0]!]),
    (error: unknown) => error instanceof ValueError,
  );
  assert.throws(
    () => serialize([['a', { dtype: 'bfloat16', shape: [], bytes: new Uint8Array(2) }]]),
    (error: unknown) => error instanceof DTypeError,
  );
});

test.run();
