// Integer ops that SIMD has no instruction for, lane by lane in 64 bits: the low 32 bits of a result are those of 32-bit arithmetic.
// Nothing traps: division by zero gives 0, the lowest integer divided by -1 wraps.

/** What an op does to one pair of integers; methods are not inlined, so that all lanes share one body. */
export abstract class Scalar {
  of(a: i64, b: i64): i64 { return unreachable(); }
}

/** K on four pairs of 32-bit lanes. */
export function each32<K extends Scalar>(a: v128, b: v128): v128 {
  const k = changetype<K>(0);
  let y = i32x4.splat(<i32>k.of(i32x4.extract_lane(a, 0), i32x4.extract_lane(b, 0)));
  y = i32x4.replace_lane(y, 1, <i32>k.of(i32x4.extract_lane(a, 1), i32x4.extract_lane(b, 1)));
  y = i32x4.replace_lane(y, 2, <i32>k.of(i32x4.extract_lane(a, 2), i32x4.extract_lane(b, 2)));
  return i32x4.replace_lane(y, 3, <i32>k.of(i32x4.extract_lane(a, 3), i32x4.extract_lane(b, 3)));
}

/** K on two pairs of 64-bit lanes. */
export function each64<K extends Scalar>(a: v128, b: v128): v128 {
  const k = changetype<K>(0);
  const y = i64x2.splat(k.of(i64x2.extract_lane(a, 0), i64x2.extract_lane(b, 0)));
  return i64x2.replace_lane(y, 1, k.of(i64x2.extract_lane(a, 1), i64x2.extract_lane(b, 1)));
}

@final export class TruncDivide1 extends Scalar {
  of(a: i64, b: i64): i64 { return b == 0 ? 0 : b == -1 ? -a : a / b; }
}
@final export class FloorDivide1 extends Scalar {
  of(a: i64, b: i64): i64 {
    if (b == 0) return 0;
    if (b == -1) return -a;
    const q = a / b;
    return q - i64(a != q * b && (a ^ b) < 0);
  }
}
@final export class Fmod1 extends Scalar {
  of(a: i64, b: i64): i64 { return b == 0 || b == -1 ? 0 : a % b; }
}
@final export class Remainder1 extends Scalar {
  of(a: i64, b: i64): i64 {
    if (b == 0 || b == -1) return 0;
    const r = a % b;
    return r != 0 && (r ^ b) < 0 ? r + b : r;
  }
}
/** a to the power b, wrapping; a negative exponent truncates to 0 unless a is 1 or -1. */
@final export class Pow1 extends Scalar {
  of(a: i64, b: i64): i64 {
    if (b < 0) return a == 1 ? 1 : a == -1 ? 1 - ((b & 1) << 1) : 0;
    let y: i64 = 1;
    for (; b != 0; b >>= 1, a *= a) if (b & 1) y *= a;
    return y;
  }
}
/** 0 where the count is negative or the width or more. */
@final export class ShiftLeft extends Scalar {
  of(a: i64, b: i64): i64 { return <u64>b >= 64 ? 0 : a << b; }
}
/** Only the sign where the count is negative or the width or more. */
@final export class ShiftRight extends Scalar {
  of(a: i64, b: i64): i64 { return a >> (<u64>b >= 64 ? 63 : b); }
}
