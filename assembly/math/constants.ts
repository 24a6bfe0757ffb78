// Constants of the f32x4 functions, one 16-byte row each. They live in memory because V8 rebuilds a
// splat with three instructions at every use, while a load is one.
const F: usize = memory.data<f32>([
  1.0, 1.0, 1.0, 1.0, // ONE
  0.5, 0.5, 0.5, 0.5, // HALF
  2.0, 2.0, 2.0, 2.0, // TWO
  0.0, 0.0, 0.0, 0.0, // ZERO
  12582912.0, 12582912.0, 12582912.0, 12582912.0, // MAGIC
  12583039.0, 12583039.0, 12583039.0, 12583039.0, // MAGIC_BIASED
  89.0, 89.0, 89.0, 89.0, // EXP_HI
  -104.0, -104.0, -104.0, -104.0, // EXP_LO
  129.0, 129.0, 129.0, 129.0, // EXP2_HI
  -151.0, -151.0, -151.0, -151.0, // EXP2_LO
  -30.0, -30.0, -30.0, -30.0, // EXPM1_LO
  -80.0, -80.0, -80.0, -80.0, // EXP_FLOOR
  1.44269504088896341, 1.44269504088896341, 1.44269504088896341, 1.44269504088896341, // LOG2E
  0.693147180559945309, 0.693147180559945309, 0.693147180559945309, 0.693147180559945309, // LN2
  0.693359375, 0.693359375, 0.693359375, 0.693359375, // LN2_HI
  -2.12194440e-4, -2.12194440e-4, -2.12194440e-4, -2.12194440e-4, // LN2_LO
  1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4, // E5
  1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3, // E4
  8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3, // E3
  4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2, // E2
  1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1, // E1
  -5.70498872745e-3, -5.70498872745e-3, -5.70498872745e-3, -5.70498872745e-3, // T4
  2.06390887954e-2, 2.06390887954e-2, 2.06390887954e-2, 2.06390887954e-2, // T3
  -5.37397155531e-2, -5.37397155531e-2, -5.37397155531e-2, -5.37397155531e-2, // T2
  1.33314422036e-1, 1.33314422036e-1, 1.33314422036e-1, 1.33314422036e-1, // T1
  -3.33332819422e-1, -3.33332819422e-1, -3.33332819422e-1, -3.33332819422e-1, // T0
  0.625, 0.625, 0.625, 0.625, // TANH_CUT
  40.0, 40.0, 40.0, 40.0, // FORTY
  8388608.0, 8388608.0, 8388608.0, 8388608.0, // TWO23
  23.0, 23.0, 23.0, 23.0, // F23
  0.707106781186547524, 0.707106781186547524, 0.707106781186547524, 0.707106781186547524, // SQRTHF
  7.0376836292e-2, 7.0376836292e-2, 7.0376836292e-2, 7.0376836292e-2, // L8
  -1.1514610310e-1, -1.1514610310e-1, -1.1514610310e-1, -1.1514610310e-1, // L7
  1.1676998740e-1, 1.1676998740e-1, 1.1676998740e-1, 1.1676998740e-1, // L6
  -1.2420140846e-1, -1.2420140846e-1, -1.2420140846e-1, -1.2420140846e-1, // L5
  1.4249322787e-1, 1.4249322787e-1, 1.4249322787e-1, 1.4249322787e-1, // L4
  -1.6668057665e-1, -1.6668057665e-1, -1.6668057665e-1, -1.6668057665e-1, // L3
  2.0000714765e-1, 2.0000714765e-1, 2.0000714765e-1, 2.0000714765e-1, // L2
  -2.4999993993e-1, -2.4999993993e-1, -2.4999993993e-1, -2.4999993993e-1, // L1
  3.3333331174e-1, 3.3333331174e-1, 3.3333331174e-1, 3.3333331174e-1, // L0
  0.44269504088896340735992, 0.44269504088896340735992, 0.44269504088896340735992, 0.44269504088896340735992, // LOG2EA
  3.0078125e-1, 3.0078125e-1, 3.0078125e-1, 3.0078125e-1, // L102A
  2.48745663981195213739e-4, 2.48745663981195213739e-4, 2.48745663981195213739e-4, 2.48745663981195213739e-4, // L102B
  4.3359375e-1, 4.3359375e-1, 4.3359375e-1, 4.3359375e-1, // L10EA
  7.00731903251827651129e-4, 7.00731903251827651129e-4, 7.00731903251827651129e-4, 7.00731903251827651129e-4, // L10EB
  -1.7285347e-05, -1.7285347e-05, -1.7285347e-05, -1.7285347e-05, // B6
  0.000383197126, 0.000383197126, 0.000383197126, 0.000383197126, // B5
  -0.00388396438, -0.00388396438, -0.00388396438, -0.00388396438, // B4
  0.0242546219, 0.0242546219, 0.0242546219, 0.0242546219, // B3
  -0.106777877, -0.106777877, -0.106777877, -0.106777877, // B2
  -0.634846687, -0.634846687, -0.634846687, -0.634846687, // B1
  -0.128717512, -0.128717512, -0.128717512, -0.128717512, // B0
  -0.000596761703, -0.000596761703, -0.000596761703, -0.000596761703, // P5
  0.00499119423, 0.00499119423, 0.00499119423, 0.00499119423, // P4
  -0.0267681349, -0.0267681349, -0.0267681349, -0.0267681349, // P3
  0.112819925, 0.112819925, 0.112819925, 0.112819925, // P2
  -0.376125336, -0.376125336, -0.376125336, -0.376125336, // P1
  0.128379166, 0.128379166, 0.128379166, 0.128379166, // P0
  0.921875, 0.921875, 0.921875, 0.921875, // ERF_CUT
  4.0, 4.0, 4.0, 4.0, // FOUR
  -1.9515295891e-4, -1.9515295891e-4, -1.9515295891e-4, -1.9515295891e-4, // S3
  8.3321608736e-3, 8.3321608736e-3, 8.3321608736e-3, 8.3321608736e-3, // S2
  -1.6666654611e-1, -1.6666654611e-1, -1.6666654611e-1, -1.6666654611e-1, // S1
  2.443315711809948e-5, 2.443315711809948e-5, 2.443315711809948e-5, 2.443315711809948e-5, // C3
  -1.388731625493765e-3, -1.388731625493765e-3, -1.388731625493765e-3, -1.388731625493765e-3, // C2
  4.166664568298827e-2, 4.166664568298827e-2, 4.166664568298827e-2, 4.166664568298827e-2, // C1
  134217728.0, 134217728.0, 134217728.0, 134217728.0, // TRIG_FAR
  0.000244140625, 0.000244140625, 0.000244140625, 0.000244140625, // TRIG_TINY
  -88.0, -88.0, -88.0, -88.0, // EXP_ZERO
], 16);
export const ONE: usize = F + 0;
export const HALF: usize = F + 16;
export const TWO: usize = F + 32;
export const ZERO: usize = F + 48;
export const MAGIC: usize = F + 64;
export const MAGIC_BIASED: usize = F + 80;
export const EXP_HI: usize = F + 96;
export const EXP_LO: usize = F + 112;
export const EXP2_HI: usize = F + 128;
export const EXP2_LO: usize = F + 144;
export const EXPM1_LO: usize = F + 160;
export const EXP_FLOOR: usize = F + 176;
export const LOG2E: usize = F + 192;
export const LN2: usize = F + 208;
export const LN2_HI: usize = F + 224;
export const LN2_LO: usize = F + 240;
export const E5: usize = F + 256;
export const E4: usize = F + 272;
export const E3: usize = F + 288;
export const E2: usize = F + 304;
export const E1: usize = F + 320;
export const T4: usize = F + 336;
export const T3: usize = F + 352;
export const T2: usize = F + 368;
export const T1: usize = F + 384;
export const T0: usize = F + 400;
export const TANH_CUT: usize = F + 416;
export const FORTY: usize = F + 432;
export const TWO23: usize = F + 448;
export const F23: usize = F + 464;
export const SQRTHF: usize = F + 480;
export const L8: usize = F + 496;
export const L7: usize = F + 512;
export const L6: usize = F + 528;
export const L5: usize = F + 544;
export const L4: usize = F + 560;
export const L3: usize = F + 576;
export const L2: usize = F + 592;
export const L1: usize = F + 608;
export const L0: usize = F + 624;
export const LOG2EA: usize = F + 640;
export const L102A: usize = F + 656;
export const L102B: usize = F + 672;
export const L10EA: usize = F + 688;
export const L10EB: usize = F + 704;
export const B6: usize = F + 720;
export const B5: usize = F + 736;
export const B4: usize = F + 752;
export const B3: usize = F + 768;
export const B2: usize = F + 784;
export const B1: usize = F + 800;
export const B0: usize = F + 816;
export const P5: usize = F + 832;
export const P4: usize = F + 848;
export const P3: usize = F + 864;
export const P2: usize = F + 880;
export const P1: usize = F + 896;
export const P0: usize = F + 912;
export const ERF_CUT: usize = F + 928;
export const FOUR: usize = F + 944;
export const S3: usize = F + 960;
export const S2: usize = F + 976;
export const S1: usize = F + 992;
export const C3: usize = F + 1008;
export const C2: usize = F + 1024;
export const C1: usize = F + 1040;
export const TRIG_FAR: usize = F + 1056;
export const TRIG_TINY: usize = F + 1072;
export const EXP_ZERO: usize = F + 1088;

