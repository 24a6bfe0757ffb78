import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, ValueError } from '../../ts/base/errors.ts';
import type { RawTensor } from '../../ts/formats/raw.ts';
import { parse, serialize } from '../../ts/formats/safetensors.ts';
import { conformanceFolder } from '../conformance/folder.ts';
import { fromHex, joined, throwsFormatError, toHex } from './bytes.ts';

const EXPECTED =
  'c8000000000000007b225f5f6d657461646174615f5f223a7b22666f726d6174223a227074227d2c22efbfbf223a7b226474797065223a2246333222' +
  '2c227368617065223a5b315d2c22646174615f6f666673657473223a5b302c345d7d2c22f09f9880223a7b226474797065223a22463332222c227368' +
  '617065223a5b315d2c22646174615f6f666673657473223a5b342c385d7d2c227a223a7b226474797065223a225538222c227368617065223a5b315d' +
  '2c22646174615f6f666673657473223a5b382c395d7d7d20202020200000803f0000004007';

const DTYPES: Record<string, string> = { F32: 'float32', U8: 'uint8' };

/** A file with this header text and so many bytes of data. */
function file(header: string | Uint8Array, data = 0): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const size = new Uint8Array(8);
  new DataView(size.buffer).setBigUint64(0, BigInt(text.length), true);
  return joined(size, text, new Uint8Array(data));
}

/** The header of one tensor `t`, F32 [2] at [0, 8], with some fields replaced by JSON text. */
function one(fields: Partial<Record<'dtype' | 'shape' | 'data_offsets' | 'x', string>> = {}): string {
  const all = { dtype: '"F32"', shape: '[2]', data_offsets: '[0,8]', ...fields };
  return `{"t":{${Object.entries(all).map(([key, value]) => `"${key}":${value}`)}}}`;
}

const folder = conformanceFolder('safetensors');
if (folder === null) {
  console.log('skipped: safetensors conformance - ../shared/conformance is not here');
  test.skip('the reference library gives every file the same verdict', () => {});
} else {
  type Verdict = { file: string; verdict: string; tensors?: Record<string, { dtype: string; shape: number[]; bytes_hex: string }> };
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { files: Verdict[] };
  assert.ok(index.files.length > 0);
  for (const { file: name, verdict, tensors = {} } of index.files) {
    test(`the reference library ${verdict}s ${name}`, () => {
      const bytes = new Uint8Array(readFileSync(join(folder, name)));
      if (verdict === 'reject') return throwsFormatError(() => parse(bytes), /^safetensors: ./, name);
      const found = parse(bytes).tensors;
      assert.equal([...found.keys()].sort(), Object.keys(tensors).sort());
      for (const [key, { dtype, shape, bytes_hex }] of Object.entries(tensors)) {
        const tensor = found.get(key)!;
        assert.is(tensor.dtype, DTYPES[dtype]);
        assert.equal(tensor.shape, shape);
        assert.is(toHex(tensor.bytes), bytes_hex);
      }
    });
  }
}

test('what is written reads back: every dtype, scalars, empty tensors, names, metadata', () => {
  const tensors: [string, RawTensor][] = [
    ['scalar', { dtype: 'float64', shape: [], bytes: fromHex('0102030405060708') }],
    ['empty', { dtype: 'int16', shape: [0, 3], bytes: new Uint8Array(0) }],
    ['b', { dtype: 'bool', shape: [3], bytes: fromHex('010001') }],
    ['a', { dtype: 'uint8', shape: [1], bytes: fromHex('ff') }],
    ['i8', { dtype: 'int8', shape: [1], bytes: fromHex('80') }],
    ['h', { dtype: 'float16', shape: [1], bytes: fromHex('003c') }],
    ['bf', { dtype: 'bfloat16', shape: [1], bytes: fromHex('803f') }],
    ['i32', { dtype: 'int32', shape: [1], bytes: fromHex('01000000') }],
    ['f "quoted" \u{1F600}', { dtype: 'float32', shape: [1, 1], bytes: fromHex('0000803f') }],
    ['__proto__', { dtype: 'int64', shape: [1], bytes: fromHex('ffffffffffffffff') }],
  ];
  const metadata = { format: 'pt', note: 'a "b"\n' };
  const back = parse(serialize(tensors, metadata));
  assert.equal(back.metadata, metadata);
  assert.equal(back.tensors, new Map(tensors));
  const order = ['__proto__', 'scalar', 'f "quoted" \u{1F600}', 'i32', 'bf', 'h', 'empty', 'i8', 'a', 'b'];
  assert.equal([...back.tensors.keys()], order);
});

