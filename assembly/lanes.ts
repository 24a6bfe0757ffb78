// What an elementwise op does to one vector. A kernel overrides the forms of the compute types that its row names.
// Comparisons and predicates return lane masks.

export abstract class Unary {
  f32(x: v128): v128 { return unreachable(); }
  f64(x: v128): v128 { return unreachable(); }
  i32(x: v128): v128 { return unreachable(); }
  i64(x: v128): v128 { return unreachable(); }
}

export abstract class Binary {
  f32(a: v128, b: v128): v128 { return unreachable(); }
  f64(a: v128, b: v128): v128 { return unreachable(); }
  i32(a: v128, b: v128): v128 { return unreachable(); }
  i64(a: v128, b: v128): v128 { return unreachable(); }
}

export abstract class Ternary {
  f32(a: v128, b: v128, c: v128): v128 { return unreachable(); }
  f64(a: v128, b: v128, c: v128): v128 { return unreachable(); }
  i32(a: v128, b: v128, c: v128): v128 { return unreachable(); }
  i64(a: v128, b: v128, c: v128): v128 { return unreachable(); }
}

/** A unary op without integer forms. Named here once, a missing form costs nothing; found in Unary it would be a virtual call. */
export abstract class FloatUnary extends Unary {
  @inline i32(x: v128): v128 { return unreachable(); }
  @inline i64(x: v128): v128 { return unreachable(); }
}

export abstract class FloatBinary extends Binary {
  @inline i32(a: v128, b: v128): v128 { return unreachable(); }
  @inline i64(a: v128, b: v128): v128 { return unreachable(); }
}

export abstract class FloatTernary extends Ternary {
  @inline i32(a: v128, b: v128, c: v128): v128 { return unreachable(); }
  @inline i64(a: v128, b: v128, c: v128): v128 { return unreachable(); }
}

export abstract class IntUnary extends Unary {
  @inline f32(x: v128): v128 { return unreachable(); }
  @inline f64(x: v128): v128 { return unreachable(); }
}

export abstract class IntBinary extends Binary {
  @inline f32(a: v128, b: v128): v128 { return unreachable(); }
  @inline f64(a: v128, b: v128): v128 { return unreachable(); }
}

/** Ops with a float32 form over m blocks of 64 bytes from p to q, faster than vector by vector. */
export abstract class BlockUnary extends FloatUnary {
  blocks(p: usize, q: usize, m: i32): void { unreachable(); }
}

/** Ops with long bodies: their loops are not unrolled, which would only cost bytes. */
export abstract class LongUnary extends FloatUnary {}
export abstract class LongBinary extends Binary {}
export abstract class LongFloatBinary extends LongBinary {
  @inline i32(a: v128, b: v128): v128 { return unreachable(); }
  @inline i64(a: v128, b: v128): v128 { return unreachable(); }
}
