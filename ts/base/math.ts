// Elementary functions for host code, in + - * / and bit access only: every engine rounds those alike, while Math.exp and
// its kin may differ in the last place. Algorithms and coefficients: fdlibm (Sun Microsystems 1993, freely granted).

const view: DataView = new DataView(new ArrayBuffer(8));

const LN2_HI = 6.9314718036912381649e-1;
const LN2_LO = 1.90821492927058770002e-10;

/** The upper 32 bits of a double. */
function high(x: number): number {
  view.setFloat64(0, x);
  return view.getInt32(0);
}

/** `x` without its lower 32 bits. */
function cut(x: number): number {
  view.setFloat64(0, x);
  view.setUint32(4, 0);
  return view.getFloat64(0);
}

/** 2^n for -1022 <= n <= 1023. */
function power(n: number): number {
  view.setInt32(0, (n + 1023) << 20);
  view.setInt32(4, 0);
  return view.getFloat64(0);
}

/** x 2^n with one rounding. */
function scale(x: number, n: number): number {
  if (n > 1023) return x * power(1023) * power(n - 1023);
  if (n < -1022) return x * power(n + 64) * power(-64);
  return x * power(n);
}

function sign(x: number, of: number): number {
  return of < 0 || Object.is(of, -0) ? -x : x;
}

function poly(c: readonly number[], x: number): number {
  let r = 0;
  for (let i = c.length - 1; i >= 0; i--) r = c[i]! + x * r;
  return r;
}

/** 1 / n! from n = 2. */
const EXP: readonly number[] = [
  1 / 2,
  1 / 6,
  1 / 24,
  1 / 120,
  1 / 720,
  1 / 5040,
  1 / 40320,
  1 / 362880,
  1 / 3628800,
  1 / 39916800,
  1 / 479001600,
  1 / 6227020800,
];

/** exp(x + tail) for a tail below an ulp or so of x. */
function expParts(x: number, tail: number): number {
  if (!(x < 709.79)) return x > 0 ? Infinity : x;
  if (x < -745.2) return 0;
  const k = Math.floor(x * 1.442695040888963387 + 0.5);
  const hi = x - k * LN2_HI;
  const lo = k * LN2_LO - tail;
  const r = hi - lo;
  // the exponential series, its first sum with the part that rounding loses
  const t = 1 + hi;
  return scale(t + (hi - (t - 1) + (r * r * poly(EXP, r) - lo)), k);
}

/**
 * e to the power `x`: within 0.6 ulp, subnormal results rounded, exactly 0 and Infinity at the ends.
 * @example exp(1) // 2.718281828459045
 */
export function exp(x: number): number {
  return expParts(x, 0);
}

const EXPM1: readonly number[] = [
  1, -3.33333333333331316428e-2, 1.58730158725481460165e-3, -7.93650757867487942473e-5, 4.00821782732936239552e-6,
  -2.01099218183624371326e-7,
];

/**
 * exp(x) - 1, relatively accurate near zero; within 1 ulp typically.
 * @example expm1(1e-10) // 1.00000000005e-10
 */
export function expm1(x: number): number {
  if (!(x < 709.79)) return x > 0 ? Infinity : x;
  if (x < -40) return -1;
  if (Math.abs(x) < 5.551115123125783e-17) return x;
  const k = Math.abs(x) < 0.34657359027997264 ? 0 : Math.floor(x * 1.442695040888963387 + 0.5);
  const hi = x - k * LN2_HI;
  const lo = k * LN2_LO;
  const r = hi - lo;
  const c = hi - r - lo;
  const h = 0.5 * r;
  const s = r * h;
  const q = poly(EXPM1, s);
  const t = 3 - q * h;
  let e = s * ((q - t) / (6 - r * t));
  if (k === 0) return r - (r * e - s);
  e = r * (e - c) - c - s;
  if (k === -1) return 0.5 * (r - e) - 0.5;
  if (k === 1) return r < -0.25 ? -2 * (e - (r + 0.5)) : 1 + 2 * (r - e);
  if (k < -1 || k > 56) return scale(1 - (e - r), k) - 1;
  const p = power(-k);
  return (k < 20 ? 1 - p - (e - r) : r - (e + p) + 1) * power(k);
}

const LOG: readonly number[] = [
  6.66666666666673513e-1, 3.999999999940941908e-1, 2.857142874366239149e-1, 2.222219843214978396e-1, 1.818357216161805012e-1,
  1.531383769920937332e-1, 1.479819860511658591e-1,
];

