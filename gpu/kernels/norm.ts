// Normalisation of groups of elements, and its derivative.
import type { View } from '../../ts/backend.ts';
import { sizeOf } from '../../ts/base/shape.ts';
import { type Norm, view4 } from '../../ts/ops/norm.ts';
import type { GpuKernel, KernelCall, Operand } from '../kernel.ts';
import { float, uint } from '../shader.ts';
import { ADD, runLines } from './lines.ts';

// Numbers: samples, groups, channels of a group, elements of a channel, all of x, of a line; then eps.
const [SAMPLES, GROUPS, PER, INNER, ALL, COUNT, EPS] = [0, 1, 2, 3, 4, 5, 6];
function numbers(x: View, attrs: Norm) {
  const [n, groups, per, inner] = view4(x, attrs);
  const count = per * inner * (attrs.batch ? n : 1);
  return {
    n,
    groups,
    per,
    inner,
    count,
    lines: attrs.batch ? groups : n * groups,
    ints: [n, groups, per, inner, sizeOf(x.shape), count],
    floats: [attrs.eps],
  };
}
const BLOCK = `(${uint(PER)} * ${uint(INNER)})`;
/** WGSL: the place and channel of element j of a line. */
const within = (batch: boolean): string =>
  batch
    ? `let p = ((j / ${BLOCK}) * ${uint(GROUPS)} + line) * ${BLOCK} + j % ${BLOCK}; let ch = line * ${uint(PER)} + (j % ${BLOCK}) / ${uint(INNER)};`
    : `let p = line * ${BLOCK} + j; let ch = (line % ${uint(GROUPS)}) * ${uint(PER)} + j / ${uint(INNER)};`;
/** WGSL: line and channel of element t. */
const ofElement = (batch: boolean): string => `  if (t >= ${uint(ALL)}) { return; }
  let line = ${batch ? `(t / ${BLOCK}) % ${uint(GROUPS)}` : `t / ${BLOCK}`};
  let ch = (t / ${uint(INNER)}) % (${uint(GROUPS)} * ${uint(PER)});`;

function forward(call: KernelCall): void {
  const [x, weight, bias, givenMean, givenVariance] = call.inputs as readonly (View | null)[];
  const given = x as View;
  const [y, mean, variance] = call.outputs;
  const attrs = call.attrs as Norm;
  const { batch = false, rms = false } = attrs;
  const s = numbers(given, attrs);
  if (givenMean && givenVariance) {
    call.copy(givenMean, mean);
    call.copy(givenVariance, variance);
  } else {
    const body = `  let n = ${uint(COUNT)};
  var s = 0.0;
  ${rms ? '' : `for (var j = lane; j < n; j = j + LANES) { ${within(batch)} s = s + ld_x(p); }`}
  let m = ${rms ? '0.0' : `total(s, lane) / f32(n)`};
  s = 0.0;
  for (var j = lane; j < n; j = j + LANES) { ${within(batch)} let d = ld_x(p) - m; s = s + d * d; }
  let v = total(s, lane) / f32(n);
  if (lane == 0u) { st_mean(line, m); st_variance(line, v); }`;
    const operands: Operand[] = [
      { name: 'x', view: given },
      { name: 'mean', view: mean, writes: true },
      { name: 'variance', view: variance, writes: true },
    ];
    runLines(call, `statistics${batch}${rms}`, operands, s, s.lines, s.count, [ADD], body);
  }
  const body = `${ofElement(batch)}
  let h = (ld_x(t) - ld_mean(line)) * (1.0 / sqrt(ld_variance(line) + ${float(EPS)}));
  st_y(t, h${weight ? ' * ld_weight(ch)' : ''}${bias ? ' + ld_bias(ch)' : ''});`;
  const operands: Operand[] = [
    { name: 'x', view: given },
    { name: 'mean', view: mean },
    { name: 'variance', view: variance },
    ...(weight ? [{ name: 'weight', view: weight }] : []),
    ...(bias ? [{ name: 'bias', view: bias }] : []),
    { name: 'y', view: y, writes: true },
  ];
  call.run(`apply${batch}${weight ? 'w' : ''}${bias ? 'b' : ''}`, operands, s, sizeOf(given.shape), body);
}

