// Scalar double forms of erf, erfc, erfinv, lgamma and digamma, and erf on f32x4.
// erf, erfc, lgamma: intervals and coefficients of fdlibm (Sun Microsystems 1993, freely granted), as tables.
import {
  B0, B1, B2, B3, B4, B5, B6, ERF_CUT, FOUR, ONE, P0, P1, P2, P3, P4, P5, SIGN,
} from './constants';
import { expNormal_f32 } from './exp';
import { sin1, tan1 } from './reduce';
import { log1, poly } from './scalar';
import { C, mad, mul, sub } from './vector';

const PP: usize = memory.data<f64>([
  1.28379167095512558561e-1, -3.25042107247001499370e-1, -2.84817495755985104766e-2, -5.77027029648944159157e-3,
  -2.37630166566501626084e-5,
]);
const QQ: usize = memory.data<f64>([
  1.0, 3.97917223959155352819e-1, 6.50222499887672944485e-2, 5.08130628187576562776e-3, 1.32494738004321644526e-4,
  -3.96022827877536812320e-6,
]);
const PA: usize = memory.data<f64>([
  -2.36211856075265944077e-3, 4.14856118683748331666e-1, -3.72207876035701323847e-1, 3.18346619901161753674e-1,
  -1.10894694282396677476e-1, 3.54783043256182359371e-2, -2.16637559486879084300e-3,
]);
const QA: usize = memory.data<f64>([
  1.0, 1.06420880400844228286e-1, 5.40397917702171048937e-1, 7.18286544141962662868e-2, 1.26171219808761642112e-1,
  1.36370839120290507362e-2, 1.19844998467991074170e-2,
]);
const RA: usize = memory.data<f64>([
  -9.86494403484714822705e-3, -6.93858572707181764372e-1, -1.05586262253232909814e1, -6.23753324503260060396e1,
  -1.62396669462573470355e2, -1.84605092906711035994e2, -8.12874355063065934246e1, -9.81432934416914548592,
]);
const SA: usize = memory.data<f64>([
  1.0, 1.96512716674392571292e1, 1.37657754143519042600e2, 4.34565877475229228821e2, 6.45387271733267880336e2,
  4.29008140027567833386e2, 1.08635005541779435134e2, 6.57024977031928170135, -6.04244152148580987438e-2,
]);
const RB: usize = memory.data<f64>([
  -9.86494292470009928597e-3, -7.99283237680523006574e-1, -1.77579549177547519889e1, -1.60636384855821916062e2,
  -6.37566443368389627722e2, -1.02509513161107724954e3, -4.83519191608651397019e2,
]);
const SB: usize = memory.data<f64>([
  1.0, 3.03380607434824582924e1, 3.25792512996573918826e2, 1.53672958608443695994e3, 3.19985821950859553908e3,
  2.55305040643316442583e3, 4.74528541206955367215e2, -2.24409524465858183362e1,
]);
const ERX: f64 = 8.45062911510467529297e-1;

/** (erf(x) - x) / x for |x| < 0.84375. */
function erfCentre(x: f64): f64 {
  const z = x * x;
  return poly(PP, 5, z) / poly(QQ, 6, z);
}

/** erf(a) - ERX for a in [0.84375, 1.25). */
function erfShoulder(a: f64): f64 { return poly(PA, 7, a - 1) / poly(QA, 7, a - 1); }

/** erfc(a) for a >= 1.25. */
function erfcTail(a: f64): f64 {
  if (a >= 28) return 0;
  const s = 1 / (a * a);
  const w = a < 2.857142857142857 ? poly(RA, 8, s) / poly(SA, 9, s) : poly(RB, 7, s) / poly(SB, 8, s);
  // exp(-a^2) from the square of a's upper half, which is exact
  const z = reinterpret<f64>(reinterpret<u64>(a) & 0xffffffff00000000);
  return (NativeMath.exp(-z * z - 0.5625) * NativeMath.exp((z - a) * (z + a) + w)) / a;
}

/** erf(x). */
export function erf1(x: f64): f64 {
  const a = abs(x);
  if (a != a) return x;
  if (a < 0.84375) return a < 3.7252902984619140625e-9 ? 0.125 * (8 * x + 1.02703333676410069053 * x) : x + x * erfCentre(x);
  return copysign(a < 1.25 ? ERX + erfShoulder(a) : a >= 6 ? 1 : 1 - erfcTail(a), x);
}

/** 1 - erf(x). */
export function erfc1(x: f64): f64 {
  const a = abs(x);
  if (a != a) return x;
  if (a < 0.84375) {
    const y = x * erfCentre(x);
    return x < 0.25 ? 1 - (x + y) : 0.5 - (y + (x - 0.5));
  }
  if (a < 1.25) return x > 0 ? 1 - ERX - erfShoulder(a) : 1 + (ERX + erfShoulder(a));
  if (x < -6) return 2;
  return x > 0 ? erfcTail(a) : 2 - erfcTail(a);
}

