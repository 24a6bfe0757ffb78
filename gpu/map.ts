// Elementwise ops: one shader per op, dtypes and arrangement of the operands, printed from the row's expression.
import { type Input, isView, type View } from '../ts/backend.ts';
import type { DType } from '../ts/base/dtype.ts';
import { sizeOf } from '../ts/base/shape.ts';
import type { MapOp, Scalar } from '../ts/ops/op.ts';
import { EXPRESSIONS } from './gen/expressions.ts';
import type { GpuStorage } from './memory.ts';
import { type Binding, bitsOf, bound, GROUP, type Sink } from './queue.ts';
import { type Declared, float, int, shader, uint } from './shader.ts';
import { arrayOf, type Kind, kindOf, load, perWord, stored, truth } from './types.ts';

/** Dimensions that a shader walks, after neighbours are merged. */
export const RANK = 7;
/** Numbers: elements, the output's offset, offsets of operands, numbers among them (two words each), then sizes and strides. */
const COUNT = 0;
const OFFSET = 1;
const SCALAR = 5;
const SIZES = 11;
const STRIDES = SIZES + RANK;
const NAMES = ['a', 'b', 'c'];

export interface Walk {
  readonly sizes: readonly number[];
  /** Of the output, then of each tensor among the operands. */
  readonly strides: readonly (readonly number[])[];
}

/** Dimensions in the order of the output's memory, merged where all operands allow it, innermost first. */
export function walkOf(out: View, views: readonly View[]): Walk {
  const rank = out.shape.length;
  const strideOf = (v: View, d: number): number => {
    const own = d - (rank - v.shape.length);
    return own < 0 || (v.shape[own] === 1 && out.shape[d] !== 1) ? 0 : v.strides[own];
  };
  const order = [...out.shape.keys()].filter((d) => out.shape[d] !== 1).sort((x, y) => out.strides[y] - out.strides[x] || x - y);
  const sizes: number[] = [];
  const all = [out, ...views];
  const strides: number[][] = all.map(() => []);
  for (const d of order.reverse()) {
    const last = sizes.length - 1;
    if (last >= 0 && all.every((v, k) => strideOf(v, d) === strides[k][last] * sizes[last])) sizes[last] *= out.shape[d];
    else {
      sizes.push(out.shape[d]);
      all.forEach((v, k) => {
        strides[k].push(strideOf(v, d));
      });
    }
  }
  if (sizes.length === 0) {
    sizes.push(1);
    for (const s of strides) s.push(1);
  }
  return { sizes, strides };
}

/** Why no shader runs an elementwise op; null: one does. */
export function mapObstacle(op: MapOp, inputs: readonly Input[], dtype: DType, out: View): string | null {
  const text = EXPRESSIONS[op.name];
  if (text === undefined) return 'no shader';
  if ([dtype, out.dtype, ...inputs.filter(isView).map((x) => x.dtype)].includes('float64')) return 'float64';
  if (kindOf(dtype) === 'i64' && !isWide(op.name)) return 'int64';
  if (walkOf(out, inputs.filter(isView)).sizes.length > RANK) return `more than ${RANK} dimensions`;
  return null;
}
const WIDE =
  /^(copy|abs|neg|sign|square|floor|ceil|round|trunc|add|sub|mul|maximum|minimum|fmax|fmin|eq|ne|lt|le|gt|ge|logical\w+|signbit|is\w+|where|clamp|bitwise(And|Or|Xor|Not))$/;
const isWide = (name: string): boolean => WIDE.test(name);

/** The words of a number in a kind. */
export function words(x: Scalar, kind: Kind): [number, number] {
  if (kind === 'f32') return [bitsOf(Number(x)), 0];
  if (kind === 'i32') return [typeof x === 'bigint' ? Number(BigInt.asIntN(32, x)) : Number(x) | 0, 0];
  const wide = BigInt.asIntN(64, typeof x === 'bigint' ? x : BigInt(Math.trunc(Number(x))));
  return [Number(BigInt.asIntN(32, wide)), Number(BigInt.asIntN(32, wide >> 32n))];
}
function scalar(i: number, kind: Kind): string {
  const at = SCALAR + 2 * i;
  return kind === 'f32' ? float(at) : kind === 'i32' ? int(at) : `vec2u(${uint(at)}, ${uint(at + 1)})`;
}

/**
 * Encodes an elementwise op whose tensors are all on the device. An input in the output's storage is the very same view, of an array that is
 * not packed; everything else was copied.
 */
