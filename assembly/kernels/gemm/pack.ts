// Copies of operands in the order in which the tiles read them. Strides are bytes.
// A panel holds 32 bytes of consecutive columns for each k; panels lie `panel` bytes apart, a cache line more than they need:
// a power of two would put the same k of every panel in one set of the first-level cache.

/** Columns of a panel. */
@inline export function width<T>(): i32 { return <i32>(32 / sizeof<T>()); }
@inline export function panelBytes(kstep: i32): usize { return (<usize>kstep << 5) + 64; }

/** Transposes a 4 x 4 block: lines ls apart at src to lines ld apart at dst. */
@inline function square<T>(src: usize, ls: usize, dst: usize, ld: usize): void {
  if (sizeof<T>() == 4) {
    const r0 = v128.load(src), r1 = v128.load(src + ls), r2 = v128.load(src + 2 * ls), r3 = v128.load(src + 3 * ls);
    const u0 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), u1 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
    const u2 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7), u3 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
    v128.store(dst, v128.shuffle<i32>(u0, u1, 0, 1, 4, 5));
    v128.store(dst + ld, v128.shuffle<i32>(u0, u1, 2, 3, 6, 7));
    v128.store(dst + 2 * ld, v128.shuffle<i32>(u2, u3, 0, 1, 4, 5));
    v128.store(dst + 3 * ld, v128.shuffle<i32>(u2, u3, 2, 3, 6, 7));
  } else {
    pairs(src, ls, dst, ld);
    pairs(src + 2 * ls, ls, dst + 16, ld);
    pairs(src + 16, ls, dst + 2 * ld, ld);
    pairs(src + 2 * ls + 16, ls, dst + 2 * ld + 16, ld);
  }
}
@inline function pairs(src: usize, ls: usize, dst: usize, ld: usize): void {
  const r0 = v128.load(src), r1 = v128.load(src + ls);
  v128.store(dst, v128.shuffle<i64>(r0, r1, 0, 2));
  v128.store(dst + ld, v128.shuffle<i64>(r0, r1, 1, 3));
}

/** Copies n (less than a panel) elements, then zeros to the end of the panel's row. */
@inline export function packTail<T>(n: i32, src: usize, dst: usize): void {
  v128.store(dst, i32x4.splat(0));
  v128.store(dst, i32x4.splat(0), 16);
  for (let j: usize = 0, e = <usize>n * sizeof<T>(); j < e; j += sizeof<T>()) store<T>(dst + j, load<T>(src + j));
}

/** One row of n columns into row k of the panels at dst. */
@inline export function packRow<T>(n: i32, src: usize, dst: usize, panel: usize): void {
  for (; n >= width<T>(); n -= width<T>()) {
    v128.store(dst, v128.load(src));
    v128.store(dst, v128.load(src, 16), 16);
    src += 32;
    dst += panel;
  }
  if (n > 0) packTail<T>(n, src, dst);
}

/** B[kc, n], rows ldb apart. */
export function packRows<T>(kc: i32, n: i32, b: usize, ldb: usize, dst: usize, panel: usize): void {
  const full = n - n % width<T>();
  // Four rows at a time: sequential reads, writes of whole cache lines.
  for (; kc >= 4; kc -= 4) {
    let s0 = b, s1 = b + ldb, s2 = s1 + ldb, s3 = s2 + ldb, d = dst;
    for (let j = full; j > 0; j -= width<T>()) {
      v128.store(d, v128.load(s0)); v128.store(d, v128.load(s0, 16), 16);
      v128.store(d, v128.load(s1), 32); v128.store(d, v128.load(s1, 16), 48);
      v128.store(d, v128.load(s2), 64); v128.store(d, v128.load(s2, 16), 80);
      v128.store(d, v128.load(s3), 96); v128.store(d, v128.load(s3, 16), 112);
      s0 += 32; s1 += 32; s2 += 32; s3 += 32; d += panel;
    }
    if (n > full) {
      packTail<T>(n - full, s0, d);
      packTail<T>(n - full, s1, d + 32);
      packTail<T>(n - full, s2, d + 64);
      packTail<T>(n - full, s3, d + 96);
    }
    b += ldb << 2;
    dst += 128;
  }
  for (; kc > 0; kc--, b += ldb, dst += 32) packRow<T>(n, b, dst, panel);
}

/** B stored by columns: n lines of kc elements, ldb apart. */
export function packColumns<T>(kc: i32, n: i32, b: usize, ldb: usize, dst: usize, panel: usize): void {
  for (; n > 0; n -= width<T>(), b += ldb * width<T>(), dst += panel) {
    let p = b, d = dst, k = kc;
    if (n >= width<T>()) {
      for (; k >= 4; k -= 4, p += 4 * sizeof<T>(), d += 128) {
        square<T>(p, ldb, d, 32);
        if (sizeof<T>() == 4) square<T>(p + 4 * ldb, ldb, d + 16, 32);
      }
    }
    const columns = min(n, width<T>());
    for (; k > 0; k--, p += sizeof<T>(), d += 32) {
      v128.store(d, i32x4.splat(0));
      v128.store(d, i32x4.splat(0), 16);
      for (let j = 0; j < columns; j++) store<T>(d + <usize>j * sizeof<T>(), load<T>(p + <usize>j * ldb));
    }
  }
}

/** Four rows of A stored by columns (kc lines lda apart) into rows of kc elements; may read three elements past a line. */
export function packStrip<T>(kc: i32, a: usize, lda: usize, dst: usize): void {
  const row = <usize>kc * sizeof<T>();
  for (; kc >= 4; kc -= 4, a += lda << 2, dst += 4 * sizeof<T>()) square<T>(a, lda, dst, row);
  for (; kc > 0; kc--, a += lda, dst += sizeof<T>())
    for (let r: usize = 0; r < 4; r++) store<T>(dst + r * row, load<T>(a + r * sizeof<T>()));
}

/** Four rows of kc elements, `stride` apart, each element as a whole vector. */
export function packSpread<T>(kc: i32, a: usize, stride: usize, dst: usize): void {
  for (let r: usize = 0; r < 4; r++, a += stride)
    for (let k: usize = 0, e = <usize>kc * sizeof<T>(); k < e; k += sizeof<T>(), dst += 16) v128.store(dst, v128.load_splat<T>(a + k));
}

/** n elements from src to dst, added to what is there or not. */
export function deposit<T>(n: i32, src: usize, dst: usize, add: bool): void {
  const lanes = <i32>(16 / sizeof<T>());
  for (; n >= lanes; n -= lanes, src += 16, dst += 16) {
    const x = v128.load(src);
    v128.store(dst, add ? v128.add<T>(v128.load(dst), x) : x);
  }
  for (; n > 0; n--, src += sizeof<T>(), dst += sizeof<T>()) store<T>(dst, add ? <T>(load<T>(dst) + load<T>(src)) : load<T>(src));
}
