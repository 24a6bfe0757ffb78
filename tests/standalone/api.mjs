// Runs a module without imports by the WebAssembly API alone: api.mjs model.wasm in.raw out.raw
import { readFileSync, writeFileSync } from 'node:fs';

const [module, from, to] = globalThis.Deno?.args ?? process.argv.slice(2);
const { exports: x } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(module)), {});
const given = readFileSync(from);
const written = [];
for (let at = 0; at < given.length; ) {
  for (let i = 0; i < x.inputs(); i++) {
    const bytes = x.input_bytes(i);
    new Uint8Array(x.memory.buffer).set(given.subarray(at, at + bytes), x.input_address(i));
    at += bytes;
  }
  if (x.run() !== 0) throw new Error(`index ${x.error_detail()} is out of range`);
  for (let i = 0; i < x.outputs(); i++) written.push(new Uint8Array(x.memory.buffer, x.output_address(i), x.output_bytes(i)).slice());
}
writeFileSync(to, Buffer.concat(written));
