// The one difference between strict and fast kernels.

/** c + x * b of each lane: rounded twice, or, compiled with FAST, once wherever the machine has a fused multiply-add. */
// @ts-ignore: decorator
@inline export function mac<T>(c: v128, x: v128, b: v128): v128 {
  if (FAST && isFloat<T>()) return v128.relaxed_madd<T>(x, b, c);
  return v128.add<T>(c, v128.mul<T>(x, b));
}
