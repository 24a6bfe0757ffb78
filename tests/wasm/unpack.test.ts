import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '../../ts/base/errors.ts';
import { core, size } from '../../ts/wasm/gen/core.ts';
import { fromBase64 } from '../../ts/wasm/load.ts';
import { unpack } from '../../ts/wasm/unpack.ts';

const { pack } = (await import(new URL('../../../scripts/lzma.mjs', import.meta.url).href)) as { pack(bytes: Uint8Array): Uint8Array };

/** Bytes of a fixed linear congruence, `kinds` of them: few kinds compress, 256 do not. */
function noise(length: number, kinds: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 16) % kinds;
  });
}

function same(a: Uint8Array, b: Uint8Array, message?: string): void {
  assert.is(Buffer.compare(a, b), 0, message);
}

test('the inlined text is the module, and packs to itself', () => {
  const module = unpack(fromBase64(core), size);
  assert.equal([...module.subarray(0, 4)], [0, 0x61, 0x73, 0x6d]);
  assert.is(module.length, size);
  assert.ok(WebAssembly.validate(module));
});

// printf 'wick wick wick, wick!' | xz --format=lzma --lzma1=lc=3,lp=0,pb=0, without the 13 bytes of header and with the end mark.
test('reads what xz writes', () => {
  const hex = '003b9b1bbee2c1bcda3ee2e54e42e7ffffb30a0000';
  same(unpack(Buffer.from(hex, 'hex'), 21), Buffer.from('wick wick wick, wick!'));
});

test('there and back: empty to 20 kB, of one kind of byte to 256', () => {
  for (const length of [0, 1, 2, 3, 17, 273, 274, 275, 5000, 20_000]) {
    for (const kinds of [1, 2, 7, 256]) {
      const bytes = noise(length, kinds);
      same(unpack(pack(bytes), length), bytes, `${length} bytes of ${kinds} kinds`);
    }
  }
});

test('every class of distance and length, and distances used again', () => {
  const words = [2, 3, 5, 9, 17, 40, 300].map((length) => noise(length, 256));
  const parts: Uint8Array[] = [];
  for (let n = 0; n < 400; n++) parts.push(words[(n * n) % 7]!, noise(n % 11, 5), Uint8Array.of(n & 255));
  const bytes = Buffer.concat([...parts, noise(3000, 256), ...parts]);
  same(unpack(pack(bytes), bytes.length), bytes);
});

test('truncated anywhere: a FormatError', () => {
  const bytes = noise(600, 9);
  const packed = pack(bytes);
  const isFormatError = (error: unknown): boolean => error instanceof FormatError && /end early/.test(error.message);
  for (let n = 0; n < packed.length - 5; n++) assert.throws(() => unpack(packed.subarray(0, n), 600), isFormatError);
});

test('damaged anywhere: an answer or a FormatError, never another error nor a hang', () => {
  const packed = pack(Buffer.concat([noise(300, 9), noise(300, 9)]));
  let refused = 0;
  for (let i = 0; i < packed.length; i++) {
    for (const flip of [1, 16, 255]) {
      const damaged = Uint8Array.from(packed);
      damaged[i]! ^= flip;
      try {
        assert.is(unpack(damaged, 600).length, 600);
      } catch (error) {
        assert.instance(error, FormatError);
        refused++;
      }
    }
  }
  assert.ok(refused > 0);
});

test.run();