test('the file is byte for byte what safetensors 0.8.0 writes', () => {
  const bytes = serialize(
    [
      ['z', { dtype: 'uint8', shape: [1], bytes: fromHex('07') }],
      ['\uffff', { dtype: 'float32', shape: [1], bytes: fromHex('0000803f') }],
      ['\u{1F600}', { dtype: 'float32', shape: [1], bytes: fromHex('00000040') }],
    ],
    { format: 'pt' },
  );
  assert.is(toHex(bytes), EXPECTED);
});

test('every tensor starts at a multiple of its element size', () => {
  const bytes = serialize([
    ['a', { dtype: 'bool', shape: [3], bytes: new Uint8Array(3) }],
    ['b', { dtype: 'int16', shape: [3], bytes: new Uint8Array(6) }],
    ['c', { dtype: 'float64', shape: [1], bytes: new Uint8Array(8) }],
  ]);
  const { tensors } = parse(bytes);
  assert.is(tensors.get('c')!.bytes.byteOffset % 8, 0);
  assert.is(tensors.get('b')!.bytes.byteOffset % 2, 0);
});

test('the bytes may lie anywhere in a larger, also a shared, buffer', () => {
  const bytes = file(one(), 8);
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 5), 5);
  shared.set(bytes);
  assert.equal(parse(shared).tensors.get('t')!.shape, [2]);
});

test('given a Buffer, the tensors are plain Uint8Arrays, whose slice() copies', () => {
  const { bytes } = parse(Buffer.from(file(one(), 8))).tensors.get('t')!;
  assert.is(Object.getPrototypeOf(bytes), Uint8Array.prototype);
});

