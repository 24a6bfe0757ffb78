// Softmax and its logarithm along a dimension, and cross entropy.
import type { View } from '../../ts/backend.ts';
import { sizeOf } from '../../ts/base/shape.ts';
import type { GpuKernel, KernelCall, Operand } from '../kernel.ts';
import { float, int, uint } from '../shader.ts';
import { ADD, MAX, runLines } from './lines.ts';
import { fold } from './reduce.ts';

function lines(x: View, dim: number): number[] {
  const { shape } = x;
  if (shape.length === 0) return [1, 1, 1];
  const d = dim < 0 ? dim + shape.length : dim;
  return [sizeOf(shape.slice(0, d)), shape[d], sizeOf(shape.slice(d + 1))];
}
const START = `  let n = ${uint(1)};
  let base = (line / ${uint(2)}) * n * ${uint(2)} + line % ${uint(2)};
  let step = ${uint(2)};`;

function forward(name: string, result: string): GpuKernel {
  return {
    run: (call) => {
      const x = call.inputs[0] as View;
      const [outer, n, inner] = lines(x, call.attrs.dim as number);
      const body = `${START}
  var m = -inf_f32(0.0);
  for (var j = lane; j < n; j = j + LANES) { m = max_f32(m, ld_x(base + j * step)); }
  let top = most(m, lane);
  var s = 0.0;
  for (var j = lane; j < n; j = j + LANES) { s = s + exp_f32(ld_x(base + j * step) - top); }
  let sum = total(s, lane);
  let log = top + log_f32(sum);
  for (var j = lane; j < n; j = j + LANES) { let v = ld_x(base + j * step); st_y(base + j * step, ${result}); }`;
      const operands: Operand[] = [
        { name: 'x', view: x, kind: 'f32' },
        { name: 'y', view: call.outputs[0], writes: true },
      ];
      runLines(call, name, operands, { ints: [outer, n, inner] }, outer * inner, n, [MAX, ADD], body);
    },
  };
}
function backward(name: string, part: string, result: string): GpuKernel {
  return {
    run: (call) => {
      const [g, y] = call.inputs as readonly View[];
      const [outer, n, inner] = lines(g, call.attrs.dim as number);
      const body = `${START}
  var s = 0.0;
  for (var j = lane; j < n; j = j + LANES) { let a = ld_g(base + j * step); let b = ld_y(base + j * step); s = s + ${part}; }
  let sum = total(s, lane);
  for (var j = lane; j < n; j = j + LANES) { let a = ld_g(base + j * step); let b = ld_y(base + j * step); st_d(base + j * step, ${result}); }`;
      const operands: Operand[] = [
        { name: 'g', view: g },
        { name: 'y', view: y },
        { name: 'd', view: call.outputs[0], writes: true },
      ];
      runLines(call, name, operands, { ints: [outer, n, inner] }, outer * inner, n, [ADD], body);
    },
  };
}

const REDUCTIONS = ['none', 'sum', 'mean'];
interface Loss {
  readonly ignoreIndex: number;
  readonly smoothing: number;
  readonly reduction: string;
}
// Numbers: lines, classes, reduction, the class that counts nothing; then the share that is spread.
const numbers = (x: View, { ignoreIndex, smoothing, reduction }: Loss) => ({
  ints: [x.shape[0], x.shape[1], REDUCTIONS.indexOf(reduction), Math.max(-2147483648, Math.min(2147483647, ignoreIndex))],
  floats: [smoothing],
});
const TARGET = `  let c = ld_label(line);
  let ignored = c == ${int(3)};
  if (!ignored && (c < 0 || c >= ${int(1)})) { fault(c); }
  let k = u32(clamp(c, 0, ${int(1)} - 1));`;

