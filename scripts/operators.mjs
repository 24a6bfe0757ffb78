// Writes the lists of operators into docs/models.md from what is compiled: node scripts/operators.mjs [--check]
import { readFileSync, writeFileSync } from 'node:fs';
import { at } from './sources.mjs';

const DOCS = at('docs/models.md');
await import(at('build/ts/index.js'));
const lists = { 'tflite operators': (await import(at('build/ts/tflite/index.js'))).implemented() };

const old = readFileSync(DOCS, 'utf8');
let text = old;
for (const [name, list] of Object.entries(lists)) {
  const lines = list
    .map((op) => `\`${op}\``)
    .join(', ')
    .replace(/(.{1,136}), /g, '$1,\n');
  const body = `<!-- generated: ${name} -->\n${list.length} operators: ${lines}.\n<!-- end -->`;
  text = text.replace(new RegExp(`<!-- generated: ${name} -->[^]*?<!-- end -->`), body);
}
if (text === old) process.exit(0);
if (process.argv.includes('--check')) {
  console.error('docs/models.md does not list the operators that are implemented: run node scripts/operators.mjs');
  process.exit(1);
}
writeFileSync(DOCS, text);
console.log('docs/models.md');
