import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WickError } from '../../ts/base/errors.ts';
import { parse } from '../../ts/formats/safetensors.ts';
import { judge, type Verdict } from './report.ts';

interface Entry {
  readonly file: string;
  readonly verdict: 'accept' | 'reject';
  readonly tensors?: Record<string, { shape: number[]; bytes_hex: string }>;
}

/** The reference library's verdict on every file of the folder, and ours. */
export function* runSafetensors(folder: string): Generator<Verdict> {
  const { files } = JSON.parse(readFileSync(join(folder, 'safetensors', 'index.json'), 'utf8')) as { files: Entry[] };
  for (const entry of files)
    yield judge(
      'safetensors',
      entry.file,
      entry.file,
      () => false,
      () => check(join(folder, 'safetensors', entry.file), entry),
    );
}

function check(path: string, { verdict, tensors = {} }: Entry): string | null {
  let found: ReturnType<typeof parse>['tensors'];
  try {
    found = parse(new Uint8Array(readFileSync(path))).tensors;
  } catch (error) {
    return verdict === 'reject' && error instanceof WickError ? null : String(error);
  }
  if (verdict === 'reject') return 'accepted';
  if ([...found.keys()].sort().join() !== Object.keys(tensors).sort().join())
    return `tensors ${[...found.keys()]} instead of ${Object.keys(tensors)}`;
  for (const [name, { shape, bytes_hex }] of Object.entries(tensors)) {
    const t = found.get(name);
    if (t?.shape.join() !== shape.join() || Buffer.from(t.bytes).toString('hex') !== bytes_hex) return `${name} differs`;
  }
  return null;
}
