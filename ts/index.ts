// The composition root: the only file that names a device.
import { setBackend } from './tensor/core.ts';
import { Engine } from './wasm/engine.ts';

const engine = new Engine();
setBackend(engine);

export * from './base/errors.ts';
export type { DType } from './base/dtype.ts';
export * from './tensor/index.ts';
