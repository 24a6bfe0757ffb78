import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromBase64 } from '../../ts/base/base64.ts';
import { size, unpacker } from '../../ts/wasm/gen/core.ts';
import { unpacked } from '../../ts/wasm/module.ts';

interface Packer {
  pack(bytes: Uint8Array): Uint8Array;
  unpack(unpacker: Uint8Array, packed: Uint8Array, size: number): Uint8Array;
}
const { pack, unpack } = (await import(new URL('../../../scripts/pack.mjs', import.meta.url).href)) as Packer;

/** Bytes of a fixed linear congruence, `kinds` of them: few kinds compress, 256 do not. */
function noise(length: number, kinds: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 16) % kinds;
  });
}

function holds(bytes: Uint8Array, what: string): number {
  const packed = pack(bytes);
  assert.is(Buffer.compare(unpack(fromBase64(unpacker), packed, bytes.length), bytes), 0, what);
  return packed.length;
}

test('the inlined module is Wasm of the size it names', () => {
  const bytes = unpacked();
  assert.is(bytes.length, size);
  assert.ok(WebAssembly.validate(bytes));
});

test('what is packed unpacks to the same: empty to 20 kB, one kind of byte to all', () => {
  for (const length of [0, 1, 2, 3, 273, 274, 5000, 20_000]) {
    for (const kinds of [1, 2, 7, 256]) holds(noise(length, kinds), `${length} bytes of ${kinds} kinds`);
  }
});

test('a repeat from any distance costs a few bytes', () => {
  for (const length of [1, 5, 130, 4099, 40_000]) {
    const once = noise(length, 256);
    const twice = holds(Buffer.concat([once, once]), `${length} bytes twice`);
    assert.ok(twice <= pack(once).length + 8 + length / 40, `${length}: ${twice}`);
  }
});

test('bytes all but equal take carries through the coder', () => {
  for (let rare = 1; rare < 200; rare += 11) {
    holds(
      noise(3000, 256).map((x, i) => (x < rare ? i : 255)),
      `${rare} of 256 differ`,
    );
  }
});

test.run();
