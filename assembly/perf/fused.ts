// The machine's ceiling for fused multiply-adds as Wasm reaches it; see peak.ts. perf/fast compiles it.

/** n rounds of twelve independent chains of one fused multiply-add on four lanes; returns their sum. */
export function chains(n: i32, x: f32, y: f32): f32 {
  const a = f32x4.splat(x), b = f32x4.splat(y);
  let c0 = f32x4.splat(0), c1 = f32x4.splat(1), c2 = f32x4.splat(2), c3 = f32x4.splat(3), c4 = f32x4.splat(4), c5 = f32x4.splat(5);
  let c6 = f32x4.splat(6), c7 = f32x4.splat(7), c8 = f32x4.splat(8), c9 = f32x4.splat(9), ca = f32x4.splat(10), cb = f32x4.splat(11);
  for (;;) {
    c0 = f32x4.relaxed_madd(a, c0, b); c1 = f32x4.relaxed_madd(a, c1, b); c2 = f32x4.relaxed_madd(a, c2, b);
    c3 = f32x4.relaxed_madd(a, c3, b); c4 = f32x4.relaxed_madd(a, c4, b); c5 = f32x4.relaxed_madd(a, c5, b);
    c6 = f32x4.relaxed_madd(a, c6, b); c7 = f32x4.relaxed_madd(a, c7, b); c8 = f32x4.relaxed_madd(a, c8, b);
    c9 = f32x4.relaxed_madd(a, c9, b); ca = f32x4.relaxed_madd(a, ca, b); cb = f32x4.relaxed_madd(a, cb, b);
    // An exit between the rounds, as in peak.ts.
    if (n == 1) break;
    c0 = f32x4.relaxed_madd(a, c0, b); c1 = f32x4.relaxed_madd(a, c1, b); c2 = f32x4.relaxed_madd(a, c2, b);
    c3 = f32x4.relaxed_madd(a, c3, b); c4 = f32x4.relaxed_madd(a, c4, b); c5 = f32x4.relaxed_madd(a, c5, b);
    c6 = f32x4.relaxed_madd(a, c6, b); c7 = f32x4.relaxed_madd(a, c7, b); c8 = f32x4.relaxed_madd(a, c8, b);
    c9 = f32x4.relaxed_madd(a, c9, b); ca = f32x4.relaxed_madd(a, ca, b); cb = f32x4.relaxed_madd(a, cb, b);
    n -= 2;
    if (n <= 0) break;
  }
  const s = f32x4.add(f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3)), f32x4.add(f32x4.add(c4, c5), f32x4.add(c6, c7)));
  const t = f32x4.add(s, f32x4.add(f32x4.add(c8, c9), f32x4.add(ca, cb)));
  return f32x4.extract_lane(t, 0) + f32x4.extract_lane(t, 1) + f32x4.extract_lane(t, 2) + f32x4.extract_lane(t, 3);
}