const GC: usize = memory.data<f64>([
  1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-6, -3.5233877e-6, 3.43273939e-7, 2.81022636e-8,
]);
const GT: usize = memory.data<f64>([
  2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773, -0.00367342844, 0.00134934322, 0.000100950558, -0.000200214257,
]);

/** The inverse of erf: M. Giles' single approximation (2010), an asymptotic start beyond its range, then Halley steps. */
export function erfinv1(y: f64): f64 {
  const a = abs(y);
  if (!(a < 1)) return a == 1 ? copysign(Infinity, y) : NaN;
  const w = -log1((1 - a) * (1 + a));
  let x: f64;
  let steps = 1;
  if (w < 5) x = poly(GC, 9, w - 2.5) * a;
  else if (w < 16) x = poly(GT, 9, sqrt(w) - 3) * a;
  else {
    const v = -log1(1 - a);
    x = sqrt(v - 0.5 * log1(3.14159265358979311600 * v));
    steps = 3;
  }
  for (; steps > 0; steps--) {
    const f = a < 0.5 ? erf1(x) - a : 1 - a - erfc1(x);
    const u = f / (1.1283791670955125739 * NativeMath.exp(-x * x));
    x -= u / (1 + x * u);
  }
  return copysign(x, y);
}

const LA: usize = memory.data<f64>([
  7.72156649015328655494e-2, 6.73523010531292681824e-2, 7.38555086081402883957e-3, 1.19270763183362067845e-3,
  2.20862790713908385557e-4, 2.52144565451257326939e-5,
]);
const LB: usize = memory.data<f64>([
  3.22467033424113591611e-1, 2.05808084325167332806e-2, 2.89051383673415629091e-3, 5.10069792153511336608e-4,
  1.08011567247583939954e-4, 4.48640949618915160150e-5,
]);
const LT0: usize = memory.data<f64>([
  4.83836122723810047042e-1, -3.27885410759859649565e-2, 6.10053870246291332635e-3, -1.40346469989232843813e-3, 3.15632070903625950361e-4,
]);
const LT1: usize = memory.data<f64>([
  -1.47587722994593911752e-1, 1.79706750811820387126e-2, -3.68452016781138256760e-3, 8.81081882437654011382e-4, -3.12754168375120860518e-4,
]);
const LT2: usize = memory.data<f64>([
  6.46249402391333854778e-2, -1.03142241298341437450e-2, 2.25964780900612472250e-3, -5.38595305356740546715e-4, 3.35529192635519073543e-4,
]);
const LU: usize = memory.data<f64>([
  -7.72156649015328655494e-2, 6.32827064025093366517e-1, 1.45492250137234768737, 9.77717527963372745603e-1, 2.28963728064692451092e-1,
  1.33810918536787660377e-2,
]);
const LV: usize = memory.data<f64>([
  1.0, 2.45597793713041134822, 2.12848976379893395361, 7.69285150456672783825e-1, 1.04222645593369134254e-1, 3.21709242282423911810e-3,
]);
const LS: usize = memory.data<f64>([
  -7.72156649015328655494e-2, 2.14982415960608852501e-1, 3.25778796408930981787e-1, 1.46350472652464452805e-1,
  2.66422703033638609560e-2, 1.84028451407337715652e-3, 3.19475326584100867617e-5,
]);
const LR: usize = memory.data<f64>([
  1.0, 1.39200533467621045958, 7.21935547567138069525e-1, 1.71933865632803078993e-1, 1.86459191715652901344e-2,
  7.77942496381893596434e-4, 7.32668430744625636189e-6,
]);
const LW: usize = memory.data<f64>([
  8.33333333333329678849e-2, -2.77777777728775536470e-3, 7.93650558643019558500e-4, -5.95187557450339963135e-4,
  8.36339918996282139126e-4, -1.63092934096575273989e-3,
]);
const TC: f64 = 1.46163214496836224576;

/** lgamma(x) on [0.9, 2): around 2, around the minimum TC, around 1. */
function lgammaNear(y: f64, which: i32): f64 {
  const z = y * y;
  if (which == 0) return y * poly(LA, 6, z) + z * poly(LB, 6, z) - 0.5 * y;
  if (which == 1) {
    const w = z * y;
    const p = z * poly(LT0, 5, w) - (-3.63867699703950536541e-18 - w * (poly(LT1, 5, w) + y * poly(LT2, 5, w)));
    return -1.21486290535849611461e-1 + p;
  }
  return -0.5 * y + (y * poly(LU, 6, y)) / poly(LV, 6, y);
}

