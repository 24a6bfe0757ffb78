// Work on lines of elements: a thread for each short one, a workgroup whose lanes meet for each long one. One text serves both.
import { hasSubgroups } from '../features.ts';
import type { KernelCall, Numbers, Operand, RunOptions } from '../kernel.ts';
import { type Kind, WGSL } from '../types.ts';

/** Elements from which a line gets a workgroup. */
const LONG = 128;

/** How the lanes' values of a line become one: the function that joins two. */
export interface Join {
  readonly name: string;
  readonly kind: Kind;
  readonly by: string;
}
export const ADD: Join = { name: 'total', kind: 'f32', by: 'add_f32' };
export const MAX: Join = { name: 'most', kind: 'f32', by: 'max_f32' };

/**
 * Runs a body for each of `lines` lines of about n elements: it has `line`, its `lane` of `LANES`, and a function for each of `joins`, which
 * gives all lanes the joined value. Number `at` says how many lines there are.
 */
export function runLines(
  call: KernelCall,
  name: string,
  operands: readonly Operand[],
  numbers: Numbers,
  lines: number,
  n: number,
  joins: readonly Join[],
  body: string,
  options: RunOptions = {},
): void {
  const at = `u32(N[15][2])`;
  const long = n >= LONG;
  const own = { ...numbers };
  const functions = joins.map(({ name, kind, by }) => {
    const type = WGSL[kind];
    if (!long) return `fn ${name}(v: ${type}, lane: u32) -> ${type} { return v; }`;
    if (hasSubgroups())
      return `var<workgroup> ${name}_: array<${type}, 64>;
fn ${name}(v: ${type}, lane: u32) -> ${type} {
  var s = v;
  ${[1, 2, 4, 8, 16, 32].map((o) => `{ let other = subgroupShuffleXor(s, ${o}u); if (${o}u < subgroup_) { s = ${by}(s, other); } }`).join('\n  ')}
  workgroupBarrier();
  ${name}_[lane] = s;
  workgroupBarrier();
  s = ${name}_[0];
  for (var i = subgroup_; i < 64u; i = i + subgroup_) { s = ${by}(s, ${name}_[i]); }
  return s;
}`;
    return `var<workgroup> ${name}_: array<${type}, 64>;
fn ${name}(v: ${type}, lane: u32) -> ${type} {
  workgroupBarrier();
  ${name}_[lane] = v;
  for (var s = 32u; s > 0u; s = s / 2u) {
    workgroupBarrier();
    if (lane < s) { ${name}_[lane] = ${by}(${name}_[lane], ${name}_[lane + s]); }
  }
  workgroupBarrier();
  return ${name}_[0];
}`;
  });
  const more = `${options.more ?? ''}\nconst LANES = ${long ? 64 : 1}u;\n${functions.join('\n')}`;
  const head = long
    ? `  if (block >= ${at}) { return; }\n  let line = block;\n  let lane = member;`
    : `  if (t >= ${at}) { return; }\n  let line = t;\n  let lane = 0u;`;
  call.run(`${name}${long ? 'L' : ''}`, operands, own, lines, `${head}\n${body}`, {
    ...options,
    more,
    lines,
    ...(long ? { size: '64' } : {}),
  });
}
