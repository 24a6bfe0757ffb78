// Transposed operands of elementwise ops: the dimension that lies together in memory is the last but one, so a walk element by element
// would touch a cache line each. Blocks of 16 by 16 turn in L1 instead.
import { copyRun } from './kernels/strided';
import { scratch } from './threads';

/** Side of a block: a cache line of floats. */
const SIDE: i32 = 16;

/** Four vectors at p, `step` bytes apart, turned into four at q, 64 bytes apart. */
@inline function turn4(q: usize, p: usize, step: usize): void {
  const a = v128.load(p), b = v128.load(p + step), c = v128.load(p + 2 * step), d = v128.load(p + 3 * step);
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const ef = v128.shuffle<i32>(a, b, 2, 6, 3, 7), gh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(q, v128.shuffle<i64>(ab, cd, 0, 2));
  v128.store(q, v128.shuffle<i64>(ab, cd, 1, 3), 64);
  v128.store(q, v128.shuffle<i64>(ef, gh, 0, 2), 128);
  v128.store(q, v128.shuffle<i64>(ef, gh, 1, 3), 192);
}

/** q[r][c] = p[c][r] for rows by columns of 1 << shift bytes; qstep and pstep are the bytes from one r of q and one c of p to the next. */
function turn(shift: usize, q: usize, qstep: usize, p: usize, pstep: usize, rows: i32, cols: i32): void {
  const block = scratch;
  for (let c = 0; c < cols; c += SIDE) {
    const n = min(cols - c, SIDE);
    for (let r = 0; r < rows; r += SIDE) {
      const m = min(rows - r, SIDE);
      let from = p + <usize>c * pstep + (<usize>r << shift), to = q + <usize>r * qstep + (<usize>c << shift);
      if (shift == 2 && m == SIDE && n == SIDE) {
        for (let j: usize = 0; j < 64; j += 16, from += 4 * pstep) {
          turn4(block + j, from, pstep);
          turn4(block + 256 + j, from + 16, pstep);
          turn4(block + 512 + j, from + 32, pstep);
          turn4(block + 768 + j, from + 48, pstep);
        }
        for (let b = block; b < block + 1024; b += 64, to += qstep) {
          v128.store(to, v128.load(b));
          v128.store(to, v128.load(b, 16), 16);
          v128.store(to, v128.load(b, 32), 32);
          v128.store(to, v128.load(b, 48), 48);
        }
      } else {
        const size = <usize>1 << shift;
        for (let i = 0; i < m; i++, to += qstep, from += size) copyRun(shift, to, size, from, pstep, n);
      }
    }
  }
}

/** Whether the strides, `dims` words at `strides`, are those of a transposed operand. */
export function isTurned(dims: i32, strides: usize): bool {
  if (dims < 2) return false;
  const last = strides + (<usize>dims << 2);
  return load<i32>(last - 8) == 1 && load<i32>(last - 4) > 1;
}

/** Moves elements lo to hi, in logical order, from the transposed operand at p to the tile, or back where `out`. */
export function turnTile(p: usize, dims: i32, sizes: usize, strides: usize, shift: usize, lo: i32, hi: i32, tile: usize, out: bool): void {
  const end = <usize>(dims - 1) << 2;
  const inner = load<i32>(sizes + end), mid = load<i32>(sizes + end - 4);
  const step = <usize>load<i32>(strides + end) << shift;
  while (lo < hi) {
    const c = lo % inner, row = lo / inner;
    let rows = 1, cols = min(inner - c, hi - lo);
    if (cols == inner) rows = min((hi - lo) / inner, mid - row % mid);
    let x = p + <usize>c * step, rest = row;
    for (let d = dims - 2; d >= 0; d--) {
      const size = load<i32>(sizes + (<usize>d << 2));
      x += <usize>(rest % size * load<i32>(strides + (<usize>d << 2))) << shift;
      rest /= size;
    }
    const line = <usize>cols << shift;
    if (out) turn(shift, x, step, tile, line, cols, rows);
    else turn(shift, tile, line, x, step, rows, cols);
    tile += line * rows;
    lo += rows * cols;
  }
}
