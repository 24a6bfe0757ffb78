// Attention without a matrix of scores: a workgroup per row, 64 keys at a time, the running maximum and sum in its lanes.
import type { View } from '../../ts/backend.ts';
import { sizeOf } from '../../ts/base/shape.ts';
import type { GpuKernel, KernelCall, Operand } from '../kernel.ts';
import { float, uint } from '../shader.ts';

// Numbers: rows of all heads, rows, keys, width, depth, causal, keys of all heads; then the scale.
const [ALL, ROWS, KEYS, WIDTH, DEPTH, CAUSAL, ALLKEYS, SCALE] = [0, 1, 2, 3, 4, 5, 6, 7];
function numbers(call: KernelCall, q: View, k: View, v: View) {
  const { scale, causal } = call.attrs as { scale: number; causal: boolean };
  const heads = q.shape[0] * q.shape[1];
  return {
    ints: [heads * q.shape[2], q.shape[2], k.shape[2], q.shape[3], v.shape[3], causal ? 1 : 0, heads * k.shape[2]],
    floats: [scale],
  };
}
const SHARED = 'var<workgroup> shared_: array<f32, 64>;\nvar<workgroup> other_: array<f32, 64>;';
/** WGSL: the score of row r of head u (all rows: r) and key j (all keys: k). */
const score = (mask: boolean): string => `fn score(r: u32, k: u32) -> f32 {
  var s = 0.0;
  for (var e = 0u; e < ${uint(WIDTH)}; e++) { s = s + ld_q(r * ${uint(WIDTH)} + e) * ld_k(k * ${uint(WIDTH)} + e); }
  return s * ${float(SCALE)}${mask ? ` + ld_mask(r * ${uint(KEYS)} + k % ${uint(KEYS)})` : ''};
}
fn seen(r: u32, k: u32) -> bool { return ${uint(CAUSAL)} == 0u || k % ${uint(KEYS)} <= r % ${uint(ROWS)}; }`;
const own = (f: (i: number) => string): string => [0, 1, 2, 3].map(f).join('\n');

function forward(call: KernelCall): void {
  const [q, k, v, mask] = call.inputs as readonly View[];
  const [y, level] = call.outputs;
  const s = numbers(call, q, k, v);
  const body = `  let r = block;
  if (r >= ${uint(ALL)}) { return; }
  let first = (r / ${uint(ROWS)}) * ${uint(KEYS)};
  var m = -inf_f32(0.0);
  var sum = 0.0;
${own((i) => `  var a${i} = 0.0;`)}
  for (var j = 0u; j < ${uint(KEYS)}; j = j + 64u) {
    var x = -inf_f32(0.0);
    if (j + member < ${uint(KEYS)} && seen(r, first + j + member)) { x = score(r, first + j + member); }
    workgroupBarrier();
    shared_[member] = x;
    workgroupBarrier();
    let count = min(64u, ${uint(KEYS)} - j);
    var now = m;
    for (var i = 0u; i < count; i++) { now = max_f32(now, shared_[i]); }
    let level = select(now, 0.0, isneginf_f32(now));
    let fade = exp_f32(m - level);
    sum = sum * fade;
${own((i) => `    a${i} = a${i} * fade;`)}
    for (var i = 0u; i < count; i++) {
      let p = exp_f32(shared_[i] - level);
      sum = sum + p;
      let at = (first + j + i) * ${uint(DEPTH)} + member;
${own((i) => `      if (member + ${64 * i}u < ${uint(DEPTH)}) { a${i} = a${i} + p * ld_v(at + ${64 * i}u); }`)}
    }
    m = now;
  }
${own((i) => `  if (member + ${64 * i}u < ${uint(DEPTH)}) { st_y(r * ${uint(DEPTH)} + member + ${64 * i}u, a${i} / sum); }`)}
  if (member == 0u) { st_level(r, m + log_f32(sum)); }`;
  const operands: Operand[] = [
    { name: 'q', view: q },
    { name: 'k', view: k },
    { name: 'v', view: v },
    ...(mask ? [{ name: 'mask', view: mask }] : []),
    { name: 'y', view: y, writes: true },
    { name: 'level', view: level, writes: true },
  ];
  call.run(`forward${mask ? 'm' : ''}`, operands, s, s.ints[ALL], body, { more: `${SHARED}\n${score(!!mask)}`, size: '64' });
}

