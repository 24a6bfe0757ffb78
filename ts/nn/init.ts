// Filling weights in place. Names and formulas are those of torch.nn.init.

import { ShapeError, ValueError } from '../base/errors.ts';
import { erf } from '../base/math.ts';
import { show } from '../base/shape.ts';
import { eye, noGrad, randn, stack, type Tensor } from '../tensor/index.ts';

/** Fills with uniform numbers in [a, b). */
export function uniform_(t: Tensor, a: number = 0, b: number = 1): Tensor {
  return noGrad(() => t.uniform_(a, b));
}
/** Fills with normal numbers. */
export function normal_(t: Tensor, mean: number = 0, std: number = 1): Tensor {
  return noGrad(() => t.normal_(mean, std));
}
/** Fills with one value. */
export function constant_(t: Tensor, value: number): Tensor {
  return noGrad(() => t.fill_(value));
}
/** Fills with ones. */
export function ones_(t: Tensor): Tensor {
  return constant_(t, 1);
}
/** Fills with zeros. */
export function zeros_(t: Tensor): Tensor {
  return constant_(t, 0);
}
/** Makes a matrix the identity. @throws ShapeError */
export function eye_(t: Tensor): Tensor {
  if (t.ndim !== 2) throw new ShapeError(`eye_: ${show(t.shape)} is not a matrix`);
  return noGrad(() => t.copy_(eye(t.shape[0], t.shape[1], { dtype: t.dtype })));
}

/** Normal numbers cut off outside [a, b], by inverting the distribution function (Abramowitz and Stegun 26.2). */
export function truncNormal_(
  t: Tensor,
  { mean = 0, std = 1, a = -2, b = 2 }: { mean?: number; std?: number; a?: number; b?: number } = {},
): Tensor {
  const cdf = (x: number): number => (1 + erf(x / Math.sqrt(2))) / 2;
  const low = 2 * cdf((a - mean) / std) - 1;
  const high = 2 * cdf((b - mean) / std) - 1;
  return noGrad(() =>
    t.copy_(
      t
        .uniform_(low, high)
        .erfinv()
        .mul(std * Math.sqrt(2))
        .add(mean)
        .clamp({ min: a, max: b }),
    ),
  );
}

/** Inputs and outputs of one unit: sizes of dimensions 1 and 0, times the elements of the rest. @throws ShapeError below two dimensions */
export function calculateFanInAndFanOut(t: Tensor): { fanIn: number; fanOut: number } {
  if (t.ndim < 2) throw new ShapeError(`init: fan-in and fan-out need at least two dimensions, got ${show(t.shape)}`);
  const field = t.shape.slice(2).reduce((n, d) => n * d, 1);
  return { fanIn: t.shape[1] * field, fanOut: t.shape[0] * field };
}

/** The gain that keeps the variance through a nonlinearity. @throws ValueError for an unknown one */
export function calculateGain(nonlinearity: string, param: number = nonlinearity === 'leakyRelu' ? 0.01 : 0): number {
  if (/^(linear|sigmoid|conv(Transpose)?[123]d)$/.test(nonlinearity)) return 1;
  if (nonlinearity === 'tanh') return 5 / 3;
  if (nonlinearity === 'relu') return Math.sqrt(2);
  if (nonlinearity === 'leakyRelu') return Math.sqrt(2 / (1 + param * param));
  if (nonlinearity === 'selu') return 0.75;
  throw new ValueError(`calculateGain: nonlinearity '${nonlinearity}' is unknown; use linear, sigmoid, tanh, relu, leakyRelu or selu`);
}

/** Uniform in +-gain sqrt(6 / (fanIn + fanOut)) (Glorot and Bengio 2010). */
export function xavierUniform_(t: Tensor, gain: number = 1): Tensor {
  const { fanIn, fanOut } = calculateFanInAndFanOut(t);
  const bound = gain * Math.sqrt(6 / (fanIn + fanOut));
  return uniform_(t, -bound, bound);
}
/** Normal with deviation gain sqrt(2 / (fanIn + fanOut)) (Glorot and Bengio 2010). */
export function xavierNormal_(t: Tensor, gain: number = 1): Tensor {
  const { fanIn, fanOut } = calculateFanInAndFanOut(t);
  return normal_(t, 0, gain * Math.sqrt(2 / (fanIn + fanOut)));
}

/** Options of the Kaiming initialisers. */
export interface KaimingOptions {
  /** The negative slope of leakyRelu. */
  readonly a?: number;
  readonly mode?: 'fanIn' | 'fanOut';
  readonly nonlinearity?: string;
}
function kaimingDeviation(t: Tensor, { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu' }: KaimingOptions): number {
  return calculateGain(nonlinearity, a) / Math.sqrt(calculateFanInAndFanOut(t)[mode]);
}
/** Uniform in +-gain sqrt(3 / fan) (He et al. 2015). */
export function kaimingUniform_(t: Tensor, options: KaimingOptions = {}): Tensor {
  if (t.numel === 0) return t;
  const bound = Math.sqrt(3) * kaimingDeviation(t, options);
  return uniform_(t, -bound, bound);
}
/** Normal with deviation gain / sqrt(fan) (He et al. 2015). */
export function kaimingNormal_(t: Tensor, options: KaimingOptions = {}): Tensor {
  if (t.numel === 0) return t;
  return normal_(t, 0, kaimingDeviation(t, options));
}

/** A (semi-)orthogonal matrix over the flattened rest of the dimensions, by Gram and Schmidt run twice (Saxe et al. 2014). @throws ShapeError */
export function orthogonal_(t: Tensor, gain: number = 1): Tensor {
  if (t.ndim < 2) throw new ShapeError(`orthogonal_: ${show(t.shape)} needs at least two dimensions`);
  const rows = t.shape[0];
  const cols = t.numel / rows;
  return noGrad(() => {
    const wide = rows > cols ? randn([cols, rows]) : randn([rows, cols]);
    const basis: Tensor[] = [];
    for (const row of wide.unbind(0)) {
      let v = row;
      for (let pass = 0; pass < 2; pass++) for (const b of basis) v = v.sub(b.mul(b.dot(v)));
      basis.push(v.div(v.square().sum().sqrt()));
    }
    const all = stack(basis, 0);
    return t.copy_((rows > cols ? all.t() : all).mul(gain).reshape(t.shape));
  });
}
/** A random `sparsity` part of each column is zero, the rest normal. @throws ShapeError */
export function sparse_(t: Tensor, sparsity: number, std: number = 0.01): Tensor {
  if (t.ndim !== 2) throw new ShapeError(`sparse_: ${show(t.shape)} is not a matrix`);
  const zerosPerColumn = Math.ceil(sparsity * t.shape[0]);
  return noGrad(() => {
    const order = randn(t.shape).argsort(0).argsort(0);
    return t.copy_(randn(t.shape, { dtype: t.dtype }).mul(std).mul(order.ge(zerosPerColumn).to(t.dtype)));
  });
}

/** The default of linear and convolution layers: weight by Kaiming with a = sqrt(5), bias uniform in +-1 / sqrt(fanIn). */
export function resetLinear(weight: Tensor, bias: Tensor | null): void {
  kaimingUniform_(weight, { a: Math.sqrt(5) });
  if (bias === null) return;
  const { fanIn } = calculateFanInAndFanOut(weight);
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
  uniform_(bias, -bound, bound);
}