const MALFORMED: [string, Uint8Array, RegExp][] = [
  ['seven bytes', new Uint8Array(7), /the file has 7 bytes/],
  ['a header of 2^64 - 1 bytes', fromHex('ffffffffffffffff7b7d'), /claims 18446744073709551615 bytes, more than/],
  ['a header one byte too long', file('{}').subarray(0, 9), /claims 2 bytes, but only 1 follow/],
  ['an empty header', file(''), /not valid JSON at its end/],
  ['bad UTF-8', file(fromHex('7b22ff223a317d')), /not valid UTF-8/],
  ['a byte order mark', file('\ufeff{}'), /not valid JSON at character 0/],
  ['an array', file('[]'), /not a JSON object/],
  ['a trailing comma', file('{"a":1,}'), /expected a key/],
  ['text after the header', file('{}{}'), /expected the end/],
  ['an endless string', file('{"a'), /never ends/],
  ['a bad escape', file('{"\\q":1}'), /bad escape/],
  ['half a surrogate pair', file('{"\\ud800":1}'), /surrogate/],
  ['100,000 open brackets', file('['.repeat(100_000)), /nested deeper/],
  ['a tensor twice', file(`${one().slice(0, -1)},${one().slice(1)}`, 8), /"t" appears twice/],
  ['a tensor twice, once escaped', file(`${one().slice(0, -1)},${one().slice(1).replace('"t"', '"\\u0074"')}`, 8), /"t" appears twice/],
  ['a field twice', file(one({ x: '1,"dtype":"F32"' }), 8), /"dtype" appears twice/],
  ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}'), /"__metadata__" appears twice/],
  ['nested metadata', file('{"__metadata__":{"a":{}}}'), /only strings, but "a"/],
  ['metadata that is a list', file('{"__metadata__":[]}'), /__metadata__ is not an object/],
  ['a tensor that is null', file('{"t":null}'), /entry of tensor "t" is not an object/],
  ['no dtype', file('{"t":{"shape":[],"data_offsets":[0,0]}}'), /"t" has no dtype/],
  ['a numeric dtype', file(one({ dtype: '32' }), 8), /unknown dtype/],
  ['F8_E4M3', file(one({ dtype: '"F8_E4M3"', shape: '[8]' }), 8), /unsupported dtype "F8_E4M3"/],
  ['U16', file(one({ dtype: '"U16"', shape: '[4]' }), 8), /unsupported dtype "U16"/],
  ['U32', file(one({ dtype: '"U32"' }), 8), /unsupported dtype "U32"/],
  ['U64', file(one({ dtype: '"U64"', shape: '[1]' }), 8), /unsupported dtype "U64"/],
  ['an unknown dtype', file(one({ dtype: '"toString"' }), 8), /unknown dtype "toString"/],
  ['a shape that is a number', file(one({ shape: '2' }), 8), /shape of tensor "t" is not an array/],
  ['a fractional dimension', file(one({ shape: '[2.0]' }), 8), /shape of tensor "t" holds something other than whole numbers/],
  ['a negative dimension', file(one({ shape: '[-2]' }), 8), /shape of tensor "t" holds/],
  ['a dimension of 2^64', file(one({ shape: '[18446744073709551616]' }), 8), /shape of tensor "t" holds/],
  ['a dimension of 2^53', file(one({ shape: '[9007199254740992,0]', data_offsets: '[0,0]' })), /more than 2\^53 - 1/],
  ['a product that wraps to 2', file(one({ shape: '[2147483649,8589934594]' }), 8), /overflows 64 bits/],
  ['a product that wraps to 0', file(one({ shape: '[4294967296,4294967296]', data_offsets: '[0,0]' })), /overflows 64 bits/],
  ['a byte size that wraps to 0', file(one({ shape: '[4611686018427387904]', data_offsets: '[0,0]' })), /overflows 64 bits/],
  ['one offset', file(one({ data_offsets: '[0]' }), 8), /holds 1 numbers/],
  ['an end before the begin', file(one({ data_offsets: '[0,8]', shape: '[2]' }).replace('[0,8]', '[8,0]'), 8), /leaves a hole/],
  ['too few bytes for the shape', file(one({ data_offsets: '[0,4]' }), 4), /takes 8 bytes, but its data_offsets span 4/],
  ['an end past the data', file(one(), 7), /ends at byte 8 of the data, which has only 7/],
  [
    'an end of 2^53 + 1',
    file(one({ shape: '[9007199254740993]', dtype: '"U8"', data_offsets: '[0,9007199254740993]' }), 8),
    /ends at byte 9007199254740993/,
  ],
  ['data after the last tensor', file(one(), 9), /cover 8 bytes of the data, which has 9/],
  ['a hole', file(one({ data_offsets: '[1,9]' }), 9), /leaves a hole/],
  [
    'an overlap',
    file(`${one().slice(0, -1)},${one({ data_offsets: '[4,12]' }).slice(1).replace('"t"', '"u"')}`, 12),
    /"u" begins at byte 4 and overlaps/,
  ],
];
for (const [label, bytes, message] of MALFORMED) test(`refused: ${label}`, () => throwsFormatError(() => parse(bytes), message, label));

test('no prefix and no changed byte of a good file makes parse throw anything but a FormatError', () => {
  const good = serialize([['a', { dtype: 'float32', shape: [2], bytes: new Uint8Array(8) }]], { k: 'v' });
  for (let n = 0; n < good.length; n++) throwsFormatError(() => parse(good.subarray(0, n)), /^safetensors/, `the first ${n} bytes`);
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

test('messages stay short whatever the file claims', () => {
  const name = 'n'.repeat(100_000);
  const long = one({ shape: `[${'18446744073709551615,'.repeat(10_000)}0]`, data_offsets: '[0,0]' });
  throwsFormatError(() => parse(file(long.replace('"t"', `"${name}"`))), /^.{1,600}$/, 'a long name and shape');
  throwsFormatError(() => parse(file(`{"${name}":1,"${name}":1}`)), /^.{1,600}$/, 'a long key, twice');
});

test('serialize refuses what it could not read back', () => {
  const raw: RawTensor = { dtype: 'float32', shape: [2], bytes: new Uint8Array(8) };
  const refused = (tensors: [string, RawTensor][], metadata?: Record<string, string>): void => {
    assert.throws(
      () => serialize(tensors, metadata),
      (error: unknown) => error instanceof ValueError,
    );
  };
  refused([
    ['a', raw],
    ['a', raw],
  ]);
  refused([['__metadata__', raw]]);
  refused([['\ud800', raw]]);
  refused([['a', { ...raw, shape: [3] }]]);
  refused([['a', { ...raw, shape: [-1, -2] }]]);
  refused([['a', raw]], { k: 3 as unknown as string });
});

test.run();
