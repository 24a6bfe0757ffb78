// The lists of operators in docs/models.md: `node build/tests/onnx/operators.js --write` renews them.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '../../ts/index.ts';
import { exportONNX, operators } from '../../ts/onnx/index.ts';
import { MODEL, type ModelProto } from '../../ts/onnx/messages.ts';
import { decodeMessage } from '../../ts/onnx/wire.ts';
import { repositoryRoot } from '../conformance/folder.ts';
import { MODULES, trips } from './modules.ts';

const page = join(repositoryRoot(), 'docs/models.md');

function supported(): string {
  const domains = new Map<string, string[]>();
  for (const name of [...operators.keys()].sort()) {
    const at = name.lastIndexOf(':');
    const domain = at < 0 ? 'ai.onnx' : name.slice(0, at);
    domains.set(domain, [...(domains.get(domain) ?? []), name.slice(at + 1)]);
  }
  return [...domains].map(([domain, names]) => `**${domain}** (${names.length}): ${names.join(', ')}.`).join('\n\n');
}
/** What is not worth naming: shapes, types, copies. */
const PLAIN = new Set(['Identity', 'Reshape', 'Cast', 'Expand', 'Unsqueeze', 'Squeeze']);
/** For each module what it is written as, and how it comes back. */
function written(): string {
  const all = trips();
  const lines = Object.keys(MODULES).map((name) => {
    const own = all.filter((t) => t.name.replace(/[ ,].*/, '') === name);
    const names = new Set<string>();
    const notes = new Set<string>();
    for (const t of own) {
      if (t.refused !== undefined) {
        notes.add(`refused: ${reason(() => exportONNX(t.module, t.examples))}`);
        continue;
      }
      notes.add(t.close === undefined ? 'the same bits' : `close: ${t.close}`);
      const model = decodeMessage(exportONNX(t.module, t.examples), MODEL) as unknown as ModelProto;
      for (const { opType = '' } of model.graph?.node ?? []) if (!PLAIN.has(opType)) names.add(opType);
    }
    return `| ${name} | ${[...names].sort().join(', ') || '-'} | ${[...notes].join('; ')} |`;
  });
  return ['| module | operators | comes back with |', '| --- | --- | --- |', ...lines].join('\n');
}
function reason(f: () => unknown): string {
  try {
    f();
    return 'not at all';
  } catch (error) {
    return (error as Error).message.replace(/^exportONNX: | \(at [^)]*\)|; what follows.*/g, '');
  }
}

/** The page as it is, and as the tables of operators want it. */
export function pages(): { is: string; wanted: string } {
  const is = readFileSync(page, 'utf8');
  const put = (text: string, mark: string, list: string): string =>
    text.replace(new RegExp(`<!-- ${mark} -->[\\s\\S]*<!-- /${mark} -->`), () => `<!-- ${mark} -->\n${list}\n<!-- /${mark} -->`);
  return { is, wanted: put(put(is, 'operators', supported()), 'exports', written()) };
}
if (process.argv.includes('--write')) writeFileSync(page, pages().wanted);
