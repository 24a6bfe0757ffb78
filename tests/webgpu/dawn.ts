// WebGPU in Node, through the npm package `webgpu`.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import '../../ts/gpu/index.ts';
import type { GpuInfo } from '../../ts/gpu/index.ts';
import * as wick from '../../ts/index.ts';

/** Turns it on and tells the adapter; ends the process with a line that says why where there is none. */
export async function startDawn(): Promise<string> {
  const root = createRequire(new URL('../../../tests/webgpu/package.json', import.meta.url));
  const { create, globals } = await import(pathToFileURL(root.resolve('webgpu')).href);
  Object.assign(globalThis, globals);
  try {
    const { adapter } = (await wick.gpu({ gpu: create([]) })) as GpuInfo;
    return `${adapter.description || adapter.architecture}; ${adapter.features.join(', ')}`;
  } catch (error) {
    console.log(`This machine lacks an adapter: ${(error as Error).message}`);
    process.exit(1);
  }
}
