// The few sections of a WebAssembly binary that an export changes.
import { FormatError } from '../base/errors.ts';
import { joined, leb, section, signed } from '../base/sections.ts';

const MEMORY = 5;
const DATA = 11;
const COUNT = 12;

function number(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  let scale = 1;
  for (let next = at; next < bytes.length; next++, scale *= 128) {
    value += (bytes[next] & 127) * scale;
    if (bytes[next] < 128) return { value, next: next + 1 };
  }
  throw new FormatError('wasm: a section is cut off');
}
/** The module with a memory of `pages` pages, more data in it, and a custom section of JSON behind the others. */
export function withData(
  module: Uint8Array,
  pages: number,
  segments: readonly { readonly at: number; readonly bytes: Uint8Array }[],
  name: string,
  json: unknown,
): Uint8Array<ArrayBuffer> {
  const parts: ArrayLike<number>[] = [module.subarray(0, 8)];
  const own = segments.flatMap(({ at, bytes }) => [[0, 0x41, ...signed(at), 0x0b], leb(bytes.length), bytes]);
  const data = (count: number, rest: ArrayLike<number>): void => {
    parts.push(section(DATA, leb(count + segments.length), rest, ...own));
  };
  let written = false;
  for (let at = 8; at < module.length; ) {
    const id = module[at];
    const { value: length, next: start } = number(module, at + 1);
    const body = module.subarray(start, start + length);
    if (id === MEMORY) parts.push(section(MEMORY, [1, 0], leb(pages)));
    else if (id === DATA) {
      const { value: count, next } = number(body, 0);
      data(count, body.subarray(next));
      written = true;
    } else if (id !== COUNT) parts.push(module.subarray(at, start + length));
    at = start + length;
  }
  if (!written) data(0, []);
  const text = new TextEncoder();
  const title = text.encode(name);
  parts.push(section(0, leb(title.length), title, text.encode(JSON.stringify(json))));
  return joined(parts);
}

/** The JSON of the custom section `name`, or null. @throws FormatError on what is no module */
export function customJson(module: Uint8Array, name: string): unknown {
  if (module.length < 8 || module[0] !== 0 || module[1] !== 0x61 || module[2] !== 0x73 || module[3] !== 0x6d)
    throw new FormatError('wasm: this is no WebAssembly module');
  const text = new TextDecoder();
  for (let at = 8; at < module.length; ) {
    const { value: length, next: start } = number(module, at + 1);
    if (module[at] === 0) {
      const { value: size, next } = number(module, start);
      if (text.decode(module.subarray(next, next + size)) === name)
        return JSON.parse(text.decode(module.subarray(next + size, start + length)));
    }
    at = start + length;
  }
  return null;
}
