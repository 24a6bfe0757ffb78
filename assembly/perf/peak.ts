// The machine's ceilings as Wasm reaches them: multiply-adds in registers and bytes through memory. perf/bench compiles it.

/** n rounds of twelve independent chains of one multiplication and one addition on four lanes; returns their sum. */
export function chains(n: i32, x: f32, y: f32): f32 {
  const a = f32x4.splat(x), b = f32x4.splat(y);
  let c0 = f32x4.splat(0), c1 = f32x4.splat(1), c2 = f32x4.splat(2), c3 = f32x4.splat(3), c4 = f32x4.splat(4), c5 = f32x4.splat(5);
  let c6 = f32x4.splat(6), c7 = f32x4.splat(7), c8 = f32x4.splat(8), c9 = f32x4.splat(9), ca = f32x4.splat(10), cb = f32x4.splat(11);
  for (;;) {
    c0 = f32x4.add(f32x4.mul(a, c0), b); c1 = f32x4.add(f32x4.mul(a, c1), b); c2 = f32x4.add(f32x4.mul(a, c2), b);
    c3 = f32x4.add(f32x4.mul(a, c3), b); c4 = f32x4.add(f32x4.mul(a, c4), b); c5 = f32x4.add(f32x4.mul(a, c5), b);
    c6 = f32x4.add(f32x4.mul(a, c6), b); c7 = f32x4.add(f32x4.mul(a, c7), b); c8 = f32x4.add(f32x4.mul(a, c8), b);
    c9 = f32x4.add(f32x4.mul(a, c9), b); ca = f32x4.add(f32x4.mul(a, ca), b); cb = f32x4.add(f32x4.mul(a, cb), b);
    // An exit between the rounds: without it V8 11 regroups the chains one after another and spills.
    if (n == 1) break;
    c0 = f32x4.add(f32x4.mul(a, c0), b); c1 = f32x4.add(f32x4.mul(a, c1), b); c2 = f32x4.add(f32x4.mul(a, c2), b);
    c3 = f32x4.add(f32x4.mul(a, c3), b); c4 = f32x4.add(f32x4.mul(a, c4), b); c5 = f32x4.add(f32x4.mul(a, c5), b);
    c6 = f32x4.add(f32x4.mul(a, c6), b); c7 = f32x4.add(f32x4.mul(a, c7), b); c8 = f32x4.add(f32x4.mul(a, c8), b);
    c9 = f32x4.add(f32x4.mul(a, c9), b); ca = f32x4.add(f32x4.mul(a, ca), b); cb = f32x4.add(f32x4.mul(a, cb), b);
    n -= 2;
    if (n <= 0) break;
  }
  const s = f32x4.add(f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3)), f32x4.add(f32x4.add(c4, c5), f32x4.add(c6, c7)));
  const t = f32x4.add(s, f32x4.add(f32x4.add(c8, c9), f32x4.add(ca, cb)));
  return f32x4.extract_lane(t, 0) + f32x4.extract_lane(t, 1) + f32x4.extract_lane(t, 2) + f32x4.extract_lane(t, 3);
}

/** Copies `bytes` (a multiple of 64) from p to q. */
export function copy(q: usize, p: usize, bytes: usize): void {
  for (const end = p + bytes; p < end; p += 64, q += 64) {
    const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48);
    v128.store(q, a);
    v128.store(q, b, 16);
    v128.store(q, c, 32);
    v128.store(q, d, 48);
  }
}

/** Reads `bytes` (a multiple of 64) from p; returns a mix of them. */
export function read(p: usize, bytes: usize): i32 {
  let a = i32x4.splat(0), b = a, c = a, d = a;
  for (const end = p + bytes; p < end; p += 64) {
    a = v128.or(a, v128.load(p));
    b = v128.or(b, v128.load(p, 16));
    c = v128.or(c, v128.load(p, 32));
    d = v128.or(d, v128.load(p, 48));
  }
  return i32x4.extract_lane(v128.or(v128.or(a, b), v128.or(c, d)), 0);
}
