// Shader texts: numbers of a dispatch, arrays, the index of a thread, and the helpers that a text names.
import { FUNCTIONS } from './functions.ts';
import { WORDS } from './queue.ts';

/** WGSL: number k of the dispatch. */
export const int = (k: number): string => `N[${k >> 2}][${k & 3}]`;
export const uint = (k: number): string => `u32(${int(k)})`;
export const float = (k: number): string => `bitcast<f32>(${int(k)})`;

/** An array that a shader sees. */
export interface Declared {
  readonly name: string;
  /** WGSL type of an element. */
  readonly type: string;
  readonly writes: boolean;
}

const NAME = /\b[a-z]\w*\b/g;
/** The helpers that a text names, and those that they name, before they are used. */
function helpers(text: string): string {
  const found: string[] = [];
  const visit = (code: string): void => {
    for (const name of new Set(code.match(NAME) ?? [])) {
      const own = FUNCTIONS[name];
      if (own === undefined || found.includes(own)) continue;
      visit(own.replace(/^fn \w+/, ''));
      if (!found.includes(own)) found.push(own);
    }
  };
  visit(text);
  return found.join('\n');
}

/** A whole shader, where `subgroup_` is the size of a subgroup: `body` runs with the number t of its thread, and returns where there is nothing left to do. */
export function shader(arrays: readonly Declared[], body: string, more = '', size = '64'): string {
  const declared = arrays
    .map(
      ({ name, type, writes }, i) =>
        `@group(0) @binding(${i + 1}) var<storage, ${writes ? 'read_write' : 'read'}> ${name}: array<${type}>;`,
    )
    .join('\n');
  const head = helpers(more + body);
  const half = /\bf16\b/.test(head + declared + more + body);
  const subgroups = /\bsubgroup_\b/.test(more);
  return `${half ? 'enable f16;\n' : ''}${subgroups ? 'enable subgroups;\nvar<private> subgroup_: u32;\n' : ''}${head}
@group(0) @binding(0) var<uniform> N: array<vec4i, ${WORDS / 4}>;
${declared}
${more}
@compute @workgroup_size(${size})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) member: u32${subgroups ? ', @builtin(subgroup_size) lanes: u32' : ''}) {${subgroups ? '\n  subgroup_ = lanes;' : ''}
  let block = group.y * groups.x + group.x;
  let t = block * ${size.split(',').reduce((n, s) => n * Number(s), 1)}u + member;
${body}
}
`;
}
