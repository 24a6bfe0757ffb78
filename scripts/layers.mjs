// Enforces the house: who may import whom, and no cycles of value imports. `--mermaid` prints the picture instead.
import { posix } from 'node:path';
import ts from 'typescript';
import { files, read } from './sources.mjs';

// The rule table. A room is a folder or a file; it may import itself and rooms of lower levels, never a room of its own level.
const ROOMS = [
  { level: 0, rooms: ['ts/base'], what: 'dtype, shape, broadcast, math, errors' },
  { level: 1, rooms: ['ts/ops'], what: 'the table: one row per op' },
  { level: 2, rooms: ['ts/backend.ts'], what: 'the seam' },
  { level: 3, rooms: ['ts/plan', 'ts/wasm', 'gpu'], what: 'three backends: recorder, Wasm, WebGPU' },
  { level: 4, rooms: ['ts/tensor'], what: 'Tensor, tape, capture' },
  {
    level: 5,
    rooms: ['ts/autograd', 'ts/fast', 'ts/gpu', 'ts/jit', 'ts/nn', 'ts/optim', 'ts/data', 'ts/formats', 'ts/quant'],
    what: 'custom functions, networks, training, data, files, quantised kernels',
  },
  {
    level: 6,
    rooms: ['ts/onnx', 'ts/tflite', 'ts/hub', 'ts/board', 'ts/serve', 'ts/distributed', 'ts/export', 'ts/lite'],
    what: 'importers, programs around the engine',
  },
  { level: 7, rooms: ['ts/index.ts'], what: 'composition root' },
  { level: 8, rooms: ['ts/cli'], what: 'the command line' },
];
// Rooms that only these may name, whatever the levels say.
const PRIVATE = { 'ts/wasm': ['ts/index.ts', 'ts/export', 'ts/lite'], gpu: ['ts/gpu'] };

const LEVEL = new Map(ROOMS.flatMap(({ level, rooms }) => rooms.map((room) => [room, level])));
const roomOf = (path) => [...LEVEL.keys()].find((room) => path === room || path.startsWith(`${room}/`));

if (process.argv.includes('--mermaid')) console.log(mermaid());
else check();

function check() {
  const problems = [];
  const graph = new Map();
  const house = files(['ts', 'gpu'], /(?<!\.d)\.ts$/);
  for (const path of house) {
    if (!roomOf(path)) problems.push(`${path}: has no room in the table of scripts/layers.mjs`);
    const edges = importsOf(path);
    graph.set(
      path,
      edges.filter(({ isValue, isLazy }) => isValue && !isLazy).map(({ target }) => target),
    );
    for (const { target, line, specifier } of edges) {
      const problem = judge(path, target, specifier);
      if (problem) problems.push(`${path}:${line}: ${problem}`);
    }
  }
  for (const path of files(['assembly'], /\.ts$/)) {
    for (const { target, line, specifier } of importsOf(path)) {
      if (!target?.startsWith('assembly/'))
        problems.push(`${path}:${line}: imports '${specifier}'; assembly/ imports nothing outside itself`);
    }
  }
  for (const cycle of cycles(graph)) problems.push(`cycle of value imports: ${[...cycle, cycle[0]].join(' -> ')}`);
  for (const problem of problems) console.log(problem);
  console.log(problems.length ? `${problems.length} layer problems` : `${house.length} files, no layer broken, no cycle`);
  process.exitCode = problems.length ? 1 : 0;
}

function judge(path, target, specifier) {
  if (target === null) return null; // a package or node: module: package.json decides
  const [from, to] = [roomOf(path), roomOf(target)];
  if (!from || from === to) return null;
  if (!to) return `imports '${specifier}', which is outside the house`;
  if (PRIVATE[to] && !PRIVATE[to].includes(from) && !PRIVATE[to].includes(roomOf(from)))
    return `names ${to}; only ${PRIVATE[to].join(', ')} may`;
  const [a, b] = [LEVEL.get(from), LEVEL.get(to)];
  if (a === b) return `${from} imports ${to}, a neighbour on level ${a}; move what they share to a lower level`;
  return a < b ? `${from} (level ${a}) imports ${to} (level ${b}); a layer imports only lower ones` : null;
}

/** The imports of a file: { specifier, target (a path from the root, null for a package), line, isValue, isLazy }. */
function importsOf(path) {
  const source = ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true);
  const found = [];
  const add = (node, literal, isValue, isLazy = false) => {
    const specifier = literal.text;
    const target = specifier.startsWith('.') ? withExtension(posix.join(posix.dirname(path), specifier)) : null;
    found.push({ specifier, target, isValue, isLazy, line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1 });
  };
  const visit = (node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier)
      add(node, node.moduleSpecifier, isValueImport(node));
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node, node.argument.literal, false);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword && ts.isStringLiteralLike(node.arguments[0]))
      add(node, node.arguments[0], true, true);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function withExtension(path) {
  return path.endsWith('.ts') ? path : `${path}.ts`;
}

function isValueImport(node) {
  if (ts.isExportDeclaration(node)) {
    return !node.isTypeOnly && !(node.exportClause && ts.isNamedExports(node.exportClause) && allTypes(node.exportClause.elements));
  }
  const clause = node.importClause;
  if (!clause) return true; // imported for its effect
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword || clause.isTypeOnly) return false;
  return (
    Boolean(clause.name) || !(clause.namedBindings && ts.isNamedImports(clause.namedBindings) && allTypes(clause.namedBindings.elements))
  );
}

function allTypes(specifiers) {
  return specifiers.length > 0 && specifiers.every((specifier) => specifier.isTypeOnly);
}

/** One cycle per strongly connected group of files (Tarjan), each as a list of paths along real edges. */
function cycles(graph) {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const groups = [];
  const visit = (node) => {
    index.set(node, index.size);
    low.set(node, index.get(node));
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node), low.get(next)));
    }
    if (low.get(node) !== index.get(node)) return;
    const group = new Set(stack.splice(stack.indexOf(node)));
    if (group.size > 1 || graph.get(node)?.includes(node)) groups.push(loopIn(graph, group, node));
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return groups;
}

function loopIn(graph, group, start) {
  const parent = new Map([[start, null]]);
  const queue = [start];
  for (const node of queue) {
    for (const next of graph.get(node) ?? []) {
      if (next === start) {
        const path = [];
        for (let at = node; at !== null; at = parent.get(at)) path.unshift(at);
        return path;
      }
      if (group.has(next) && !parent.has(next)) {
        parent.set(next, node);
        queue.push(next);
      }
    }
  }
  return [...group];
}

function mermaid() {
  const present = new Set(files(['ts', 'gpu']).map(roomOf));
  const rows = ROOMS.map(({ level, rooms, what }) => ({ level, what, rooms: rooms.filter((room) => present.has(room)) })).filter(
    ({ rooms }) => rooms.length,
  );
  const lines = ['flowchart BT', '  asm["assembly/ : kernels, loops, interpreter, heap, threads"]'];
  for (const { level, rooms, what } of rows) lines.push(`  L${level}["${rooms.join(' &nbsp; ')}<br><small>${what}</small>"]`);
  for (let i = 1; i < rows.length; i++) lines.push(`  L${rows[i].level} --> L${rows[i - 1].level}`);
  if (present.has('ts/wasm')) lines.push('  L3 -. compiled and inlined .-> asm');
  return lines.join('\n');
}
