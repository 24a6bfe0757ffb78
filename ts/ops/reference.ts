// Oracles on JavaScript numbers where Math has none; int64 arrives as bigint. Slow, simple, independent of the kernels.

type Pair = (a: number, b: number) => number;

/** One oracle for numbers and one for the bigints of int64, which the row's type leaves out. */
function both(numbers: Pair, bigints: (a: bigint, b: bigint) => bigint): Pair {
  return (a, b) => (typeof (a as unknown) === 'bigint' ? (bigints as unknown as Pair)(a, b) : numbers(a, b));
}

/** Python's floor division, by the remainder: infinite by finite is NaN, 1 by -Infinity is -1. */
function floorQuotient(a: number, b: number): number {
  if (b === 0) return a / b;
  const rest = a % b;
  const whole = (a - rest) / b - (rest !== 0 && b < 0 !== rest < 0 ? 1 : 0);
  return whole === 0 ? copysign(0, a / b) : Math.floor(whole) + (whole - Math.floor(whole) > 0.5 ? 1 : 0);
}
/** Toward negative infinity; integers divided by zero give 0. */
export const floorDivide: Pair = both(floorQuotient, (a, b) => (b === 0n ? 0n : a % b !== 0n && a < 0n !== b < 0n ? a / b - 1n : a / b));
/** Toward zero. */
export const truncDivide: Pair = both(
  (a, b) => Math.trunc(a / b),
  (a, b) => (b === 0n ? 0n : a / b),
);
/** With the sign of the dividend. */
export const fmod: Pair = both(
  (a, b) => a % b,
  (a, b) => (b === 0n ? 0n : a % b),
);
/** With the sign of the divisor. */
export function remainder(a: number, b: number): number {
  const r = fmod(a, b);
  return r < 0 !== b < 0 && (r < 0 || r > 0) ? r + b : r;
}
/** Integers wrap; a negative exponent truncates. */
export const pow: Pair = both(
  (a, b) => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b),
  (a, b) => (b < 0n ? (a === 1n ? 1n : a === -1n ? 1n - 2n * (b & 1n) : 0n) : BigInt.asIntN(64, a ** b)),
);
/** A count out of range shifts everything out. */
export const shiftLeft: Pair = both(
  (a, b) => (b < 0 || b > 31 ? 0 : a << b),
  (a, b) => (b < 0n || b > 63n ? 0n : BigInt.asIntN(64, a << b)),
);
/** A count out of range leaves the sign. */
export const shiftRight: Pair = both(
  (a, b) => a >> (b < 0 || b > 31 ? 31 : b),
  (a, b) => a >> (b < 0n || b > 63n ? 63n : b),
);
/** Half to even. */
export function round(x: number): number {
  if (!Number.isFinite(x)) return x;
  const low = Math.floor(x);
  const up = x - low > 0.5 || (x - low === 0.5 && low % 2 !== 0);
  return Math.abs(low + Number(up)) * (x < 0 || Object.is(x, -0) ? -1 : 1);
}
/** A rounding function that leaves integers alone. */
export function rounding(f: (x: number) => number): (x: number) => number {
  return (x) => (typeof x === 'bigint' ? x : f(x));
}
/** The larger, NaN if either is. */
export function maximum(a: number, b: number): number {
  return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a > b || (a === b && Object.is(b, -0)) ? a : b;
}
/** The smaller, NaN if either is. */
export function minimum(a: number, b: number): number {
  return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a < b || (a === b && Object.is(a, -0)) ? a : b;
}
/** Magnitude of a with the sign of b. */
export function copysign(a: number, b: number): number {
  const negative = b < 0 || Object.is(b, -0);
  return negative ? -Math.abs(a) : Math.abs(a);
}
/** The next float64 after a towards b. */
export function nextafter(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN;
  if (a === b) return b;
  if (a === 0) return b > 0 ? Number.MIN_VALUE : -Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, a);
  view.setBigInt64(0, view.getBigInt64(0) + (a < b === a > 0 ? 1n : -1n));
  return view.getFloat64(0);
}
/** log(1 + exp(x)) without overflow. */
export function softplus(x: number): number {
  return (x > 0 ? x : 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
/** log(exp(a) + exp(b)). */
export function logaddexp(a: number, b: number): number {
  return a === b ? a + Math.LN2 : Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}
/** erfc(x) for x >= 1 by a continued fraction, from below. */
function tail(x: number): number {
  let f = 0;
  for (let k = 400; k > 0; k--) f = k / 2 / (x + f);
  return Math.exp(-x * x) / ((x + f) * Math.sqrt(Math.PI));
}
/** The error function: below 2 its series of positive terms. */
export function erf(x: number): number {
  if (Math.abs(x) >= 2) return Math.sign(x) * (1 - tail(Math.abs(x)));
  let term = x;
  let sum = x;
  for (let k = 1; k < 60; k++) {
    term *= (2 * x * x) / (2 * k + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
/** 1 - erf(x). */
export function erfc(x: number): number {
  return x >= 1 ? tail(x) : 1 - erf(x);
}
/** The inverse of erf by bisection. */
export function erfinv(y: number): number {
  if (!(Math.abs(y) <= 1)) return Number.NaN;
  if (Math.abs(y) === 1) return y * Infinity;
  let low = 0;
  let high = 6;
  for (let k = 0; k < 80; k++) {
    const mid = (low + high) / 2;
    if (erf(mid) < Math.abs(y)) low = mid;
    else high = mid;
  }
  return y < 0 ? -low : low;
}
/** log |gamma(x)|: Stirling's series from 20 on, the recurrence below. */
export function lgamma(x: number): number {
  if (Math.abs(x) === Infinity || (x <= 0 && Number.isInteger(x))) return Infinity;
  let shift = 0;
  while (x < 20) shift += Math.log(Math.abs(x++));
  const z = 1 / (x * x);
  return (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z / 1680))) / x - shift;
}
/** The derivative of lgamma. */
export function digamma(x: number): number {
  if (x === 0) return Object.is(x, -0) ? Infinity : -Infinity;
  if (x === -Infinity || (x < 0 && Number.isInteger(x))) return Number.NaN;
  let shift = 0;
  for (; x < 20; x++) shift += 1 / x;
  const z = 1 / (x * x);
  return Math.log(x) - 0.5 / x - z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z / 240))) - shift;
}
/** The Hurwitz zeta function for s > 1. */
export function zeta(s: number, q: number): number {
  if (s === 1 || q === -Infinity || (q <= 0 && Number.isInteger(q))) return s >= 1 ? Infinity : Number.NaN;
  if (!(s > 1) || (q < 0 && !Number.isInteger(s))) return Number.NaN;
  if (s === Infinity) return q > 1 ? 0 : q === 1 ? 1 : q > 0 ? Infinity : Number.NaN;
  let sum = 0;
  for (; q < 40 + 20 * Math.min(s, 100); q++) sum += q ** -s;
  const p = q ** -s;
  if (p === 0) return sum;
  return sum + (q * p) / (s - 1) + p / 2 + ((s * p) / (12 * q)) * (1 - ((s + 1) * (s + 2)) / (60 * q * q));
}
/** The logistic function. */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
/** tanh of GELU's cubic. */
export function geluTanh(x: number): number {
  return Math.tanh(Math.sqrt(2 / Math.PI) * x * (1 + 0.044715 * x * x));
}
