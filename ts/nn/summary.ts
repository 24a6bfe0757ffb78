import { noGrad, Tensor, zeros } from '../tensor/index.ts';
import type { Module } from './module.ts';

/** Shapes of the tensors of a result. */
function shapes(out: unknown): string {
  if (out instanceof Tensor) return `[${out.shape.join(', ')}]`;
  if (Array.isArray(out)) return out.map(shapes).filter(Boolean).join(', ');
  return '';
}

const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');
const own = (m: Module): number => Array.from(m.ownParameters()).reduce((n, [, p]) => n + p.numel, 0);

/** Runs the module on zeros of the given shapes and notes what each part returned. */
function outputs(root: Module, inputShapes: readonly (readonly number[])[]): Map<Module, string> {
  const seen = new Map<Module, string>();
  if (inputShapes.length === 0) return seen;
  const modes = root.modules().map((m) => [m, m.training] as const);
  const removers = root.modules().map((m) => m.registerForwardHook((module, _, out) => void seen.set(module, shapes(out))));
  try {
    root.eval();
    noGrad(() => root.forward(...inputShapes.map((s) => zeros(s))));
  } finally {
    for (const remove of removers) remove();
    for (const [m, training] of modes) m.training = training;
  }
  return seen;
}

/** The text of Module.summary. */
export function summarise(root: Module, inputShapes: readonly (readonly number[])[]): string {
  const seen = outputs(root, inputShapes);
  const rows = [['Layer', 'Output shape', 'Parameters']];
  for (const [name, m] of root.namedModules()) {
    const depth = name === '' ? 0 : name.split('.').length;
    const label = `${'  '.repeat(depth)}${name === '' ? '' : `${name.split('.').at(-1)}: `}${m.constructor.name}`;
    const n = own(m);
    rows.push([label, seen.get(m) ?? '', n === 0 ? '' : grouped(n)]);
  }
  const widths = [0, 1, 2].map((c) => Math.max(...rows.map((r) => r[c].length)));
  const line = (r: string[]): string => `${r[0].padEnd(widths[0])}  ${r[1].padEnd(widths[1])}  ${r[2].padStart(widths[2])}`.trimEnd();
  const rule = '-'.repeat(widths[0] + widths[1] + widths[2] + 4);
  const all = root.parameters();
  const total = all.reduce((n, p) => n + p.numel, 0);
  const trained = all.reduce((n, p) => n + (p.requiresGrad ? p.numel : 0), 0);
  const bytes = all.reduce((n, p) => n + p.nbytes, 0);
  const foot = `${grouped(total)} parameters (${grouped(trained)} trained), ${(bytes / 1024).toFixed(1)} kB`;
  return [line(rows[0]), rule, ...rows.slice(1).map(line), rule, foot].join('\n');
}
