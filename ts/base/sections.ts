// How WebAssembly binaries write numbers, and what they are made of: sections.

/** A natural number, as sizes, counts and indexes stand in a module (LEB128). */
export function leb(n: number): number[] {
  const bytes: number[] = [];
  for (; n >= 128; n = Math.floor(n / 128)) bytes.push((n % 128) | 128);
  bytes.push(n);
  return bytes;
}
/** A signed number below 2 ** 32, as i32.const has it. */
export function signed(n: number): number[] {
  let value = n | 0;
  const bytes: number[] = [];
  for (;;) {
    const low = value & 127;
    value >>= 7;
    if ((value === 0 && low < 64) || (value === -1 && low >= 64)) return [...bytes, low];
    bytes.push(low | 128);
  }
}
/** Parts, one behind the other. */
export function joined(parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
/** Section `id` of a module. */
export const section = (id: number, ...body: readonly ArrayLike<number>[]): Uint8Array => {
  const length = body.reduce((sum, p) => sum + p.length, 0);
  return joined([[id], leb(length), ...body]);
};
