import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DType } from '../../ts/base/dtype.ts';
import { DTypeError, FormatError, ValueError } from '../../ts/base/errors.ts';
import { parse, serialize } from '../../ts/formats/npy.ts';
import { fromHex, joined, latin1, throwsFormatError, toHex } from './bytes.ts';

/** A .npy file of version 1.0 with this header text. */
function file(header: string, data: Uint8Array = new Uint8Array(0), major = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const size = major === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return joined(latin1('\x93NUMPY'), new Uint8Array([major, 0, ...size]), text, data);
}

function header(descr: string, shape: string, fortran = 'False'): string {
  return `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;
}

// numpy.save of numpy.array([[1, -2], [3, 0.5]], 'float32') under NumPy 2.4.6.
const SAVED =
  '934e554d5059010076007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a2028322c20' +
  `32292c207d${'20'.repeat(58)}0a0000803f000000c0000040400000003f`;

test('reads and writes what numpy.save writes, byte for byte', () => {
  const array = parse(fromHex(SAVED));
  assert.is(array.dtype, 'float32');
  assert.equal(array.shape, [2, 2]);
  assert.is(toHex(array.bytes), '0000803f000000c0000040400000003f');
  assert.is(toHex(serialize(array)), SAVED);
});

const WIDTHS: [DType, string, number][] = [
  ['float16', 'f2', 2],
  ['float32', 'f4', 4],
  ['float64', 'f8', 8],
  ['int8', 'i1', 1],
  ['int16', 'i2', 2],
  ['int32', 'i4', 4],
  ['int64', 'i8', 8],
  ['uint8', 'u1', 1],
  ['bool', 'b1', 1],
];
for (const [dtype, code, width] of WIDTHS) {
  test(`${dtype}: both endians, both orders, every version, and back`, () => {
    // Element k of 2x3x2 in C order is filled with bytes k, k+100, 0, 0...
    const element = (k: number): number[] =>
      Array.from({ length: width }, (_, j) => (dtype === 'bool' ? k & 1 : j === 0 ? k : j === 1 ? k + 100 : 0));
    const cOrder = Array.from({ length: 12 }, (_, k) => k);
    const fortranOrder = [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11];
    const little = new Uint8Array(cOrder.flatMap(element));
    for (const major of [1, 2, 3]) {
      for (const endian of ['<', '>']) {
        for (const fortran of ['False', 'True']) {
          const order = fortran === 'True' ? fortranOrder : cOrder;
          const data = new Uint8Array(order.flatMap((k) => (endian === '>' ? element(k).reverse() : element(k))));
          const array = parse(file(header(endian + code, '(2, 3, 2)', fortran), data, major));
          assert.equal(array, { dtype, shape: [2, 3, 2], bytes: little });
        }
      }
    }
    assert.equal(parse(serialize({ dtype, shape: [3, 4], bytes: little })), { dtype, shape: [3, 4], bytes: little });
  });
}

test('scalars, empty arrays, the Python 2 suffix, other spacing and key order', () => {
  assert.equal(parse(file(header('|u1', '()'), fromHex('07'))).shape, []);
  assert.equal(parse(file(header('<f4', '(0, 3)', 'True'))).shape, [0, 3]);
  assert.equal(parse(file(header('|u1', '(1L,)'), fromHex('07'))).shape, [1]);
  assert.equal(parse(file('{"shape":(1,2),"fortran_order":False,"descr":"|u1"}', fromHex('0708'))).shape, [1, 2]);
  for (const shape of [[], [0], [3, 0, 2], [7]]) {
    const bytes = new Uint8Array(shape.reduce((a, b) => a * b, 2));
    const back = serialize({ dtype: 'int16', shape, bytes });
    assert.is((back.length - bytes.length) % 64, 0);
    assert.equal(parse(back), { dtype: 'int16', shape, bytes });
  }
});

const MALFORMED: [string, Uint8Array, RegExp][] = [
  ['nothing', new Uint8Array(0), /magic/],
  ['another magic', latin1('PK\x03\x04aaaaaaaaaaaa'), /magic/],
  ['version 4', file(header('<f4', '()'), new Uint8Array(4), 4), /version 4\.0/],
  ['a header past the end', file(header('<f4', '()')).subarray(0, 30), /the file is cut off/],
  ['a header of 4 GB', joined(latin1('\x93NUMPY\x02\x00'), fromHex('ffffffff')), /more than the 65536/],
  ['a version 2 file of 10 bytes', latin1('\x93NUMPY\x02\x00ab'), /within the length/],
  ['bad UTF-8 in version 3', joined(latin1('\x93NUMPY\x03\x00'), fromHex('01000000ff')), /UTF-8/],
  ['no dict', file('descr'), /expected '\{'/],
  ['an open dict', file("{'descr': '<f4'"), /expected ',' or '\}'/],
  ['text after the dict', file(`${header('<f4', '()')}x`, new Uint8Array(4)), /goes on after/],
  ['a missing key', file("{'descr': '<f4', 'shape': ()}"), /must hold exactly/],
  ['a further key', file("{'descr': '|u1', 'shape': (), 'fortran_order': False, 'x': True}", new Uint8Array(4)), /must hold exactly/],
  ['a key twice', file("{'descr': '<f4', 'descr': '<f4'}"), /appears twice/],
  ['code for a shape', file(header('<f4', '__import__("os")')), /expected a string, True, False or a tuple/],
  ['a negative dimension', file(header('<f4', '(-1,)')), /expected a string, True, False or a tuple/],
  ['a number in brackets', file(header('<f4', '(3)'), new Uint8Array(12)), /lacks a comma/],
  ['a dimension of 2^53', file(header('<f4', '(9007199254740992,)')), /more than 2\^53 - 1/],
  ['a product beyond 2^53', file(header('<f4', '(94906267, 94906267)')), /takes .* bytes, but only 0/],
  ['a shape that lies', file(header('<f4', '(2,)'), new Uint8Array(7)), /takes 8 bytes, but only 7/],
  ['objects (a pickle)', file(header('|O', '(1,)'), new Uint8Array(8)), /unsupported dtype '\|O'/],
  ['strings', file(header('<U2', '(1,)'), new Uint8Array(8)), /unsupported dtype '<U2'/],
  ['complex numbers', file(header('<c8', '(1,)'), new Uint8Array(8)), /unsupported dtype '<c8'/],
  ['uint16', file(header('<u2', '(1,)'), new Uint8Array(2)), /unsupported dtype '<u2'/],
  ['a structured dtype', file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", new Uint8Array(4)), /structured dtype/],
];
for (const [label, bytes, message] of MALFORMED) test(`refused: ${label}`, () => throwsFormatError(() => parse(bytes), message, label));

test('no prefix and no changed byte of a good file makes parse throw anything but a FormatError', () => {
  const good = fromHex(SAVED);
  for (let n = 0; n < good.length; n++) throwsFormatError(() => parse(good.subarray(0, n)), /^npy/, `the first ${n} bytes`);
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

test('serialize refuses bfloat16, wrong byte counts and impossible shapes', () => {
  assert.throws(
    () => serialize({ dtype: 'bfloat16', shape: [1], bytes: new Uint8Array(2) }),
    (error: unknown) => error instanceof DTypeError && /float32/.test(error.message),
  );
  for (const shape of [[3], [-2], [0.5]]) {
    assert.throws(
      () => serialize({ dtype: 'int8', shape, bytes: new Uint8Array(2) }),
      (error: unknown) => error instanceof ValueError,
    );
  }
});

test.run();
