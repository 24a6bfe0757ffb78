// Runs a measuring program in one process, or one browser, of each runtime that this machine has.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeJob } from '../tests/runtime/app.mjs';
import { inBrowser } from '../tests/runtime/browsers.mjs';
import { bundle } from '../tests/runtime/bundle.mjs';
import { hosts } from '../tests/runtime/hosts.mjs';
import { sh } from '../tests/runtime/install.mjs';

/**
 * What `call` of a module under build/ gives in each host: { name, value } or { name, missing } with the reason, one after the other.
 * @param names of hosts (tests/runtime/hosts.mjs)
 * @param call an expression over what the module exports
 * @param limit seconds for each
 */
export async function* everywhere(names, path, call, limit = 120) {
  const root = mkdtempSync(join(tmpdir(), 'wick-perf-'));
  try {
    await bundle(path, join(root, 'program.mjs'), { sources: true });
    const job = makeJob(root, 'perf', { imports: "import * as program from './program.mjs';", value: `program.${call}` });
    for (const host of await hosts((name) => names.includes(name))) {
      const { name, missing } = host;
      if (missing) {
        yield { name, missing };
        continue;
      }
      const [program, ...args] = host.command ?? [];
      const output = host.browser
        ? (await inBrowser(host.browser, root, [{ ...job, limit }], { headers: host.headers }))[0]
        : (await sh(program, [...args, job.file], { cwd: root, limit })).output;
      const line = /^@(.*)$/m.exec(output)?.[1];
      yield line ? { name, value: JSON.parse(line) } : { name, missing: output.trim().split('\n').slice(0, 3).join(' / ') };
    }
  } finally {
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Lines of a Markdown table. */
export function markdown(head, rows) {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => `${row[i]}`.length)));
  const line = (cells) => `| ${cells.map((cell, i) => `${cell}`.padEnd(widths[i])).join(' | ')} |`;
  return [line(head), line(widths.map((n) => '-'.repeat(n))), ...rows.map(line)].join('\n');
}