/** The binary exponent k of `x` > 0 with x 2^-k in [sqrt(1/2), sqrt(2)). */
function exponent(x: number): number {
  if (x < 2.2250738585072014e-308) return exponent(x * 18014398509481984) - 54;
  return ((high(x) + 0x95f62) >> 20) - 1023;
}

/** ln(x) + c for finite x > 0 and a small c. */
function logParts(x: number, c: number): number {
  const k = exponent(x);
  const f = scale(x, -k) - 1;
  const h = 0.5 * f * f;
  const s = f / (2 + f);
  const z = s * s;
  return k * LN2_HI - (h - (s * (h + z * poly(LOG, z)) + (k * LN2_LO + c)) - f);
}

/**
 * The natural logarithm of `x`, within 1 ulp; -Infinity at zero, NaN below.
 * @example log(10) // 2.302585092994046
 */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  return x === Infinity ? x : logParts(x, 0);
}

/**
 * ln(1 + x), relatively accurate near zero; within 1 ulp typically. -Infinity at -1, NaN below.
 * @example log1p(1e-10) // 9.999999999500001e-11
 */
export function log1p(x: number): number {
  if (!(x > -1)) return x === -1 ? -Infinity : NaN;
  if (Math.abs(x) < 1.1102230246251565e-16 || x === Infinity) return x;
  const u = 1 + x;
  // what the sum lost, relative to it
  return logParts(u, (x < 1 ? x - (u - 1) : 1 - (u - x)) / u);
}

/** a b - p, exactly, where p is their rounded product (T. Dekker 1971). */
function lost(a: number, b: number, p: number): number {
  const s = 134217729 * a;
  const t = 134217729 * b;
  const ah = s - (s - a);
  const bh = t - (t - b);
  return ah * bh - p + ah * (b - bh) + (a - ah) * bh + (a - ah) * (b - bh);
}

const ATANH: readonly number[] = [1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15, 1 / 17, 1 / 19, 1 / 21, 1 / 23, 1 / 25];

/** exp(y ln(x)) for finite x > 0, x != 1, and |y| < 2^64: the logarithm 2 atanh((m - 1) / (m + 1)) + k ln(2) in pairs of doubles. */
function powPositive(x: number, y: number): number {
  const k = exponent(x);
  const m = scale(x, -k);
  const f = m - 1;
  const d = m + 1;
  const s = f / d;
  const sd = s * d;
  const sl = (f - sd - lost(s, d, sd) - s * (m - (d - 1))) / d;
  const z = s * s;
  const zl = lost(s, s, z) + 2 * s * sl;
  const third = z / 3;
  const w = third * 3;
  const tl = (z - w - lost(third, 3, w) + zl) / 3 + z * z * poly(ATANH, z);
  const u = third + tl;
  const ul = third - u + tl;
  const p = s * u;
  const pl = lost(s, u, p) + s * ul + sl * u;
  const a = s + p;
  const al = s - a + p + (sl + pl);
  const b = k * LN2_HI;
  const c = b + 2 * a;
  const l = (Math.abs(b) > 2 * Math.abs(a) ? b - c + 2 * a : 2 * a - c + b) + (k * LN2_LO + 2 * al);
  const q = y * c;
  if (!(Math.abs(q) < 1e4)) return q > 0 ? Infinity : 0;
  return expParts(q, lost(y, c, q) + y * l);
}

/**
 * `x` to the power `y` by the rules of C99 (`pow(1, NaN)` is 1, unlike `**`); within 1 ulp, exact where the result is a double.
 * @example pow(0.9, 2) // 0.81
 */
export function pow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (x !== x || y !== y) return NaN;
  const a = Math.abs(x);
  if (Math.abs(y) >= 18446744073709551616) return a === 1 ? 1 : a > 1 === y > 0 ? Infinity : 0;
  const whole = Math.floor(y) === y;
  const odd = whole && Math.floor(y / 2) !== y / 2;
  const negative = x < 0 || Object.is(x, -0);
  let r: number;
  if (a === 0 || a === Infinity) r = (a === 0) === y > 0 ? 0 : Infinity;
  else if (x < 0 && !whole) return NaN;
  else r = a === 1 ? 1 : powPositive(a, y);
  return negative && odd ? -r : r;
}

const SIN: readonly number[] = [
  8.33333333332248946124e-3, -1.98412698298579493134e-4, 2.75573137070700676789e-6, -2.50507602534068634195e-8, 1.58969099521155010221e-10,
];
const COS: readonly number[] = [
  4.16666666666666019037e-2, -1.38888888888741095749e-3, 2.48015872894767294178e-5, -2.75573143513906633035e-7, 2.0875723212981748279e-9,
  -1.13596475577881948265e-11,
];

