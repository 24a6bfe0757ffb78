// What the garbage collector hears of memory that it cannot see: that of Wasm, and of the GPU.

/** So many bytes allocated there are worth telling it. */
export const NUDGE: number = 36 << 20;

/** What was last shown: V8 does not hear of a buffer that dies young. */
const shown: ArrayBuffer[] = [];

/** Shows the collector so much that is never touched. V8 collects for a buffer, Firefox and WebKit for a Wasm memory that was dropped. */
export function nudge(): void {
  try {
    shown[0] = new ArrayBuffer(NUDGE);
    // It costs a millisecond: only in browsers, where nothing else finds out what is unreachable.
    if (!(globalThis as { process?: { getBuiltinModule?: unknown } }).process?.getBuiltinModule)
      new WebAssembly.Memory({ initial: NUDGE >> 16, maximum: NUDGE >> 16 });
  } catch {} // no room left to show any
}
