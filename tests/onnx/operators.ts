// The list of operators in docs/models.md: `node build/tests/onnx/operators.js --write` renews it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '../../ts/index.ts';
import { operators } from '../../ts/onnx/index.ts';
import { repositoryRoot } from '../conformance/folder.ts';

const page = join(repositoryRoot(), 'docs/models.md');

/** The page as it is, and as the table of operators wants it. */
export function pages(): { is: string; wanted: string } {
  const domains = new Map<string, string[]>();
  for (const name of [...operators.keys()].sort()) {
    const at = name.lastIndexOf(':');
    const domain = at < 0 ? 'ai.onnx' : name.slice(0, at);
    domains.set(domain, [...(domains.get(domain) ?? []), name.slice(at + 1)]);
  }
  const list = [...domains].map(([domain, names]) => `**${domain}** (${names.length}): ${names.join(', ')}.`).join('\n\n');
  const is = readFileSync(page, 'utf8');
  return { is, wanted: is.replace(/<!-- operators -->[\s\S]*<!-- \/operators -->/, `<!-- operators -->\n${list}\n<!-- /operators -->`) };
}
if (process.argv.includes('--write')) writeFileSync(page, pages().wanted);