const U: usize = memory.data<u32>([
  0x80000000, 0x80000000, 0x80000000, 0x80000000, // SIGN
  0x00800000, 0x00800000, 0x00800000, 0x00800000, // MINNORM
  0x007fffff, 0x007fffff, 0x007fffff, 0x007fffff, // MANT
  0x7f800000, 0x7f800000, 0x7f800000, 0x7f800000, // INF
  0xff800000, 0xff800000, 0xff800000, 0xff800000, // NINF
  126, 126, 126, 126, // I126
], 16);
export const SIGN: usize = U + 0;
export const MINNORM: usize = U + 16;
export const MANT: usize = U + 32;
export const INF: usize = U + 48;
export const NINF: usize = U + 64;
export const I126: usize = U + 80;

const D: usize = memory.data<f64>([
  0.63661977236758134308, 0.63661977236758134308, // D_INVPIO2
  6755399441055744.0, 6755399441055744.0, // D_MAGIC
  1.57079631090164184570, 1.57079631090164184570, // D_PIO2_1
  1.58932547735281966916e-8, 1.58932547735281966916e-8, // D_PIO2_1T
], 16);
export const D_INVPIO2: usize = D + 0;
export const D_MAGIC: usize = D + 16;
export const D_PIO2_1: usize = D + 32;
export const D_PIO2_1T: usize = D + 48;