/** dx = r (a - mean(a) - h mean(a h)) with a = g weight, h = (x - mean) r; dweight and dbias sum g h and g. */
function backward(call: KernelCall): void {
  const [g, x, mean, variance, weight] = call.inputs as readonly (View | null)[];
  const given = x as View;
  const [dx, dweight, dbias] = call.outputs;
  const attrs = call.attrs as Norm;
  const { batch = false, rms = false, fixed = false, affine = false } = attrs;
  const s = numbers(given, attrs);
  const basics: Operand[] = [
    { name: 'g', view: g as View },
    { name: 'x', view: given },
    { name: 'mean', view: mean as View },
    { name: 'variance', view: variance as View },
  ];
  const weighted: Operand[] = weight ? [{ name: 'weight', view: weight }] : [];
  const times = weight ? ' * ld_weight(ch)' : '';
  const scale = `1.0 / sqrt(ld_variance(line) + ${float(EPS)})`;
  const parts = call.temporary([s.lines, 2], 'float32');
  const form = `${batch}${weight ? 'w' : ''}`;
  if (!fixed) {
    const body = `  let n = ${uint(COUNT)};
  let m = ld_mean(line);
  let r = ${scale};
  var a = 0.0;
  var b = 0.0;
  for (var j = lane; j < n; j = j + LANES) { ${within(batch)} let q = ld_g(p)${times}; a = a + q; b = b + q * ((ld_x(p) - m) * r); }
  let sum = total(a, lane);
  let along = total(b, lane);
  if (lane == 0u) { st_parts(2u * line, ${rms ? '0.0' : 'sum / f32(n)'}); st_parts(2u * line + 1u, along / f32(n)); }`;
    runLines(
      call,
      `sums${form}${rms}`,
      [...basics, ...weighted, { name: 'parts', view: parts, writes: true }],
      s,
      s.lines,
      s.count,
      [ADD],
      body,
    );
  }
  const own = `ld_g(t)${times}`;
  const body = `${ofElement(batch)}
  let r = ${scale};
  let h = (ld_x(t) - ld_mean(line)) * r;
  st_dx(t, r * (${fixed ? own : `${own} - ld_parts(2u * line) - h * ld_parts(2u * line + 1u)`}));`;
  const operands: Operand[] = [
    ...basics,
    ...weighted,
    ...(fixed ? [] : [{ name: 'parts', view: parts }]),
    { name: 'dx', view: dx, writes: true },
  ];
  call.run(`dx${form}${fixed}`, operands, s, sizeOf(given.shape), body);
  if (!affine) return;
  const channels = s.groups * s.per;
  const each = s.n * s.inner;
  const sums = `  var a = 0.0;
  var b = 0.0;
  for (var j = lane; j < ${uint(SAMPLES)} * ${uint(INNER)}; j = j + LANES) {
    let sample = j / ${uint(INNER)};
    let p = (sample * ${uint(GROUPS)} * ${uint(PER)} + line) * ${uint(INNER)} + j % ${uint(INNER)};
    let k = ${batch ? `line / ${uint(PER)}` : `sample * ${uint(GROUPS)} + line / ${uint(PER)}`};
    let q = ld_g(p);
    a = a + q * ((ld_x(p) - ld_mean(k)) / sqrt(ld_variance(k) + ${float(EPS)}));
    b = b + q;
  }
  let along = total(a, lane);
  let sum = total(b, lane);
  if (lane == 0u) { st_dw(line, along); st_db(line, sum); }`;
  const results: Operand[] = [
    { name: 'dw', view: dweight, writes: true },
    { name: 'db', view: dbias, writes: true },
  ];
  runLines(call, `affine${batch}`, [...basics, ...results], s, channels, each, [ADD], sums);
}

export const NORM: Readonly<Record<string, GpuKernel>> = { normalization: { run: forward }, normalizationBackward: { run: backward } };
