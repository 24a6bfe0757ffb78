// The only elementwise loops. Operands are contiguous and of the compute type; `end` is y + a multiple of 16 bytes.
// The type argument inlines completely: no call, no vtable.
import { Binary, BlockUnary, LongBinary, LongUnary, Ternary, Unary } from './lanes';
import { F32, F64, I32 } from './step';

@inline export function map1<K extends Unary>(type: i32, y: usize, a: usize, b: usize, c: usize, end: usize): void {
  const k = changetype<K>(0);
  const block = end - ((end - y) & 63);
  switch (type) {
    case F32: {
      if (k instanceof BlockUnary) {
        k.blocks(a, y, <i32>((block - y) >> 6));
        a += block - y;
        y = block;
      } else if (!(k instanceof LongUnary)) {
        for (; y < block; y += 64, a += 64) {
          v128.store(y, k.f32(v128.load(a)));
          v128.store(y, k.f32(v128.load(a, 16)), 16);
          v128.store(y, k.f32(v128.load(a, 32)), 32);
          v128.store(y, k.f32(v128.load(a, 48)), 48);
        }
      }
      for (; y < end; y += 16, a += 16) v128.store(y, k.f32(v128.load(a)));
      return;
    }
    case F64: {
      for (; y < end; y += 16, a += 16) v128.store(y, k.f64(v128.load(a)));
      return;
    }
    case I32: {
      for (; y < end; y += 16, a += 16) v128.store(y, k.i32(v128.load(a)));
      return;
    }
    default: {
      for (; y < end; y += 16, a += 16) v128.store(y, k.i64(v128.load(a)));
    }
  }
}

@inline export function map2<K extends Binary>(type: i32, y: usize, a: usize, b: usize, c: usize, end: usize): void {
  const k = changetype<K>(0);
  const block = end - ((end - y) & 63);
  switch (type) {
    case F32: {
      if (!(k instanceof LongBinary)) {
        for (; y < block; y += 64, a += 64, b += 64) {
          v128.store(y, k.f32(v128.load(a), v128.load(b)));
          v128.store(y, k.f32(v128.load(a, 16), v128.load(b, 16)), 16);
          v128.store(y, k.f32(v128.load(a, 32), v128.load(b, 32)), 32);
          v128.store(y, k.f32(v128.load(a, 48), v128.load(b, 48)), 48);
        }
      }
      for (; y < end; y += 16, a += 16, b += 16) v128.store(y, k.f32(v128.load(a), v128.load(b)));
      return;
    }
    case F64: {
      for (; y < end; y += 16, a += 16, b += 16) v128.store(y, k.f64(v128.load(a), v128.load(b)));
      return;
    }
    case I32: {
      for (; y < end; y += 16, a += 16, b += 16) v128.store(y, k.i32(v128.load(a), v128.load(b)));
      return;
    }
    default: {
      for (; y < end; y += 16, a += 16, b += 16) v128.store(y, k.i64(v128.load(a), v128.load(b)));
    }
  }
}

@inline export function map3<K extends Ternary>(type: i32, y: usize, a: usize, b: usize, c: usize, end: usize): void {
  const k = changetype<K>(0);
  switch (type) {
    case F32: {
      for (; y < end; y += 16, a += 16, b += 16, c += 16) v128.store(y, k.f32(v128.load(a), v128.load(b), v128.load(c)));
      return;
    }
    case F64: {
      for (; y < end; y += 16, a += 16, b += 16, c += 16) v128.store(y, k.f64(v128.load(a), v128.load(b), v128.load(c)));
      return;
    }
    case I32: {
      for (; y < end; y += 16, a += 16, b += 16, c += 16) v128.store(y, k.i32(v128.load(a), v128.load(b), v128.load(c)));
      return;
    }
    default: {
      for (; y < end; y += 16, a += 16, b += 16, c += 16) v128.store(y, k.i64(v128.load(a), v128.load(b), v128.load(c)));
    }
  }
}
