// The Wasm device as far as plans need it: no call runs by itself.
import type { Call, Program, Storage } from '../backend.ts';
import type { Op } from '../ops/op.ts';
import { type Loaded, load } from '../wasm/load.ts';
import { lower } from '../wasm/lower.ts';
import { type Runner, WasmProgram } from '../wasm/program.ts';
import type { Place } from '../wasm/space.ts';
import { failure } from '../wasm/steps.ts';
import { choose, habit } from '../wasm/tiles.ts';
import { Pool } from '../wasm/workers.ts';
import { Blocks } from './memory.ts';

export class Engine implements Runner {
  readonly memory: Blocks;
  readonly pool: Pool;
  readonly loaded: Loaded;

  constructor() {
    const loaded = load();
    this.loaded = loaded;
    this.memory = new Blocks(loaded.memory, loaded.exports.heapBase(), loaded.maxPages * 65536);
    this.pool = new Pool(loaded, this.memory);
    choose(this.memory.u32, habit());
  }
  alloc(bytes: number): Place {
    return this.memory.alloc(bytes);
  }
  program(calls: readonly Call[], inputs: readonly Storage[], outputs: readonly Storage[]): Program {
    return new WasmProgram(this, lower(this.memory, calls), inputs, outputs);
  }
  runProgram(address: number, count: number, threaded: boolean, opOf: (left: number) => Op): void {
    if (threaded) this.pool.ensure();
    const { run, stepsLeft, statusDetail } = this.loaded.exports;
    const status = run(address, count);
    if (status !== 0) throw failure(opOf(stepsLeft()), status, statusDetail());
  }
}