/** sin(a + e) for |a| <= pi/4. */
function sinParts(a: number, e: number): number {
  const z = a * a;
  const v = z * a;
  return a - (z * (0.5 * e - v * poly(SIN, z)) - e + v * 1.66666666666666324348e-1);
}

/** cos(a + e) for |a| <= pi/4. */
function cosParts(a: number, e: number): number {
  const z = a * a;
  const h = 0.5 * z;
  const w = 1 - h;
  return w + (1 - w - h + (z * z * poly(COS, z) - a * e));
}

const PIO2_1 = 1.570796325802803;
const PIO2_2 = 9.920935739593517e-10;
const PIO2_3 = 5.721188726109832e-18;

/** Takes quarter turns off `x`: [their number modulo 4, angle, its rounding error]. */
function reduce(x: number): [number, number, number] {
  if (Math.abs(x) <= 0.7853981633974483) return [0, x, 0];
  if (Math.abs(x) > 1e8) x %= 6.283185307179586;
  const n = Math.floor(x * 0.63661977236758134308 + 0.5);
  // pi/2 in parts of 27, 27 and 53 bits: the first two products are exact up to n = 2^26
  const r = x - n * PIO2_1;
  const w = n * PIO2_2;
  const y = r - w;
  const tail = r - y - w - n * PIO2_3;
  const a = y + tail;
  return [n - 4 * Math.floor(n / 4), a, y - a + tail];
}

/**
 * The sine of `x` radians: within 1 ulp up to |x| = 1e8, beyond with an absolute error of up to |x| 2^-53. NaN at the infinities.
 * @example sin(Math.PI / 6) // 0.49999999999999994
 */
export function sin(x: number): number {
  if (Math.abs(x) < 7.450580596923828e-9) return x;
  const [n, a, e] = reduce(x);
  const r = n % 2 === 0 ? sinParts(a, e) : cosParts(a, e);
  return n >= 2 ? -r : r;
}

/**
 * The cosine of `x` radians: within 1 ulp up to |x| = 1e8, beyond with an absolute error of up to |x| 2^-53. NaN at the infinities.
 * @example cos(Math.PI / 3) // 0.5000000000000001
 */
export function cos(x: number): number {
  const [n, a, e] = reduce(x);
  const r = n % 2 === 0 ? cosParts(a, e) : sinParts(a, e);
  return n === 1 || n === 2 ? -r : r;
}

/**
 * The tangent of `x` radians as sine over cosine: within 2 ulp up to |x| = 1e8. NaN at the infinities.
 * @example tan(1) // 1.557407724654902
 */
export function tan(x: number): number {
  if (Math.abs(x) < 7.450580596923828e-9) return x;
  const [n, a, e] = reduce(x);
  const s = sinParts(a, e);
  const c = cosParts(a, e);
  return n % 2 === 0 ? s / c : -c / s;
}

/**
 * The hyperbolic tangent of `x`, within 2 ulp.
 * @example tanh(0.5) // 0.46211715726000974
 */
export function tanh(x: number): number {
  const a = Math.abs(x);
  if (a < 1e-300) return x;
  let r: number;
  if (a > 22) r = 1;
  else if (a > 0.5493061443340549) r = 1 - 2 / (expm1(2 * a) + 2);
  else if (a > 0.2554128118829953) {
    const t = expm1(2 * a);
    r = t / (t + 2);
  } else {
    const t = expm1(-2 * a);
    r = -t / (t + 2);
  }
  return sign(r, x);
}

/** The square root, which IEEE 754 rounds correctly on every engine. */
export const sqrt: (x: number) => number = Math.sqrt;

