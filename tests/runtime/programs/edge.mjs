// An edge runtime: the module comes by import, for nothing can be compiled.
import * as wick from 'wick';
import 'wick/fast';
import { equal } from './run.mjs';

export const tests = {
  'this runtime compiles no WebAssembly, and wick computes': () => {
    const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
    let compiled = true;
    try {
      new WebAssembly.Module(empty);
    } catch {
      compiled = false;
    }
    equal(compiled, false, 'a compiled module');
    equal(wick.tensor([1, 2]).add(3).arraySync(), [4, 5]);
  },

  'info says why there is one thread': () => {
    wick.setThreads(2);
    wick.randn([1 << 17]).exp();
    equal([wick.info().threads.ready, wick.info().threads.reason], [1, 'this runtime has no workers']);
  },

  'fast mathematics are refused with a reason, never silently': () => {
    wick.config({ math: 'fast' });
    equal(wick.info().math, { mode: 'strict', reason: 'this runtime compiles no relaxed SIMD' });
  },

  'a shared tensor is a copy that can be posted': () => {
    const shared = wick.share(wick.tensor([1, 2]));
    equal(shared.data.buffer instanceof ArrayBuffer, true);
    equal(wick.receive(structuredClone(shared)).arraySync(), [1, 2]);
    equal(wick.unshare(shared), true);
  },
};