function crossEntropy(call: KernelCall): void {
  const [x, target, weight] = call.inputs as readonly (View | null)[];
  const given = x as View;
  const [y, level, sum, total] = call.outputs;
  const n = given.shape[0];
  const attrs = call.attrs as Loss;
  const losses = call.temporary([n], 'float32');
  const weights = call.temporary([n], 'float32');
  const w = (i: string): string => (weight ? `ld_weight(${i})` : '1.0');
  const body = `${TARGET}
  let n = ${uint(1)};
  let base = line * n;
  var m = -inf_f32(0.0);
  for (var j = lane; j < n; j = j + LANES) { m = max_f32(m, ld_x(base + j)); }
  let top = most(m, lane);
  var s = 0.0;
  for (var j = lane; j < n; j = j + LANES) { s = s + exp_f32(ld_x(base + j) - top); }
  let all = total(s, lane);
  let log = log_f32(all);
  var p = 0.0;
  if (${float(4)} != 0.0) { for (var j = lane; j < n; j = j + LANES) { p = p + ${w('j')} * (top + log - ld_x(base + j)); } }
  let spread = total(p, lane);
  if (lane == 0u) {
    let own = ${w('k')};
    st_level(line, top);
    st_sum(line, all);
    var loss = own * (top - ld_x(base + k) + log);
    if (${float(4)} != 0.0) { loss = loss * (1.0 - ${float(4)}) + spread * ${float(4)} / f32(n); }
    st_losses(line, select(loss, 0.0, ignored));
    st_weights(line, select(own, 0.0, ignored));
  }`;
  const operands: Operand[] = [
    { name: 'x', view: given },
    { name: 'label', view: target as View, kind: 'i32' },
    ...(weight ? [{ name: 'weight', view: weight }] : []),
    { name: 'level', view: level, writes: true },
    { name: 'sum', view: sum, writes: true },
    { name: 'losses', view: losses, writes: true },
    { name: 'weights', view: weights, writes: true },
  ];
  runLines(call, `forward${weight ? 'w' : ''}`, operands, numbers(given, attrs), n, given.shape[1], [MAX, ADD], body, { checks: true });
  fold(call, weights, [0], total, { name: 'weights', kind: 'f32', start: '0.0', by: 'add_f32' });
  if (attrs.reduction === 'none') call.copy(losses, y);
  else {
    const mean = attrs.reduction === 'mean';
    fold(call, losses, [0], y, {
      name: `losses${mean}`,
      kind: 'f32',
      start: '0.0',
      by: 'add_f32',
      ...(mean ? { end: 'r / m', beside: total } : {}),
    });
  }
}

function crossEntropyBackward(call: KernelCall): void {
  const [g, x, target, level, sum, total, weight] = call.inputs as readonly (View | null)[];
  const given = x as View;
  const attrs = call.attrs as Loss;
  const [n, classes] = given.shape;
  const w = (i: string): string => (weight ? `ld_weight(${i})` : '1.0');
  let all: View | null = null;
  if (attrs.smoothing !== 0 && weight) {
    all = call.temporary([], 'float32');
    fold(call, weight, [0], all, { name: 'weights', kind: 'f32', start: '0.0', by: 'add_f32' });
  }
  // A gradient for each line, or one for all.
  let scale = g as View;
  if (attrs.reduction === 'mean') {
    scale = call.temporary([], 'float32');
    const parts: Operand[] = [
      { name: 'g', view: g as View },
      { name: 'all', view: total as View },
      { name: 'y', view: scale, writes: true },
    ];
    call.run('scale', parts, { ints: [] }, 1, '  if (t > 0u) { return; }\n  st_y(0u, ld_g(0u) / ld_all(0u));');
  }
  const body = `  let line = t / ${uint(1)};
  if (line >= ${uint(0)}) { return; }
  let j = t % ${uint(1)};
${TARGET.replace(/.*fault.*\n/, '')}
  if (ignored) { st_dx(t, 0.0); return; }
  let scale = ${attrs.reduction === 'none' ? 'ld_g(line)' : 'ld_g(0u)'};
  let spread = ${float(4)} / f32(${uint(1)});
  let own = (1.0 - ${float(4)}) * ${w('k')};
  let share = exp_f32(ld_x(t) - ld_level(line)) / ld_sum(line);
  let v = scale * ((own + spread * ${all ? 'ld_all(0u)' : `f32(${uint(1)})`}) * share - spread * ${w('j')});
  st_dx(t, select(v, v - scale * own, j == k));`;
  const operands: Operand[] = [
    { name: 'g', view: scale },
    { name: 'x', view: given },
    { name: 'label', view: target as View, kind: 'i32' },
    { name: 'level', view: level as View },
    { name: 'sum', view: sum as View },
  ];
  if (weight) operands.push({ name: 'weight', view: weight });
  if (all) operands.push({ name: 'all', view: all });
  operands.push({ name: 'dx', view: call.outputs[0], writes: true });
  call.run(
    `backward${attrs.reduction === 'none'}${weight ? 'w' : ''}${all ? 'a' : ''}`,
    operands,
    numbers(given, attrs),
    n * classes,
    body,
  );
}

export const SOFTMAX: Readonly<Record<string, GpuKernel>> = {
  softmax: forward('softmax', 'exp_f32(v - top) / sum'),
  logSoftmax: forward('logSoftmax', 'v - log'),
  softmaxBackward: backward('softmaxBackward', 'a * b', 'b * (a - sum)'),
  logSoftmaxBackward: backward('logSoftmaxBackward', 'a', 'a - exp_f32(b) * sum'),
  crossEntropy: { run: crossEntropy },
  crossEntropyBackward: { run: crossEntropyBackward },
};