const ERF_P: readonly number[] = [
  1.28379167095512558561e-1, -3.2504210724700149937e-1, -2.84817495755985104766e-2, -5.77027029648944159157e-3, -2.37630166566501626084e-5,
];
const ERF_Q: readonly number[] = [
  1.0, 3.97917223959155352819e-1, 6.50222499887672944485e-2, 5.08130628187576562776e-3, 1.32494738004321644526e-4,
  -3.9602282787753681232e-6,
];
const MID_P: readonly number[] = [
  -2.36211856075265944077e-3, 4.14856118683748331666e-1, -3.72207876035701323847e-1, 3.18346619901161753674e-1, -1.10894694282396677476e-1,
  3.54783043256182359371e-2, -2.166375594868790843e-3,
];
const MID_Q: readonly number[] = [
  1.0, 1.06420880400844228286e-1, 5.40397917702171048937e-1, 7.18286544141962662868e-2, 1.26171219808761642112e-1,
  1.36370839120290507362e-2, 1.1984499846799107417e-2,
];
const TAIL_P: readonly number[] = [
  -9.86494403484714822705e-3, -6.93858572707181764372e-1, -1.05586262253232909814e1, -6.23753324503260060396e1, -1.62396669462573470355e2,
  -1.84605092906711035994e2, -8.12874355063065934246e1, -9.81432934416914548592,
];
const TAIL_Q: readonly number[] = [
  1.0, 1.96512716674392571292e1, 1.376577541435190426e2, 4.34565877475229228821e2, 6.45387271733267880336e2, 4.29008140027567833386e2,
  1.08635005541779435134e2, 6.57024977031928170135, -6.04244152148580987438e-2,
];
const FAR_P: readonly number[] = [
  -9.86494292470009928597e-3, -7.99283237680523006574e-1, -1.77579549177547519889e1, -1.60636384855821916062e2, -6.37566443368389627722e2,
  -1.02509513161107724954e3, -4.83519191608651397019e2,
];
const FAR_Q: readonly number[] = [
  1.0, 3.03380607434824582924e1, 3.25792512996573918826e2, 1.53672958608443695994e3, 3.19985821950859553908e3, 2.55305040643316442583e3,
  4.74528541206955367215e2, -2.24409524465858183362e1,
];
const INV: readonly number[] = [
  1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-6, -3.5233877e-6, 3.43273939e-7, 2.81022636e-8,
];
const INV_TAIL: readonly number[] = [
  2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773, -0.00367342844, 0.00134934322, 0.000100950558, -0.000200214257,
];
const ERX = 8.45062911510467529297e-1;

/** (erf(x) - x) / x for |x| < 0.84375. */
function centre(x: number): number {
  return poly(ERF_P, x * x) / poly(ERF_Q, x * x);
}

/** erf(a) - ERX for a in [0.84375, 1.25). */
function shoulder(a: number): number {
  return poly(MID_P, a - 1) / poly(MID_Q, a - 1);
}

/** erfc(a) for a >= 0. */
function erfc(a: number): number {
  if (a < 0.84375) return a < 0.25 ? 1 - (a + a * centre(a)) : 0.5 - (a * centre(a) + (a - 0.5));
  if (a < 1.25) return 1 - ERX - shoulder(a);
  if (a >= 28) return 0;
  const s = 1 / (a * a);
  const w = a < 2.857142857142857 ? poly(TAIL_P, s) / poly(TAIL_Q, s) : poly(FAR_P, s) / poly(FAR_Q, s);
  // the square of the upper half is exact
  const z = cut(a);
  return (exp(-z * z - 0.5625) * exp((z - a) * (z + a) + w)) / a;
}

/**
 * The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to `x`; within 1 ulp.
 * @example erf(1) // 0.8427007929497149
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a !== a) return x;
  if (a < 1e-300) return 0.125 * (8 * x + 1.02703333676410069053 * x);
  if (a < 0.84375) return x + x * centre(x);
  return sign(a < 1.25 ? ERX + shoulder(a) : a >= 6 ? 1 : 1 - erfc(a), x);
}

/**
 * The inverse of the error function, within 2 ulp: M. Giles' single approximation (2010), an asymptotic start beyond
 * its range, then Halley steps. Infinite at -1 and 1, NaN outside.
 * @example erfinv(0.5) // 0.4769362762044699
 */
export function erfinv(y: number): number {
  const a = Math.abs(y);
  if (!(a < 1)) return a === 1 ? y / 0 : NaN;
  const w = -log((1 - a) * (1 + a));
  let x: number;
  let steps = 1;
  if (w < 5) x = poly(INV, w - 2.5) * a;
  else if (w < 16) x = poly(INV_TAIL, Math.sqrt(w) - 3) * a;
  else {
    const v = -log(1 - a);
    x = Math.sqrt(v - 0.5 * log(3.141592653589793116 * v));
    steps = 3;
  }
  for (; steps > 0; steps--) {
    const f = a < 0.5 ? erf(x) - a : 1 - a - erfc(x);
    const u = f / (1.1283791670955125739 * exp(-x * x));
    x -= u / (1 + x * u);
  }
  return sign(x, y);
}