function backward(call: KernelCall): void {
  const [g, q, k, v, y, level, mask] = call.inputs as readonly View[];
  const [dq, dk, dv] = call.outputs;
  const s = numbers(call, q, k, v);
  const sums = call.temporary([s.ints[ALL]], 'float32');
  const dot = `  if (t >= ${uint(ALL)}) { return; }
  var s = 0.0;
  for (var e = 0u; e < ${uint(DEPTH)}; e++) { s = s + ld_g(t * ${uint(DEPTH)} + e) * ld_y(t * ${uint(DEPTH)} + e); }
  st_sums(t, s);`;
  call.run(
    'sums',
    [
      { name: 'g', view: g },
      { name: 'y', view: y },
      { name: 'sums', view: sums, writes: true },
    ],
    s,
    s.ints[ALL],
    dot,
  );
  const more = `${SHARED}\n${score(!!mask)}
fn share(r: u32, k: u32) -> f32 { return exp_f32(score(r, k) - ld_level(r)); }
fn slope(r: u32, k: u32) -> f32 {
  var s = 0.0;
  for (var e = 0u; e < ${uint(DEPTH)}; e++) { s = s + ld_g(r * ${uint(DEPTH)} + e) * ld_v(k * ${uint(DEPTH)} + e); }
  return (s - ld_sums(r)) * ${float(SCALE)};
}`;
  const operands: Operand[] = [
    { name: 'g', view: g },
    { name: 'q', view: q },
    { name: 'k', view: k },
    { name: 'v', view: v },
    { name: 'level', view: level },
    { name: 'sums', view: sums },
    ...(mask ? [{ name: 'mask', view: mask }] : []),
  ];
  const rows = `  let r = block;
  if (r >= ${uint(ALL)}) { return; }
  let first = (r / ${uint(ROWS)}) * ${uint(KEYS)};
${own((i) => `  var a${i} = 0.0;`)}
  for (var j = 0u; j < ${uint(KEYS)}; j = j + 64u) {
    var x = 0.0;
    let key = first + j + member;
    if (j + member < ${uint(KEYS)} && seen(r, key)) { x = share(r, key) * slope(r, key); }
    workgroupBarrier();
    shared_[member] = x;
    workgroupBarrier();
    for (var i = 0u; i < min(64u, ${uint(KEYS)} - j); i++) {
      let at = (first + j + i) * ${uint(WIDTH)} + member;
${own((i) => `      if (member + ${64 * i}u < ${uint(WIDTH)}) { a${i} = a${i} + shared_[i] * ld_k(at + ${64 * i}u); }`)}
    }
  }
${own((i) => `  if (member + ${64 * i}u < ${uint(WIDTH)}) { st_dq(r * ${uint(WIDTH)} + member + ${64 * i}u, a${i}); }`)}`;
  const form = mask ? 'm' : '';
  call.run(`rows${form}`, [...operands, { name: 'dq', view: dq, writes: true }], s, s.ints[ALL], rows, { more, size: '64' });
  // Gradients of keys and values: `weight` of each query, times rows of `from`.
  const columns = (weight: string, from: string, wide: number, to: string): string => `  let key = block;
  if (key >= ${uint(ALLKEYS)}) { return; }
  let first = (key / ${uint(KEYS)}) * ${uint(ROWS)};
${own((i) => `  var a${i} = 0.0;`)}
  for (var j = 0u; j < ${uint(ROWS)}; j = j + 64u) {
    var x = 0.0;
    let r = first + j + member;
    if (j + member < ${uint(ROWS)} && seen(r, key)) { x = ${weight}; }
    workgroupBarrier();
    shared_[member] = x;
    workgroupBarrier();
    for (var i = 0u; i < min(64u, ${uint(ROWS)} - j); i++) {
      let at = (first + j + i) * ${uint(wide)} + member;
${own((i) => `      if (member + ${64 * i}u < ${uint(wide)}) { a${i} = a${i} + shared_[i] * ld_${from}(at + ${64 * i}u); }`)}
    }
  }
${own((i) => `  if (member + ${64 * i}u < ${uint(wide)}) { st_${to}(key * ${uint(wide)} + member + ${64 * i}u, a${i}); }`)}`;
  const keys = columns('share(r, key) * slope(r, key)', 'q', WIDTH, 'dk');
  call.run(`keys${form}`, [...operands, { name: 'dk', view: dk, writes: true }], s, s.ints[ALLKEYS], keys, { more, size: '64' });
  const values = columns('share(r, key)', 'g', DEPTH, 'dv');
  call.run(`values${form}`, [...operands, { name: 'dv', view: dv, writes: true }], s, s.ints[ALLKEYS], values, { more, size: '64' });
}
const some: GpuKernel['refuses'] = (inputs) => (inputs.some((x) => x !== null && sizeOf(x.shape) === 0) ? 'no elements' : null);

export const ATTENTION: Readonly<Record<string, GpuKernel>> = {
  attention: { run: forward, refuses: some },
  attentionBackward: { run: backward, refuses: some },
};