function lgammaPositive(x: f64): f64 {
  if (x == 1 || x == 2) return 0;
  if (x < 0.9) {
    const r = -log1(x);
    return r + (x >= 0.7316 ? lgammaNear(1 - x, 0) : x >= 0.23164 ? lgammaNear(x - (TC - 1), 1) : lgammaNear(x, 2));
  }
  if (x < 2) return x >= 1.7316 ? lgammaNear(2 - x, 0) : x >= 1.23164 ? lgammaNear(x - TC, 1) : lgammaNear(x - 1, 2);
  if (x < 8) {
    const i = <i32>x, y = x - <f64>i;
    let z = 1.0;
    for (let k = i - 1; k >= 2; k--) z *= y + <f64>k;
    return 0.5 * y + (y * poly(LS, 7, y)) / poly(LR, 7, y) + log1(z);
  }
  const t = log1(x);
  if (x >= 288230376151711744.0) return x * (t - 1);
  const z = 1 / x;
  return (x - 0.5) * (t - 1) + (4.18938533204672725052e-1 + z * poly(LW, 6, z * z));
}

/**
 * ln|gamma(x)|; infinity at zero, the negative integers and both infinities. Absolutely, not relatively, accurate at its
 * negative roots.
 */
export function lgamma1(x: f64): f64 {
  const a = abs(x);
  if (!(a < Infinity)) return a;
  if (a < 8.470329472543003e-22) return -log1(a);
  if (x > 0) return lgammaPositive(x);
  const f = x - nearest(x);
  if (f == 0) return Infinity;
  return log1(3.14159265358979311600 / abs(sin1(3.14159265358979311600 * f) * x)) - lgammaPositive(a);
}

const DG: usize = memory.data<f64>([
  8.33333333333333333333e-2, -8.33333333333333333333e-3, 3.96825396825396825397e-3, -4.16666666666666666667e-3,
  7.57575757575757575758e-3, -2.10927960927960927961e-2, 8.33333333333333333333e-2,
]);

// digamma on [1, 2] is (x - root)(Y + P(x - 1) / Q(x - 1)), the rational form of Boost's digamma.hpp (J. Maddock)
const DP: usize = memory.data<f64>([
  0.25479851061131551, -0.32555031186804491, -0.65031853770896507, -0.28919126444774784, -0.045251321448739056, -0.0020713321167745952,
]);
const DQ: usize = memory.data<f64>([
  1.0, 2.0767117023730469, 1.4606242909763515, 0.43593529692665969, 0.054151797245674225, 0.0021284987017821144, -0.55789841321675513e-6,
]);

/**
 * digamma(x): -infinity at 0, infinity at -0, NaN at the negative integers. Reflection, recurrence to [1, 2], the
 * asymptotic series from 10. Absolutely, not relatively, accurate at its negative roots.
 */
export function digamma1(x: f64): f64 {
  if (x == 0) return copysign(Infinity, -x);
  let r = 0.0;
  if (x < 0) {
    const f = x - nearest(x);
    if (!(f != 0)) return NaN;
    r = -3.14159265358979311600 / tan1(3.14159265358979311600 * f);
    x = 1 - x;
  }
  if (x >= 10) {
    const z = 1 / (x * x);
    return log1(x) - 0.5 / x - z * poly(DG, 7, z) + r;
  }
  for (; x > 2; r += 1 / x) x -= 1;
  if (x < 1) {
    r -= 1 / x;
    x += 1;
  }
  // the root in three parts: its neighbourhood keeps relative accuracy
  const g = x - 1.4616321446374059 - 3.309564688275257e-10 - 9.016312093258695918615e-20;
  return g * 0.99558162689208984375 + (g * poly(DP, 6, x - 1)) / poly(DQ, 7, x - 1) + r;
}

/** erf(x) on f32x4: N. Juffa's two intervals. */
export function erf_f32(x: v128): v128 {
  const a = v128.andnot(x, C(SIGN)), s = mul(x, x), t = f32x4.pmin(a, C(FOUR)), t2 = mul(t, t);
  let r = mad(mad(C(B6), t, C(B5)), t2, mad(C(B4), t, C(B3)));
  r = mad(mad(mad(r, t, C(B2)), t, C(B1)), t, C(B0));
  const outer = v128.or(sub(C(ONE), expNormal_f32(sub(mul(r, t), t))), v128.and(x, C(SIGN)));
  let p = mad(mad(C(P5), s, C(P4)), mul(s, s), mad(C(P3), s, C(P2)));
  p = mad(mad(mad(p, s, C(P1)), s, C(P0)), x, x);
  return v128.bitselect(p, outer, f32x4.le(a, C(ERF_CUT)));
}
