// Normalisation and matrix products.
import { sameShape, show } from '../base/shape.ts';
import { functional as F } from '../nn/index.ts';
import { einsum, type Tensor, tensor } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';
import { Value } from './value.ts';

const half = (x: Tensor): boolean => x.dtype === 'float16' || x.dtype === 'bfloat16';
/** Computes in float32 where the type is a half. */
function inFloat(x: Tensor, f: (x: Tensor) => Tensor): Tensor {
  return half(x) ? f(x.to('float32')).to(x.dtype) : f(x);
}

function batchNormalization(c: Call): (Tensor | null)[] {
  const x = c.x(0);
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => c.x(i));
  const eps = c.float('epsilon', 1e-5);
  const apply = (m: Tensor, v: Tensor): Tensor =>
    inFloat(x, (y) => {
      const t = (s: Tensor): Tensor => s.to(y.dtype);
      if (y.ndim < 2) return y.sub(t(m)).mul(t(v).add(eps).rsqrt()).mul(t(scale)).add(t(bias));
      return F.batchNorm(y, t(m), t(v), { weight: t(scale), bias: t(bias), eps });
    });
  const training = c.version >= 14 ? c.int('training_mode', 0) !== 0 : c.wants(1);
  if (!training) return [apply(mean, variance)];
  const dims = x.shape.map((_, i) => i).filter((i) => i !== 1);
  const m = x.mean(dims);
  const v = x.var(dims, { correction: 0 });
  const momentum = c.float('momentum', 0.9);
  const running = (old: Tensor, now: Tensor): Tensor => old.mul(momentum).add(now.to(old.dtype).mul(1 - momentum));
  return [apply(m, v), running(mean, m), running(variance, v), m, v];
}

function layerNormalization(c: Call): Tensor[] {
  const given = c.x(0);
  const axis = c.axis(c.int('axis', -1), given.ndim);
  const dims = given.shape.map((_, i) => i).slice(axis);
  const x = half(given) ? given.to('float32') : given;
  const mean = x.mean(dims, { keepdim: true });
  const centred = x.sub(mean);
  const inverse = centred.mul(centred).mean(dims, { keepdim: true }).add(c.float('epsilon', 1e-5)).rsqrt();
  const scale = c.x(1);
  const shape = given.shape.slice(axis);
  const plain =
    !c.wants(1) && !c.wants(2) && !half(given) && show(scale.shape) === show(shape) && (!c.has(2) || show(c.x(2).shape) === show(shape));
  if (plain) return [F.layerNorm(given, shape, { weight: scale, bias: c.opt(2) ?? undefined, eps: c.float('epsilon', 1e-5) })];
  const y = centred.mul(inverse).to(given.dtype).mul(scale);
  return [c.has(2) ? y.add(c.x(2)) : y, mean, inverse];
}
function rms(x: Tensor, dims: number[], eps: number): Tensor {
  return x.mul(x.mul(x).mean(dims, { keepdim: true }).add(eps).rsqrt());
}
function rmsNormalization(c: Call): Tensor {
  const x = c.x(0);
  const axis = c.axis(c.int('axis', -1), x.ndim);
  const dims = x.shape.map((_, i) => i).slice(axis);
  const [eps, own, scale] = [c.float('epsilon', 1e-5), x.shape.slice(axis), c.x(1)];
  if (scale.dtype === x.dtype && sameShape(scale.shape, own))
    return inFloat(x, (y) => F.rmsNorm(y, own, { weight: scale.to(y.dtype), eps }));
  return inFloat(x, (y) => rms(y, dims, eps)).mul(scale);
}
function groupNormalization(c: Call): Tensor {
  const x = c.x(0);
  const groups = c.int('num_groups');
  const [scale, bias] = [c.x(1), c.x(2)];
  const eps = c.float('epsilon', 1e-5);
  const perGroup = scale.numel === groups && groups !== x.shape[1];
  const wide = (s: Tensor): Tensor => (perGroup ? s.repeatInterleave(x.shape[1] / groups, 0) : s);
  return inFloat(x, (y) => F.groupNorm(y, groups, { weight: wide(scale).to(y.dtype), bias: wide(bias).to(y.dtype), eps }));
}
function instanceNormalization(c: Call): Tensor {
  const x = c.x(0);
  return inFloat(x, (y) =>
    F.instanceNorm(y, null, null, { weight: c.x(1).to(y.dtype), bias: c.x(2).to(y.dtype), eps: c.float('epsilon', 1e-5) }),
  );
}

