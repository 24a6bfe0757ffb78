// Where elementwise rows are smooth, and which rows have no derivative.

/** Operands of an elementwise row for its derivatives: an interval to draw from, or a number that is passed as such. */
export type Operand = readonly [low: number, high: number] | number;
const half: Operand = [-0.8, 0.8];
const positive: Operand = [0.4, 2];
const wide: Operand = [-1.9, 1.9];

/** Intervals without kinks, poles and steps. Rows that are not here take `wide` for every operand. */
export const SMOOTH: Readonly<Record<string, readonly Operand[]>> = {
  abs: [positive],
  acos: [half],
  acosh: [[1.3, 3]],
  asin: [half],
  atanh: [half],
  digamma: [positive],
  erfinv: [half],
  lgamma: [positive],
  log: [positive],
  log10: [positive],
  log1p: [half],
  log2: [positive],
  reciprocal: [positive],
  rsqrt: [positive],
  sqrt: [positive],
  // Steps: between two of them the derivative is 0.
  ceil: [[0.2, 0.8]],
  floor: [[0.2, 0.8]],
  frac: [[0.2, 0.8]],
  round: [[0.6, 1.4]],
  trunc: [[1.2, 1.8]],
  sign: [positive],
  copysign: [positive, [-2, -1]],
  div: [wide, positive],
  floorDivide: [
    [1.1, 1.9],
    [0.96, 1.04],
  ],
  truncDivide: [
    [1.1, 1.9],
    [0.96, 1.04],
  ],
  fmod: [
    [2.1, 2.9],
    [0.99, 1.01],
  ],
  remainder: [
    [-2.8, -2.2],
    [0.98, 1.02],
  ],
  atan2: [positive, positive],
  hypot: [positive, positive],
  nextafter: [positive, [2.1, 3]],
  pow: [positive, wide],
  xlogy: [positive, positive],
  // The derivative in the exponent is not implemented on purpose: it is an error that says so.
  zeta: [2.5, [1.2, 3]],
  // Sides of a kink: the first operand always wins.
  fmax: [
    [2, 3],
    [0, 1],
  ],
  fmin: [
    [0, 1],
    [2, 3],
  ],
  maximum: [
    [0, 1],
    [2, 3],
  ],
  minimum: [
    [2, 3],
    [0, 1],
  ],
  clamp: [wide, [-3, -2.1], [2.1, 3]],
  where: [1, wide, wide],
  lerp: [wide, wide, [0.1, 0.4]],
  // Constants by their rows.
  elu: [[-2, -0.2], 1.3],
  celu: [[-2, -0.2], 1.3],
  leakyRelu: [[-2, -0.2], positive],
  hardshrink: [[0.7, 2], 0.5],
  softshrink: [[0.7, 2], 0.5],
  softplus: [wide, 1.5, 20],
  threshold: [[0.7, 2], 0.5, 9],
  relu: [positive],
  reluBackward: [wide, positive],
  selu: [[-2, -0.2]],
};

/** Rows without a derivative, on purpose, and why. */
export const NO_DERIVATIVE: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    'the result is a truth value':
      'eq ge gt le lt ne isfinite isinf isnan isneginf isposinf logicalAnd logicalNot logicalOr logicalXor signbit all any',
    'integers only': 'intMm bitwiseAnd bitwiseLeftShift bitwiseNot bitwiseOr bitwiseRightShift bitwiseXor',
    'the result is an index': 'argmax argmin nonzeroCount nonzeroFill searchsorted',
    'PyTorch has none': 'heaviside',
    'no tensor goes in': 'arange full linspace exponential normal randint randperm uniform',
    'a draw does not depend smoothly on its probability': 'bernoulli',
    'changes parameters in place, outside any graph': 'adagradStep adamStep rmspropStep sgdStep',
  }).flatMap(([why, names]) => names.split(' ').map((name) => [name, why])),
);
