// Norms by given statistics, folded into the weights of the product or convolution before them.
import { type Call, type Input, isView, Planned, type Storage, type View } from '../backend.ts';
import { contiguousStrides, type Shape, sameShape } from '../base/shape.ts';
import type { Channelwise, KernelOp, MapOp } from '../ops/op.ts';
import { TABLE } from '../ops/table.ts';
import { type Graph, readsOf, usesIn, writesOf } from './graph.ts';

type Given = Channelwise<View>;

/**
 * Scales and shifts of channels behind a convolution or a linear layer that nothing else reads go into its weight and bias: one pass over
 * the result less, computed from the weights once. (W x + b - mean) s + bias = (W s) x + (b - mean) s + bias with s = weight / sqrt(variance + eps).
 */
export function foldNorms({ calls, inputs, outputs }: Graph): { calls: Call[]; changes: string[] } {
  const uses = usesIn(calls);
  const lasting = new Set([...inputs, ...outputs]);
  const makers = new Map<Storage, number>();
  const kept: Call[] = [];
  const changes: string[] = [];
  for (const call of calls) {
    const x = call.inputs[0];
    const at = isView(x) ? makers.get(x.storage) : undefined;
    const alone = at !== undefined && uses.get((x as View).storage) === 2 && !lasting.has((x as View).storage);
    const spare = call.outputs.slice(1).every(({ storage }) => uses.get(storage) === 1 && !lasting.has(storage));
    const given = alone && spare && call.op.kind === 'kernel' ? (call.op.channelwise?.(call.inputs, call.attrs) as Given | null) : null;
    const folded = given && at !== undefined && stays(kept, at) ? foldedInto(kept[at], given, call) : null;
    if (folded !== null && at !== undefined) {
      changes.push(`${call.op.name} folded into the weights of ${kept[at].op.name}`);
      kept.splice(at, 1);
      for (const [s, i] of makers) if (i > at) makers.set(s, i - 1);
      kept.push(...folded);
    } else kept.push(call);
    for (const y of call.outputs) makers.set(y.storage, kept.length - 1);
  }
  return { calls: kept, changes };
}

/** Whether the operands of a call are at the end as it found them. */
function stays(calls: readonly Call[], at: number): boolean {
  const reads = readsOf(calls[at]);
  return !calls.slice(at + 1).some((call) => writesOf(call).some((s) => reads.includes(s)));
}

/** The calls that make folded weights, and the product with them; null where they do not fit. */
function foldedInto(product: Call, { mean, variance, weight, bias, eps }: Given, norm: Call): Call[] | null {
  const { affine } = product.op as KernelOp;
  if (affine === undefined || product.attrs.activation !== undefined) return null;
  const [y] = norm.outputs;
  const w = product.inputs[affine.weight] as View;
  const b = product.inputs[affine.bias] as View | null;
  const operands = [w, mean, variance, ...[b, weight, bias].filter((v) => v !== null)] as View[];
  if (product.inputs.some((v, i) => i > affine.bias && v !== null) || operands.some((v) => v.dtype !== y.dtype)) return null;
  const [made] = product.outputs;
  if (w.shape[0] !== y.shape[1] || made.dtype !== y.dtype || !sameShape(made.shape, y.shape) || !sameShape(made.strides, y.strides))
    return null;
  const calls: Call[] = [];
  const emit = (name: string, shape: Shape, ...inputs: Input[]): View => {
    const strides = contiguousStrides(shape);
    const storage = new Planned(strides.reduce((n, s, d) => Math.max(n, s * shape[d]), 1) * (y.dtype === 'float64' ? 8 : 4));
    const out: View = { storage, offset: 0, shape, strides, dtype: y.dtype, rowMajor: true };
    calls.push({ op: TABLE[name] as MapOp, inputs, attrs: { dtype: y.dtype }, outputs: [out] });
    return out;
  };
  const channels = [w.shape[0]];
  const inverse = emit('rsqrt', channels, emit('add', channels, variance, eps));
  const scale = weight === null ? inverse : emit('mul', channels, inverse, weight);
  const along = { ...scale, shape: w.shape, strides: w.shape.map((_, d) => (d === 0 ? scale.strides[0] : 0)), rowMajor: false };
  const scaled = emit('mul', w.shape, w, along);
  const shift = emit('mul', channels, b === null ? emit('neg', channels, mean) : emit('sub', channels, b, mean), scale);
  const shifted = bias === null ? shift : emit('add', channels, shift, bias);
  const inputs = product.inputs.map((v, i) => (i === affine.weight ? scaled : i === affine.bias ? shifted : v));
  return [...calls, { ...product, inputs, outputs: [y] }];
}
