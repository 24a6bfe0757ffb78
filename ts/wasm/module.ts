// The core as text becomes a module. For runtimes that compile nothing at run time the bundler puts an imported module in this file's place.
import { fromBase64 } from '../base/base64.ts';
import { core, size, unpacker } from './gen/core.ts';

/** Where assembly/unpack.ts writes its result; the packed bytes lie behind it. */
const OUT = 1 << 19;

/** A module's bytes out of its packed text, by a small module of their own: no runtime's own decompression is as dense, nor synchronous everywhere. */
export function unpacked(text: string = core, bytes: number = size): Uint8Array<ArrayBuffer> {
  const packed = fromBase64(text);
  const pages = (OUT + bytes + packed.length + 0xffff) >> 16;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(fromBase64(unpacker)), { env: { memory } });
  new Uint8Array(memory.buffer).set(packed, OUT + bytes);
  (exports as unknown as { unpack(size: number): void }).unpack(bytes);
  return new Uint8Array(memory.buffer as ArrayBuffer, OUT, bytes);
}

/** The core, compiled. @throws CompileError where WebAssembly SIMD or threads are missing */
export function compiled(): WebAssembly.Module {
  return new WebAssembly.Module(unpacked());
}
