// A plan as others draw it: graphs for Mermaid and Graphviz, profiles for trace viewers.
import { isView, type StepTiming, type Storage } from '../backend.ts';
import { show } from '../base/shape.ts';
import type { Plan } from '../tensor/index.ts';

interface Drawn {
  readonly nodes: readonly { readonly id: string; readonly label: string; readonly outside: boolean }[];
  readonly edges: readonly { readonly from: string; readonly to: string; readonly label: string }[];
}

/** Calls as nodes, what one hands to another as edges; inputs, outputs and state are nodes of their own. */
function drawn(plan: Plan): Drawn {
  const { calls, inputs, outputs } = plan.recipe.graph;
  const nodes: Drawn['nodes'][number][] = [];
  const edges: Drawn['edges'][number][] = [];
  // The node that last wrote a storage.
  const makers = new Map<Storage, string>();
  const outside = (storage: Storage, id: string, label: string): void => {
    nodes.push({ id, label, outside: true });
    makers.set(storage, id);
  };
  inputs.forEach((s, i) => {
    outside(s, `in${i}`, `input ${i}`);
  });
  let states = 0;
  const makerOf = (storage: Storage): string => {
    if (!makers.has(storage)) outside(storage, `state${states}`, `state ${states++}`);
    return makers.get(storage) as string;
  };
  calls.forEach(({ op, inputs: xs, outputs: ys }, i) => {
    const id = `n${i}`;
    for (const x of xs) if (isView(x)) edges.push({ from: makerOf(x.storage), to: id, label: `${x.dtype}${show(x.shape)}` });
    nodes.push({ id, label: op.name, outside: false });
    for (const y of ys) makers.set(y.storage, id);
  });
  outputs.forEach((s, i) => {
    nodes.push({ id: `out${i}`, label: `output ${i}`, outside: true });
    edges.push({ from: makerOf(s), to: `out${i}`, label: '' });
  });
  return { nodes, edges };
}

/** The plan's graph in Mermaid's language. @example toMermaid(compiled.plans[0]) // 'flowchart TD\n  in0(["input 0"])\n ...' */
export function toMermaid(plan: Plan): string {
  const { nodes, edges } = drawn(plan);
  const lines = nodes.map(({ id, label, outside }) => (outside ? `${id}(["${label}"])` : `${id}["${label}"]`));
  const arrows = edges.map(({ from, to, label }) => (label === '' ? `${from} --> ${to}` : `${from} -->|"${label}"| ${to}`));
  return ['flowchart TD', ...[...lines, ...arrows].map((line) => `  ${line}`)].join('\n');
}

/** The plan's graph in Graphviz' language. @example toDot(compiled.plans[0]) // 'digraph plan {\n ...' */
export function toDot(plan: Plan): string {
  const { nodes, edges } = drawn(plan);
  const lines = nodes.map(({ id, label, outside }) => `${id} [label="${label}", shape=${outside ? 'ellipse' : 'box'}];`);
  const arrows = edges.map(({ from, to, label }) => `${from} -> ${to} [label="${label}"];`);
  return ['digraph plan {', ...[...lines, ...arrows].map((line) => `  ${line}`), '}'].join('\n');
}

/**
 * A profile in the trace-event format, which browsers' performance tools and Perfetto open.
 * @example writeFileSync('trace.json', toTrace(compiled.plans[0].profile(x)))
 */
export function toTrace(profile: readonly StepTiming[]): string {
  const traceEvents = profile.map(({ name, start, duration }, i) => ({
    ...{ name, cat: 'step', ph: 'X', ts: start * 1e3, dur: duration * 1e3 },
    ...{ pid: 1, tid: 1, args: { step: i } },
  }));
  return JSON.stringify({ traceEvents, displayTimeUnit: 'ms' });
}
