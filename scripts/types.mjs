// Ships declarations: those that the public entries reach, from build/ to dist/types/, with the import specifiers that tsc leaves as './x.ts' made './x.js'.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import { entries } from './entries.mjs';
import { at } from './sources.mjs';

const SPECIFIER = /(from\s+|import\s+|import\(\s*)(['"])(\.{1,2}\/[^'"]+)\2/g;

/** Copies every reachable declaration; an entry whose source does not exist is left to the exports check to report. */
export function shipTypes() {
  const queue = entries().map(({ types }) => types.slice('dist/types/'.length));
  const seen = new Set(queue);
  for (const path of queue) {
    if (!existsSync(at(`build/${path}`))) continue;
    const text = readFileSync(at(`build/${path}`), 'utf8').replace(SPECIFIER, (_, before, quote, specifier) => {
      const target = posix.join(posix.dirname(path), specifier.replace(/\.[jt]s$/, '.d.ts'));
      if (!seen.has(target)) {
        seen.add(target);
        queue.push(target);
      }
      return `${before}${quote}${specifier.replace(/\.ts$/, '.js')}${quote}`;
    });
    const to = at(`dist/types/${path}`);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, text.replace(/^\/\/# sourceMappingURL=.*$/m, ''));
  }
}
