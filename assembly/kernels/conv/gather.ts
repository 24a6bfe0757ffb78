// Patches of a channels-last image as rows of a matrix: for output pixels, the inputs under the kernel in the order (row, column, channel),
// zeros outside the image. Strides and runs are bytes.

/** Copies n bytes; writes up to 15 more, so runs must be laid down in ascending order. */
@inline function copyRun(dst: usize, src: usize, n: usize): void {
  for (const end = dst + n; dst < end; dst += 16, src += 16) v128.store(dst, v128.load(src));
}
@inline function clearRun(dst: usize, n: usize): void {
  for (const end = dst + n; dst < end; dst += 16) v128.store(dst, i32x4.splat(0));
}

/**
 * Bytes k0 to k1 of the patch whose first tap lies at (y0, x0) of the image at x, height by width pixels of `pixel` bytes.
 * The kernel has ns columns, its taps are dh and dw pixels apart, a tap takes `run` bytes of its pixel. Writes up to 15 bytes past its end.
 */
export function gather(
  x: usize, height: i32, width: i32, pixel: usize, y0: i32, x0: i32,
  ns: i32, dh: i32, dw: i32, run: usize, k0: usize, k1: usize, dst: usize,
): void {
  const row = <usize>ns * run;
  // Taps that are neighbours in memory make one run.
  const merged = (dw == 1 || ns == 1) && pixel == run;
  const left = <usize>min(max(-x0, 0), ns) * run, right = <usize>min(max(width - x0, 0), ns) * run;
  let r = <i32>(k0 / row);
  for (let base = <usize>r * row; base < k1; base += row, r++) {
    const e0 = max(k0, base) - base, e1 = min(k1 - base, row), iy = y0 + r * dh;
    if (<u32>iy >= <u32>height) {
      clearRun(dst, e1 - e0);
      dst += e1 - e0;
      continue;
    }
    const line = x + (<usize>(iy * width) + x0) * pixel;
    if (merged) {
      const from = min(max(e0, left), e1), to = max(min(e1, right), from);
      clearRun(dst, from - e0);
      dst += from - e0;
      copyRun(dst, line + from, to - from);
      dst += to - from;
      clearRun(dst, e1 - to);
      dst += e1 - to;
      continue;
    }
    let s = <i32>(e0 / run);
    for (let tap = <usize>s * run; tap < e1; tap += run, s++) {
      const from = max(e0, tap), to = min(e1, tap + run);
      if (<u32>(x0 + s * dw) < <u32>width) copyRun(dst, line + <usize>(s * dw) * pixel + (from - tap), to - from);
      else clearRun(dst, to - from);
      dst += to - from;
    }
  }
}
