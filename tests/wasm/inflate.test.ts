import { deflateRawSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '../../ts/base/errors.ts';
import { core, size } from '../../ts/wasm/gen/core.ts';
import { inflate } from '../../ts/wasm/inflate.ts';
import { decode, fromBase64 } from '../../ts/wasm/load.ts';

/** Bytes of a fixed linear congruence, `kinds` of them: few kinds compress, 256 do not. */
function noise(length: number, kinds: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 16) % kinds;
  });
}

test("the module: ours and the runtime's agree, and the result is Wasm", () => {
  const ours = inflate(fromBase64(core), size);
  assert.is(Buffer.compare(ours, decode(core, size)), 0);
  assert.equal([...ours.subarray(0, 4)], [0, 0x61, 0x73, 0x6d]);
  assert.is(ours.length, size);
});

test('stored, fixed and dynamic blocks, every level, empty to 100 kB', () => {
  for (const length of [0, 1, 2, 3, 257, 258, 259, 5000, 100_000]) {
    for (const kinds of [1, 2, 7, 256]) {
      const bytes = noise(length, kinds);
      for (const options of [{ level: 0 }, { level: 1 }, { level: 9 }, { strategy: 4 }, { level: 9, memLevel: 1 }]) {
        const back = inflate(deflateRawSync(bytes, options), length);
        assert.is(Buffer.compare(back, bytes), 0, `${length} bytes of ${kinds} kinds, ${JSON.stringify(options)}`);
      }
    }
  }
});

test('distances up to 32 kB', () => {
  const half = noise(32_768, 256);
  const bytes = Buffer.concat([half, half]);
  assert.is(Buffer.compare(inflate(deflateRawSync(bytes, { level: 9 }), bytes.length), bytes), 0);
});

test('truncated anywhere, or of another size: a FormatError', () => {
  const isFormatError = (error: unknown): boolean => error instanceof FormatError;
  const bytes = noise(600, 9);
  for (const options of [{ level: 0 }, { level: 9 }, { strategy: 4 }]) {
    const data = deflateRawSync(bytes, options);
    for (let n = 0; n < data.length; n++) assert.throws(() => inflate(data.subarray(0, n), 600), isFormatError);
    assert.throws(() => inflate(data, 599), isFormatError);
    assert.throws(() => inflate(data, 601), isFormatError);
  }
});

test('damaged anywhere: an answer or a FormatError, never another error nor a hang', () => {
  const data = deflateRawSync(noise(600, 9), { level: 9 });
  let refused = 0;
  for (let i = 0; i < data.length; i++) {
    for (const flip of [1, 16, 255]) {
      const damaged = Uint8Array.from(data);
      damaged[i]! ^= flip;
      try {
        assert.is(inflate(damaged, 600).length, 600);
      } catch (error) {
        assert.instance(error, FormatError);
        refused++;
      }
    }
  }
  assert.ok(refused > data.length);
});

test('a reserved kind of block and a stored length that contradicts itself are refused', () => {
  assert.throws(() => inflate(Uint8Array.of(7), 1), /no such kind of block/);
  assert.throws(() => inflate(Uint8Array.of(1, 1, 0, 1, 0, 65), 1), /the length of a stored block/);
});

test.run();
