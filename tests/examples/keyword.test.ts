// The word in a sound, the person in a photograph.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { features } from '../../examples/keyword/features.ts';
import { load } from '../../ts/formats/safetensors.ts';
import { readWav } from '../../ts/formats/wav.ts';
import { conformanceFolder, repositoryRoot } from '../conformance/folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'wick-keyword-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string): string => join(folder, name);

/** A WAV file of 16 bits. */
function wav(samples: readonly number[], { rate = 16000, channels = 1, bits = 16, kind = 1 } = {}): Uint8Array {
  const bytes = new Uint8Array(44 + samples.length * 2);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode('RIFF'), 0);
  bytes.set(new TextEncoder().encode('WAVEfmt '), 8);
  view.setUint32(4, bytes.length - 8, true);
  view.setUint32(16, 16, true);
  [kind, channels].forEach((v, i) => {
    view.setUint16(20 + 2 * i, v, true);
  });
  view.setUint32(24, rate, true);
  view.setUint16(34, bits, true);
  bytes.set(new TextEncoder().encode('data'), 36);
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((v, i) => {
    view.setInt16(44 + 2 * i, v, true);
  });
  return bytes;
}
let state = 5;
const noise = (): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 4294967296 - 0.5;
};
const tone = Array.from({ length: 15000 }, (_, i) => Math.round(9000 * Math.sin(i * 0.11) * Math.exp(-i / 6000) + 2000 * noise()));

test('WAV: samples, the mean of channels, and what is not read', () => {
  assert.equal(Array.from(readWav(wav([0, 16384, -32768])).samples), [0, 0.5, -1]);
  const { rate, samples } = readWav(wav([100, 300, -200, 200], { rate: 8000, channels: 2 }));
  assert.equal([rate, Array.from(samples)], [8000, [200 / 32768, 0]]);
  assert.throws(() => readWav(wav([1], { bits: 24 })), /24 bits a sample of kind 1 are not read/);
  assert.throws(() => readWav(wav([1], { kind: 3 })), /kind 3/);
  assert.throws(() => readWav(wav([1, 2]).subarray(0, 30)), /the format is cut off/);
  assert.throws(() => readWav(new Uint8Array(20)), /does not begin as a WAV/);
});

test('features: what their definition gives, term by term', () => {
  const sound = readWav(wav(tone));
  const y = features(sound);
  assert.equal(y.shape, [1, 49, 10, 1]);
  const got = y.reshape([49, 10]).arraySync() as number[][];
  const mel = (f: number): number => 1127 * Math.log(1 + f / 700);
  const top = Math.max(...sound.samples);
  for (const frame of [0, 7, 30, 48]) {
    const x = Array.from(
      { length: 480 },
      (_, n) => ((sound.samples[frame * 320 + n] ?? 0) / top) * (0.5 - 0.5 * Math.cos((2 * Math.PI * n) / 480)),
    );
    const level = Array.from({ length: 257 }, (_, k) => {
      let [re, im] = [0, 0];
      x.forEach((v, n) => {
        re += v * Math.cos((2 * Math.PI * k * n) / 512);
        im -= v * Math.sin((2 * Math.PI * k * n) / 512);
      });
      return Math.hypot(re, im);
    });
    const edge = (i: number): number => mel(20) + ((mel(4000) - mel(20)) * i) / 41;
    const logs = Array.from({ length: 40 }, (_, b) => {
      let sum = 0;
      for (let k = 1; k < 257; k++) {
        const f = mel((k * 8000) / 256);
        const [up, down] = [(f - edge(b)) / (edge(b + 1) - edge(b)), (edge(b + 2) - f) / (edge(b + 2) - edge(b + 1))];
        sum += level[k] * Math.max(0, Math.min(up, down));
      }
      return Math.log(sum + 1e-6);
    });
    for (let c = 0; c < 10; c++) {
      const wanted = logs.reduce((s, v, n) => s + 2 * v * Math.cos((Math.PI * c * (2 * n + 1)) / 80), 0) / Math.sqrt(80);
      assert.ok(
        Math.abs(got[frame][c] - wanted) <= 1e-4 * Math.max(1, Math.abs(wanted)),
        `${frame}, ${c}: ${got[frame][c]}, not ${wanted}`,
      );
    }
  }
  assert.throws(() => features({ rate: 8000, samples: sound.samples }), /8000 samples a second/);
  assert.ok(
    (features({ rate: 16000, samples: new Float32Array(9) })
      .isfinite()
      .all()
      .itemSync() as unknown) === true,
  );
});

const models = conformanceFolder('models');
const program = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
if (models === null || !existsSync(join(models, 'kws_int8')))
  console.log('skipped: word and person - ../shared/conformance/models is not here');
else {
  test('one command hears that a sound holds no word', () => {
    writeFileSync(path('quiet.wav'), wav(Array.from({ length: 16000 }, () => Math.round(20 * noise()))));
    const out = execFileSync(process.execPath, [
      program('examples/keyword/main.js'),
      join(models, 'kws_int8/model.tflite'),
      path('quiet.wav'),
    ]);
    const lines = String(out).trim().split('\n');
    assert.is(lines.length, 3);
    assert.match(lines[0], /^\(silence\) 9\d\.\d %$/);
  });
  test('one command finds the person in a photograph', () => {
    const photos = load(new Uint8Array(readFileSync(join(models, 'eval/vww_sanity.safetensors'))));
    const labels = Array.from(photos.y.to('int32').dataSync() as Int32Array);
    const [, h, w] = photos.x.shape;
    labels.forEach((label, i) => {
      const samples = photos.x.select(0, i).contiguous().to('uint8').dataSync() as Uint8Array;
      writeFileSync(path('photo.ppm'), Buffer.concat([Buffer.from(`P6\n${w} ${h}\n255\n`), samples]));
      const words = ['run', join(models, 'vww_int8/model.tflite'), path('photo.ppm'), '--top', '1'];
      const out = execFileSync(process.execPath, [
        program('ts/cli/main.js'),
        ...words,
        '--labels',
        join(repositoryRoot(), 'examples/person.txt'),
      ]);
      const line = String(out).trim().split('\n')[1];
      assert.is(/no person/.test(line), label === 0, `photograph ${i}: ${line}`);
    });
  });
}

test.run();
