// Regions of pictures: pooling over boxes, choosing boxes.
import { stack, type Tensor, tensor } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';
import { Value } from './value.ts';

/** The four pixels around a point, and their weights; null: outside the picture. */
function corners(y: number, x: number, height: number, width: number): { at: number[]; weight: number[] } {
  if (y < -1 || y > height || x < -1 || x > width) return { at: [0, 0, 0, 0], weight: [0, 0, 0, 0] };
  let [py, px] = [Math.max(y, 0), Math.max(x, 0)];
  const [top, left] = [Math.min(Math.floor(py), height - 1), Math.min(Math.floor(px), width - 1)];
  const [bottom, right] = [Math.min(top + 1, height - 1), Math.min(left + 1, width - 1)];
  if (top === height - 1) py = top;
  if (left === width - 1) px = left;
  const [dy, dx] = [py - top, px - left];
  return {
    at: [top * width + left, top * width + right, bottom * width + left, bottom * width + right],
    weight: [(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx],
  };
}

function roiAlign(c: Call): Tensor {
  const x = c.x(0);
  const [, channels, height, width] = x.shape;
  const rois = c.numbers(1);
  const images = c.numbers(2);
  const [rows, columns] = [c.int('output_height', 1), c.int('output_width', 1)];
  const ratio = c.int('sampling_ratio', 0);
  const scale = c.float('spatial_scale', 1);
  const half = c.str('coordinate_transformation_mode', c.version >= 16 ? 'half_pixel' : 'output_half_pixel') === 'half_pixel';
  const largest = c.str('mode', 'avg') === 'max';
  const flat = x.reshape([x.shape[0], channels, height * width]);
  const parts = images.map((image, r) => {
    const offset = half ? 0.5 : 0;
    const [x1, y1, x2, y2] = rois.slice(4 * r, 4 * r + 4).map((v) => v * scale - offset);
    const w = half ? x2 - x1 : Math.max(x2 - x1, 1);
    const h = half ? y2 - y1 : Math.max(y2 - y1, 1);
    const [bh, bw] = [h / rows, w / columns];
    const ny = ratio > 0 ? ratio : Math.max(1, Math.ceil(h / rows));
    const nx = ratio > 0 ? ratio : Math.max(1, Math.ceil(w / columns));
    c.list(rows * columns * ny * nx * 8);
    c.room([channels, rows * columns * ny * nx * 4]);
    c.turns(ny * nx * rows * columns);
    const at: number[] = [];
    const weight: number[] = [];
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++)
        for (let k = 0; k < ny; k++)
          for (let l = 0; l < nx; l++) {
            const point = corners(y1 + i * bh + ((k + 0.5) * bh) / ny, x1 + j * bw + ((l + 0.5) * bw) / nx, height, width);
            at.push(...point.at);
            weight.push(...point.weight);
          }
    const picked = flat.select(0, image).indexSelect(1, tensor(at, { dtype: 'int64' }));
    const weighted = picked.mul(tensor(weight, { dtype: x.dtype })).reshape([channels, rows, columns, ny * nx * 4]);
    return largest ? weighted.amax(3) : weighted.sum(3).div(ny * nx);
  });
  return parts.length === 0 ? x.narrow(0, 0, 0).reshape([0, channels, rows, columns]) : stack(parts, 0);
}

function maxRoiPool(c: Call): Tensor {
  const x = c.x(0);
  const [rows, columns] = c.intsOr('pooled_shape') ?? c.fail("the attribute 'pooled_shape' is missing");
  const scale = c.float('spatial_scale', 1);
  const rois = c.numbers(1);
  const [, , height, width] = x.shape;
  const round = (v: number): number => Math.floor(v + 0.5);
  c.room([rois.length, rows, columns]);
  c.turns(4 * rois.length * rows * columns);
  const parts = Array.from({ length: rois.length / 5 }, (_, r) => {
    const [image, x1, y1, x2, y2] = rois.slice(5 * r, 5 * r + 5).map((v, i) => (i === 0 ? v : round(v * scale)));
    const h = Math.max(y2 - y1 + 1, 1) / rows;
    const w = Math.max(x2 - x1 + 1, 1) / columns;
    const clip = (v: number, n: number): number => Math.min(Math.max(v, 0), n);
    const map = x.select(0, image);
    const lines = Array.from({ length: rows }, (_, i) =>
      stack(
        Array.from({ length: columns }, (_, j) => {
          const [top, bottom] = [clip(Math.floor(i * h) + y1, height), clip(Math.ceil((i + 1) * h) + y1, height)];
          const [left, right] = [clip(Math.floor(j * w) + x1, width), clip(Math.ceil((j + 1) * w) + x1, width)];
          if (bottom <= top || right <= left) return map.select(2, 0).select(1, 0).mul(0);
          return map
            .narrow(1, top, bottom - top)
            .narrow(2, left, right - left)
            .amax([1, 2]);
        }),
        1,
      ),
    );
    return stack(lines, 1);
  });
  return stack(parts, 0);
}

/** Greedy choice of boxes by score: a box that overlaps a chosen one too much is left out. */
function nonMaxSuppression(c: Call): Value {
  const boxes = c.v(0);
  const scores = c.v(1);
  const [batches, count] = boxes.shape;
  const classes = scores.shape[1];
  const most = c.has(2) ? c.number(2) : 0;
  const overlap = c.has(3) ? c.number(3) : 0;
  const least = c.has(4) ? c.number(4) : Number.NEGATIVE_INFINITY;
  const centre = c.int('center_point_box', 0) === 1;
  const [b, s] = [boxes.numbers(), scores.numbers()];
  if (most < 0 || s.length !== batches * classes * count || b.length !== batches * count * 4) c.fail('boxes and scores differ in number');
  const box = (n: number, i: number): [number, number, number, number] => {
    const [p, q, u, v] = b.slice(4 * (n * count + i), 4 * (n * count + i) + 4);
    if (centre) return [q - v / 2, p - u / 2, q + v / 2, p + u / 2];
    return [Math.min(p, u), Math.min(q, v), Math.max(p, u), Math.max(q, v)];
  };
  const chosen: number[] = [];
  for (let n = 0; n < batches; n++) {
    const all = Array.from({ length: count }, (_, i) => box(n, i));
    for (let k = 0; k < classes; k++) {
      const at = (n * classes + k) * count;
      const order = Array.from({ length: count }, (_, i) => i)
        .filter((i) => s[at + i] > least)
        .sort((i, j) => s[at + j] - s[at + i] || i - j);
      const taken: number[] = [];
      for (const i of order) {
        if (taken.length >= most) break;
        if (taken.some((j) => shared(all[i], all[j]) > overlap)) continue;
        taken.push(i);
        chosen.push(n, k, i);
      }
    }
  }
  return Value.of(tensor(chosen, { dtype: 'int64', shape: [chosen.length / 3, 3] }), 'int64');
}
type Box = readonly [top: number, left: number, bottom: number, right: number];
/** Intersection over union. */
function shared(a: Box, b: Box): number {
  const h = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const w = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (h <= 0 || w <= 0) return 0;
  const area = (x: Box): number => (x[2] - x[0]) * (x[3] - x[1]);
  return (h * w) / (area(a) + area(b) - h * w);
}

/** Operators on boxes. */
export const REGIONS: Readonly<Record<string, Row>> = {
  RoiAlign: { run: roiAlign },
  MaxRoiPool: { run: maxRoiPool },
  NonMaxSuppression: { host: [2], fixed: [3, 4], run: nonMaxSuppression },
};