export function encodeMap(sink: Sink, op: MapOp, inputs: readonly Input[], dtype: DType, out: View): void {
  const n = sizeOf(out.shape);
  if (n === 0) return;
  const kind = kindOf(dtype);
  const views = inputs.filter(isView);
  const { sizes, strides } = walkOf(out, views);
  const per = perWord(out.dtype);
  const linear = (s: readonly number[]): boolean => sizes.length === 1 && (s[0] === 1 || sizes[0] === 1);
  const size = out.storage.bytes * (per / 4);
  const dense = linear(strides[0]) && out.offset % per === 0 && (n % per === 0 || out.offset + n >= Math.floor(size));
  const atomic = per > 1 && !dense;

  const numbers = new Int32Array(64);
  numbers[COUNT] = n;
  numbers[OFFSET] = out.offset;
  numbers.set(sizes, SIZES);
  strides.forEach((s, k) => {
    numbers.set(s, STRIDES + k * RANK);
  });
  let v = 0;
  const bindings: Binding[] = [];
  const arrays: Declared[] = [];
  const plan = inputs.map((x, i): string => {
    if (!isView(x)) {
      numbers.set(op.masks.includes(i) ? [Number(x) !== 0 ? 1 : 0] : words(x as Scalar, kind), SCALAR + 2 * i);
      return 'n';
    }
    const k = v++;
    numbers[OFFSET + 1 + k] = x.offset;
    const shared = x.storage === out.storage;
    if (!shared) {
      bindings.push({ of: x.storage as GpuStorage, writes: false });
      arrays.push({ name: NAMES[i], type: arrayOf(x.dtype), writes: false });
    }
    return `${shared ? 'y' : x.dtype}${linear(strides[k + 1]) ? '' : strides[k + 1].every((s) => s === 0) ? '0' : 's'}`;
  });
  bindings.push({ of: out.storage as GpuStorage, writes: true });
  arrays.push({ name: 'y', type: atomic ? 'atomic<u32>' : arrayOf(out.dtype), writes: true });
  const key = `${op.name}:${dtype}:${plan}:${out.dtype}${linear(strides[0]) ? '' : `s${sizes.length}`}${plan.some((p) => p.endsWith('s')) ? sizes.length : ''}${atomic ? 'a' : ''}`;
  const own = bound(bindings);
  const declared = arrays.map((a, i) => ({ ...a, writes: own[i].writes }));
  const source = (): string => {
    let k = 0;
    const lines: string[] = [];
    const walks = strides.map((s) => !linear(s) && s.some((x) => x !== 0));
    if (walks.includes(true)) {
      lines.push('  var rest = i;');
      walks.forEach((w, j) => {
        if (w) lines.push(`  var p${j} = 0u;`);
      });
      sizes.forEach((_, d) => {
        const last = d === sizes.length - 1;
        lines.push(last ? `  let d${d} = rest;` : `  let d${d} = rest % ${uint(SIZES + d)}; rest = rest / ${uint(SIZES + d)};`);
        walks.forEach((w, j) => {
          if (w) lines.push(`  p${j} = p${j} + d${d} * ${uint(STRIDES + j * RANK + d)};`);
        });
      });
    }
    const place = (j: number, offset: number): string =>
      `${uint(offset)} + ${walks[j] ? `p${j}` : strides[j].every((s) => s === 0) ? '0u' : 'i'}`;
    let text = EXPRESSIONS[op.name].replaceAll('_T', `_${kind}`);
    inputs.forEach((x, i) => {
      const mask = op.masks.includes(i);
      let value: string;
      if (!isView(x)) value = mask ? `(${int(SCALAR + 2 * i)} != 0)` : scalar(i, kind);
      else {
        const j = ++k;
        const at = place(j, OFFSET + j);
        const array = x.storage === out.storage ? 'y' : NAMES[i];
        value = mask ? truth(array, at, x.dtype) : load(array, at, x.dtype, kind);
      }
      lines.push(`  let ${NAMES[i]}_ = ${value};`);
      text = text.replaceAll(`$${NAMES[i]}`, `${NAMES[i]}_`);
    });
    const whole = op.out === 'bool';
    const result = whole ? `select(0, 1, ${text})` : text;
    const bits = stored('v', whole ? 'i32' : kind, out.dtype);
    const body = `${lines.join('\n')}\n  let v = ${result};`;
    const target = walks[0] ? `${uint(OFFSET)} + p0` : `${uint(OFFSET)} + i`;
    const stop = `  if (t >= ${uint(COUNT)}) { return; }`;
    if (per === 1) return shader(declared, `${stop}\n  let i = t;\n${body}\n  y[${target}] = ${bits};`);
    const width = 32 / per;
    if (atomic)
      return shader(
        declared,
        `${stop}\n  let i = t;\n${body}\n  let w = ${target};\n  let s = (w % ${per}u) * ${width}u;\n  atomicAnd(&y[w / ${per}u], ~(${width === 8 ? '0xffu' : '0xffffu'} << s));\n  atomicOr(&y[w / ${per}u], ${bits} << s);`,
      );
    return shader(
      declared,
      `  if (t * ${per}u >= ${uint(COUNT)}) { return; }\n  var word = 0u;\n  for (var e = 0u; e < ${per}u; e++) {\n  let i = t * ${per}u + e;\n  if (i >= ${uint(COUNT)}) { break; }\n${body}\n  word = word | (${bits} << (e * ${width}u));\n  }\n  y[${uint(OFFSET)} / ${per}u + t] = word;`,
    );
  };
  const threads = per > 1 && !atomic ? Math.ceil(n / per) : n;
  sink.dispatch(key, source, own, numbers, Math.ceil(threads / GROUP));
}
