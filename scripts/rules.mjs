// The house rules that neither tsc nor the linter knows, over every source that is written by hand.
import ts from 'typescript';
import { files, isGenerated, read } from './sources.mjs';

const TRANSCENDENTAL = /^(a?(sin|cos|tan)h?|atan2|exp|expm1|log|log2|log10|log1p|pow|cbrt|hypot)$/;
const LAYOUT = [
  [/\t|\r/, 'tab or carriage return; indent with two spaces'],
  [/\s$/, 'trailing space'],
  [/^.{141}/, 'longer than 140 characters'],
  [/^( {2})* (?![* ])/, 'indented by an odd number of spaces'],
  [/^import .*"/, 'double quotes; use single quotes'],
];
const LONG = 400;
// Text that never belongs in the repository. Split so that this file passes its own rule.
const FORBIDDEN = [
  [/https?:\/\/[\w.-]*registry[\w.-]*/i, 'names a package registry'],
  [
    new RegExp(`(?<![\\w.:/-])/(${['wo' + 'rk', 'ho' + 'me', 'ro' + 'ot', 'Use' + 'rs'].join('|')})/[\\w.-]+`),
    'names a path of one machine',
  ],
];

// Which folders a rule on syntax covers, what it looks for, and what to do instead.
const RULES = [
  { where: /^(ts|gpu)\//, bans: isTranscendental, says: 'differs between engines; use base/math.ts', but: 'reference' },
  { where: /^(ts|gpu)\//, bans: isPower, says: '`**` differs between engines; multiply, or use base/math.ts', but: 'reference' },
  { where: /^(ts|gpu|tests|examples|perf)\//, bans: ts.isEnumDeclaration, says: 'enum is not erasable; use a const object or a union' },
  {
    where: /^(ts|gpu|tests|examples)\//,
    bans: isMember('Math', 'random'),
    says: 'Math.random has no seed; use the counter-based generator',
  },
  {
    where: /^(ts(?!\/cli\/)|gpu)\//,
    bans: isMember('console', 'log'),
    says: 'a library does not print; return the text or throw a WickError',
  },
  { where: /^tests\//, bans: isMember('test', 'only'), says: 'test.only hides the other tests' },
];

const problems = [];
const warnings = [];
const everything = files(
  [
    'assembly',
    'ts',
    'gpu',
    'tests',
    'examples',
    'perf',
    'scripts',
    'docs',
    '.ci',
    'README.md',
    'CONTRIBUTING.md',
    'package.json',
    'package-lock.json',
    'rollup.config.js',
    '.npmrc',
  ],
  /(\.(ts|js|mjs|md|json|sh|html|css)|\.npmrc|\.ci\/run)$/,
);

for (const path of everything.filter((path) => !isGenerated(path))) {
  const text = read(path);
  if (/utils?\b/i.test(path.split('/').pop())) problems.push(`${path}: a file is named for its purpose, never 'utils'`);
  for (const [pattern, says] of FORBIDDEN) {
    text.split('\n').forEach((line, i) => {
      if (pattern.test(line)) problems.push(`${path}:${i + 1}: ${says}: ${line.match(pattern)[0]}`);
    });
  }
  if (!/\.(ts|mjs|js)$/.test(path)) continue;
  if (path.startsWith('assembly/')) layout(path, text);
  const lines = text.split('\n').length - 1;
  if (lines > LONG) warnings.push(`${path}: ${lines} lines (aim: at most ${LONG})`);
  if (path.endsWith('.ts') && RULES.some(({ where }) => where.test(path))) scan(path, text);
}

for (const warning of warnings) console.log(`warning: ${warning}`);
for (const problem of problems) console.log(problem);
console.log(
  problems.length
    ? `${problems.length} rules broken`
    : `${everything.length} files, no rule broken${warnings.length ? `, ${warnings.length} long` : ''}`,
);
process.exitCode = problems.length ? 1 : 0;

// The formatter cannot parse AssemblyScript (decorators on functions), so its house style is checked as text.
function layout(path, text) {
  if (!text.endsWith('\n') || text.endsWith('\n\n')) problems.push(`${path}: ends with exactly one newline`);
  text.split('\n').forEach((line, i) => {
    const says = LAYOUT.find(([pattern]) => pattern.test(line))?.[1];
    if (says) problems.push(`${path}:${i + 1}: ${says}`);
  });
}

function scan(path, text) {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const rules = RULES.filter(({ where }) => where.test(path));
  const visit = (node) => {
    for (const { bans, says, but } of rules) {
      if (!bans(node) || (but === 'reference' && isReference(node, source, path))) continue;
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      problems.push(`${path}:${line}: ${node.getText().split('\n')[0].slice(0, 60)}: ${says}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

// A reference is the oracle of an op's tests, never part of a result: the value of a property named `reference`, in ts/ops/reference*.ts,
// or on a line that ends in `// reference`.
function isReference(node, source, path) {
  if (/^ts\/ops\/reference[\w-]*(\.ts|\/)/.test(path)) return true;
  const { line } = source.getLineAndCharacterOfPosition(node.getStart());
  if (/\/\/ reference\s*$/.test(source.text.split('\n')[line])) return true;
  for (let up = node.parent; up; up = up.parent) if (up.name && ts.isIdentifier(up.name) && up.name.text === 'reference') return true;
  return false;
}

function isTranscendental(node) {
  if (ts.isPropertyAccessExpression(node)) return isName(node.expression, 'Math') && TRANSCENDENTAL.test(node.name.text);
  if (ts.isElementAccessExpression(node)) return isName(node.expression, 'Math') && !ts.isNumericLiteral(node.argumentExpression);
  // const { exp } = Math
  return (
    ts.isVariableDeclaration(node) &&
    ts.isObjectBindingPattern(node.name) &&
    node.initializer !== undefined &&
    isName(node.initializer, 'Math')
  );
}

function isPower(node) {
  if (!ts.isBinaryExpression(node)) return false;
  const { kind } = node.operatorToken;
  return kind === ts.SyntaxKind.AsteriskAsteriskToken || kind === ts.SyntaxKind.AsteriskAsteriskEqualsToken;
}

function isMember(object, member) {
  return (node) => ts.isPropertyAccessExpression(node) && isName(node.expression, object) && node.name.text === member;
}

function isName(node, name) {
  return ts.isIdentifier(node) && node.text === name;
}