/** Division by a power of the squares of the neighbouring channels. */
function lrn(c: Call): Tensor {
  const x = c.x(0);
  const size = c.int('size');
  const before = Math.floor((size - 1) / 2);
  const after = Math.ceil((size - 1) / 2);
  c.turns(size);
  c.room([...x.shape, size]);
  const squares = x.mul(x).pad([...x.shape.slice(2).flatMap(() => [0, 0]), before, after]);
  let sum: Tensor | null = null;
  for (let i = 0; i < size; i++) {
    const part = squares.narrow(1, i, x.shape[1]);
    sum = sum === null ? part : sum.add(part);
  }
  const base = (sum as Tensor).mul(c.float('alpha', 0.0001) / size).add(c.float('bias', 1));
  return x.div(base.pow(c.float('beta', 0.75)));
}
function lpNormalization(c: Call): Tensor {
  const x = c.x(0);
  const axis = c.axis(c.int('axis', -1), x.ndim);
  const norm = x.norm(c.int('p', 2), axis, { keepdim: true });
  const safe = norm.maskedFill(norm.eq(0), 1);
  return x.div(safe);
}
function meanVariance(c: Call): Tensor {
  const x = c.x(0);
  const axes = (c.intsOr('axes') ?? [0, 2, 3]).map((a) => c.axis(a, x.ndim));
  const centred = x.sub(x.mean(axes, { keepdim: true }));
  return centred.div(centred.mul(centred).mean(axes, { keepdim: true }).sqrt().add(1e-9));
}

function gemm(c: Call): Value {
  const a = c.int('transA', 0) ? c.x(0).t() : c.x(0);
  const b = c.int('transB', 0) ? c.x(1).t() : c.x(1);
  const alpha = c.float('alpha', 1);
  const beta = c.float('beta', 1);
  if (a.ndim !== 2 || b.ndim !== 2) c.fail(`a ${show(a.shape)} and b ${show(b.shape)} must be matrices`);
  const product = a.matmul(b);
  const y = alpha === 1 ? product : product.mul(alpha);
  if (!c.has(2) || beta === 0) return c.same(y);
  return c.same(y.add(beta === 1 ? c.x(2) : c.x(2).mul(beta)));
}

/** Determinants by elimination with pivots, on the host. */
function det(c: Call): Value {
  const v = c.v(0);
  const n = v.shape[v.shape.length - 1];
  if (v.shape.length < 2 || v.shape[v.shape.length - 2] !== n) c.fail(`${show(v.shape)} holds no square matrices`);
  const all = v.numbers();
  const results = Array.from({ length: n === 0 ? 1 : all.length / (n * n) }, (_, k) => {
    const m = all.slice(k * n * n, (k + 1) * n * n);
    let d = 1;
    for (let i = 0; i < n; i++) {
      let p = i;
      for (let r = i + 1; r < n; r++) if (Math.abs(m[r * n + i]) > Math.abs(m[p * n + i])) p = r;
      if (p !== i) {
        d = -d;
        for (let q = 0; q < n; q++) [m[i * n + q], m[p * n + q]] = [m[p * n + q], m[i * n + q]];
      }
      const pivot = m[i * n + i];
      d *= pivot;
      if (pivot === 0) break;
      for (let r = i + 1; r < n; r++) {
        const f = m[r * n + i] / pivot;
        for (let q = i; q < n; q++) m[r * n + q] -= f * m[i * n + q];
      }
    }
    return d;
  });
  return Value.of(tensor(results, { shape: v.shape.slice(0, -2), dtype: v.dtype }), v.type);
}

/** com.microsoft: layer norm of x + skip (+ bias). */
function skipLayerNorm(c: Call, plain: boolean): (Tensor | null)[] {
  const x = c.x(0).add(c.x(1));
  const at = plain ? 3 : 4;
  const sum = c.has(at) ? x.add(c.x(at)) : x;
  const eps = c.float('epsilon', 1e-12);
  const last = [sum.ndim - 1];
  if (plain) return [rms(sum, last, eps).mul(c.x(2)), null, null, sum];
  const y = F.layerNorm(sum, sum.shape.slice(-1), { weight: c.x(2), bias: c.opt(3) ?? undefined, eps });
  return [y, null, null, sum];
}

/** Normalisations and products. */
export const NORMS: Readonly<Record<string, Row>> = {
  BatchNormalization: { fixed: [3, 4], run: batchNormalization },
  LayerNormalization: { run: layerNormalization },
  RMSNormalization: { run: rmsNormalization },
  SimplifiedLayerNormalization: { run: rmsNormalization },
  GroupNormalization: { run: groupNormalization },
  InstanceNormalization: { run: instanceNormalization },
  LRN: { run: lrn },
  LpNormalization: { run: lpNormalization },
  MeanVarianceNormalization: { run: meanVariance },
  Gemm: { run: gemm },
  MatMul: { run: (c) => c.same(c.x(0).matmul(c.x(1))) },
  Einsum: { run: (c) => c.same(einsum(c.str('equation'), ...c.inputs.map((_, i) => c.x(i)))) },
  Det: { host: [0], run: det },
  'com.microsoft:SkipLayerNormalization': { run: (c) => skipLayerNorm(c, false) },
  'com.microsoft:SkipSimplifiedLayerNormalization': { run: (c) => skipLayerNorm(c, true) },
  'com.microsoft:FusedMatMul': {
    run: (c) => {
      if (c.int('transBatchA', 0) !== 0 || c.int('transBatchB', 0) !== 0) c.fail('transposed batches are not supported');
      const turned = (x: Tensor, name: string): Tensor => (c.int(name, 0) ? x.transpose(-1, -2) : x);
      const y = turned(c.x(0), 'transA').matmul(turned(c.x(1), 'transB'));
      const alpha = c.float('alpha', 1);
      return alpha === 1 ? y : y.mul(alpha);
    },
  },
};
