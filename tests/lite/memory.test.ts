// The memory of wick/lite: blocks apart from each other, and back again.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryError } from '../../ts/base/errors.ts';
import { HEAD } from '../../ts/formats/recipe.ts';
import { crc32 } from '../../ts/formats/zip.ts';
import * as lite from '../../ts/lite/index.ts';
import { Blocks } from '../../ts/lite/memory.ts';
import type { Place } from '../../ts/wasm/space.ts';
import { cases } from '../standalone/cases.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
const test = suite('lite memory');
const PAGES = 64;
const made = (): { memory: Blocks; wasm: WebAssembly.Memory } => {
  const wasm = new WebAssembly.Memory({ initial: 2, maximum: PAGES });
  return { memory: new Blocks(wasm, 100, PAGES * 65536), wasm };
};

test('blocks never meet, start on 64 bytes (large ones on a page), and all of them come back', () => {
  const { memory, wasm } = made();
  let state = 7;
  const next = (n: number): number => {
    state = (state * 48271) % 2147483647;
    return state % n;
  };
  const held: Place[] = [];
  for (let i = 0; i < 1000; i++) {
    if (held.length > 40 || (held.length > 0 && next(3) === 0)) held.splice(next(held.length), 1)[0].release();
    else held.push(memory.alloc(next(4) === 0 ? next(60_000) : next(700)));
    const sorted = [...held].sort((a, b) => a.pointer - b.pointer);
    sorted.forEach(({ pointer, bytes }, k) => {
      assert.is(pointer % (bytes > 8192 ? 4096 : 64), 0);
      assert.ok(pointer >= 100 && pointer + bytes <= (sorted[k + 1]?.pointer ?? wasm.buffer.byteLength));
    });
  }
  for (const block of held) block.release();
  const size = wasm.buffer.byteLength;
  // One range again: a block as large as everything fits without growth.
  memory.alloc(size - 2 * 4096).release();
  assert.is(wasm.buffer.byteLength, size);
});

test('too much is a MemoryError, after which the memory serves on', () => {
  const { memory } = made();
  try {
    memory.alloc(PAGES * 65536);
    assert.unreachable('it fitted');
  } catch (error) {
    assert.instance(error, MemoryError);
  }
  memory.u8.fill(7, memory.alloc(100_000).pointer);
});

test('a block lives as long as its last reference', () => {
  const { memory } = made();
  const block = memory.alloc(64);
  block.retain();
  block.release();
  assert.is.not(memory.alloc(64).pointer, block.pointer);
  block.release();
  assert.is(memory.alloc(64).pointer, block.pointer);
});

/** A whole file whose first call is of no known op. */
function strange(file: Uint8Array): Uint8Array {
  const text = Buffer.from(file).toString('latin1');
  const name = /"calls":\[\["\w+/.exec(text);
  const copy = Uint8Array.from(file);
  copy[(name?.index as number) + (name?.[0].length as number) - 1] = 'X'.charCodeAt(0);
  new DataView(copy.buffer).setUint32(16, crc32(copy.subarray(HEAD)), true);
  return copy;
}
/** How often memories grow while `work` runs. */
async function growths(work: () => void | Promise<void>): Promise<number> {
  const { prototype } = WebAssembly.Memory;
  const { grow } = prototype;
  let count = 0;
  prototype.grow = function (this: WebAssembly.Memory, pages: number): number {
    count++;
    return grow.call(this, pages);
  };
  try {
    await work();
  } finally {
    prototype.grow = grow;
  }
  return count;
}
const [digits] = cases(['digits']);
const used = (): lite.Model => {
  const model = lite.load(digits.file);
  model.run(Object.fromEntries(model.inputs.map((p, i) => [p.name, new Float32Array(digits.inputs[i].slice().buffer)])));
  return model;
};

test('models that were disposed, and files that failed, leave no memory behind', async () => {
  const broken = strange(digits.file);
  const round = (): void => {
    used().dispose();
    try {
      lite.load(broken);
      assert.unreachable('a strange op was accepted');
    } catch (error) {
      assert.instance(error, lite.FormatError);
      assert.match((error as Error).message, /no op/);
    }
  };
  round();
  assert.is(await growths(() => Array.from({ length: 100 }, round).forEach(() => {})), 0);
});

test('models that the program dropped come back', async () => {
  used().dispose();
  const kept = await growths(() => {
    const all = Array.from({ length: 30 }, used);
    for (const model of all) model.dispose();
  });
  const dropped = await growths(async () => {
    for (let i = 0; i < 200; i++) {
      used();
      if (i % 10 !== 9) continue;
      gc();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  });
  assert.ok(kept > 0, 'thirty models at once need more memory');
  assert.is(dropped, 0, 'two hundred one by one do not');
});

test.run();
