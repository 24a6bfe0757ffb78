// Finding out, without yielding to the event loop, which tokens nothing reaches any more. V8's runtimes: force a collection, then let
// the inspector's printer list a WeakMap, which shows only live keys. JavaScriptCore: WeakRefs made in this job do clear. Elsewhere: no way.

// biome-ignore lint/suspicious/noExplicitAny: host functions without types
type Inspect = (value: any, options: any) => string;
// biome-ignore lint/suspicious/noExplicitAny: globals of runtimes whose types are not all present
const host = globalThis as any;

/** Remembers tokens by id and tells which ids have died. */
export interface Graveyard {
  add(token: object, id: number): void;
  /** Forces a collection and calls `alive` for each id that is still reachable; false where the runtime has no way. */
  survey(major: boolean, alive: (id: number) => void): boolean;
}

function v8(): Graveyard | null {
  const builtin = host.process?.getBuiltinModule;
  if (typeof builtin !== 'function') return null;
  const weak = new WeakMap<object, number>();
  let gc: ((options?: object) => void) | null | undefined;
  const inspect: Inspect | undefined = host.Deno?.inspect ?? builtin('node:util')?.inspect;
  const pattern = /=> (\d+)/g;
  return {
    add: (token, id) => {
      weak.set(token, id);
    },
    survey: (major, alive) => {
      if (gc === undefined) {
        try {
          builtin('node:v8').setFlagsFromString('--expose-gc');
          gc = builtin('node:vm').runInNewContext('gc');
        } catch {
          gc = null;
        }
      }
      if (!gc || !inspect) return false;
      gc(major ? undefined : { type: 'minor' });
      const options = host.Deno
        ? { showHidden: true, iterableLimit: 1e9, depth: 0, colors: false }
        : { showHidden: true, maxArrayLength: Infinity, depth: 0, breakLength: Infinity, colors: false };
      for (const m of inspect(weak, options).matchAll(pattern)) alive(Number(m[1]));
      return true;
    },
  };
}

function jsc(): Graveyard {
  const refs = new Map<number, WeakRef<object>>();
  return {
    add: (token, id) => {
      refs.set(id, new WeakRef(token));
    },
    survey: (_major, alive) => {
      host.Bun.gc(true);
      for (const [id, ref] of refs) {
        if (ref.deref()) alive(id);
        else refs.delete(id);
      }
      return true;
    },
  };
}

/** The runtime's way of surveying, or null. */
export function graveyard(): Graveyard | null {
  return host.Bun ? jsc() : v8();
}
