// compile(): the first call of a kind runs the function and notes what it does; later ones run the plan made of that.
import { type Call, Planned, type Program, type StepTiming, type Storage, type View } from '../backend.ts';
import { SIZE } from '../base/dtype.ts';
import { DeviceError, StateError } from '../base/errors.ts';
import { isContiguous, show } from '../base/shape.ts';
import { TABLE } from '../ops/table.ts';
import { type Capture, captureWith, capturing } from '../plan/capture.ts';
import { printed, relocated, withActivations, withoutDead, withoutTwins, writesOf } from '../plan/graph.ts';
import { Recorder } from '../plan/recorder.ts';
import { rewritten } from '../plan/rewrite.ts';
import { type Planner, steadied } from '../plan/steady.ts';
import { alias, backend, collecting, keep, leave, setBackend, type Tensor, TensorCore } from './core.ts';
import { built, type Form, formOf, matches, shownForm } from './form.ts';
import { isGradEnabled } from './node.ts';
import { argumentsOf, Plan, type Recipe, type Result } from './plan.ts';
import { getDefaultDtype } from './promotion.ts';

/** Kinds of calls that a compiled function remembers; the one unused for longest gives way. */
const CAPTURES = 16;
/** Captures of one kind that may fail to settle before it stays eager. */
const TRIES = 4;

interface Kind {
  readonly form: Form;
  readonly mode: readonly unknown[];
  /** Of the tensors among the arguments. */
  readonly devices: readonly string[];
  readonly exact: boolean;
  tries: number;
  /** Why calls of this kind run eagerly; null: they do not. */
  eager: string | null;
  ready: Ready | null;
}
interface Ready {
  readonly plan: Plan;
  readonly program: Program;
  readonly guards: Capture['guards'];
  readonly recipe: Recipe;
  /** Storages and arguments that the plan writes. */
  readonly changed: readonly Storage[];
  readonly changedArguments: readonly number[];
  readonly gradients: readonly { readonly leaf: TensorCore; grad: Tensor }[];
  /** What is known of each result before a run: whether it is row-major, and whether it is the first on a fresh storage. */
  readonly results: readonly (Result & { readonly rowMajor: boolean; readonly owns: boolean })[];
}

/** A function that runs as plans. */
export interface Compiled<A extends readonly unknown[], R> {
  (...args: A): R;
  /** Its plans, most recently used first. */
  readonly plans: readonly Plan[];
  /** Frees the memory of its plans; a later call captures anew. */
  dispose(): void;
}
/** Options of compile. */
export interface CompileOptions {
  /** False allows passes that round otherwise than eager calls, such as folding batch norms into convolutions; `plan.changes` names them. */
  readonly exact?: boolean;
}
/** What `explain` tells of each kind of call. */
export interface Explanation {
  readonly signature: string;
  /** 'plan', or why its calls run eagerly. */
  readonly runs: string;
  readonly guards: readonly string[];
  /** What `exact: false` changed. */
  readonly changes: readonly string[];
}

const kindsOf = new WeakMap<object, Kind[]>();

/** The kinds of calls that a compiled function has met, and how each runs. @example explain(compile((x) => x.relu())) // [] */
export function explain(compiled: Compiled<never, unknown>): Explanation[] {
  const kinds = kindsOf.get(compiled);
  if (kinds === undefined) throw new StateError('explain: this function does not come from compile()');
  return kinds.map(({ form, eager, ready }) => ({
    signature: shownForm(form),
    runs: ready !== null ? 'plan' : (eager ?? 'eagerly: its state was made in this call; the next call captures'),
    guards: ready?.guards.map((g) => g.what) ?? [],
    changes: ready?.recipe.changes ?? [],
  }));
}

/**
 * Makes a function (or a module's forward) that runs as plans: a call whose arguments are of a new kind runs as it is and is noted; later
 * calls of that kind run what was noted, at once, in memory of the plan's own, with the same bits. Whole training steps work: parameters,
 * optimizer state and gradients change in place, random numbers are drawn anew, learning rates are those of the moment. Tensors are told
 * apart by shape, strides, dtype and requiresGrad, other arguments by value; numbers that the function takes from elsewhere are constants.
 * @throws StateError where the function reads a tensor's value, or changes state that a plan does not see
 * @example compile((x: Tensor) => x.mul(2).add(1).relu())(ones([3])).dataSync() // [3, 3, 3]
 */
export function compile<A extends readonly unknown[], R>(
  target: ((...args: A) => R) | { forward(...args: A): R },
  { exact = true }: CompileOptions = {},
): Compiled<A, R> {
  const fn = typeof target === 'function' ? target : (...args: A): R => target.forward(...args);
  const kinds: Kind[] = [];
  const compiled = (...args: A): R => {
    if (capturing() !== null) return fn(...args);
    const mode = [isGradEnabled(), getDefaultDtype(), backend().math];
    let tensors: TensorCore[] = [];
    let i = 0;
    while (i < kinds.length && !fits(kinds[i], mode, args, tensors)) {
      tensors = [];
      i++;
    }
    if (i < kinds.length) {
      if (i > 0) kinds.unshift(...kinds.splice(i, 1));
      const { ready, eager } = kinds[0];
      if (eager !== null) return fn(...args);
      if (ready?.guards.every((g) => g.holds())) return replay(ready, tensors) as R;
    } else {
      const form = formOf(args, tensors);
      kinds.unshift({ form, mode, devices: tensors.map((x) => x.device), exact, tries: 0, eager: null, ready: null });
      for (const old of kinds.splice(CAPTURES)) old.ready?.program.dispose();
    }
    return capture(kinds[0], () => fn(...args), tensors);
  };
  const plans = { get: () => kinds.flatMap((k) => (k.ready === null ? [] : [k.ready.plan])) };
  const dispose = (): void => {
    for (const k of kinds.splice(0)) k.ready?.program.dispose();
  };
  Object.defineProperties(compiled, { plans, dispose: { value: dispose } });
  kindsOf.set(compiled, kinds);
  return compiled as Compiled<A, R>;
}

/** Whether a call is of a kind; its tensors go to `tensors`. */
function fits({ form, mode, devices }: Kind, now: readonly unknown[], args: readonly unknown[], tensors: TensorCore[]): boolean {
  for (let j = 0; j < mode.length; j++) if (mode[j] !== now[j]) return false;
  if (!matches(form, args, tensors)) return false;
  for (let j = 0; j < devices.length; j++) if (tensors[j].device !== devices[j]) return false;
  return true;
}

function replay(ready: Ready, tensors: readonly TensorCore[], timings?: StepTiming[]): unknown {
  const device = backend();
  for (const x of tensors)
    if (x.disposed || x.storage.refs <= 0) throw new StateError(`compiled function: an argument ${show(x.shape)} was disposed`);
  const fresh: Storage[] = [];
  try {
    for (const storage of ready.recipe.graph.outputs) fresh.push(device.alloc(storage.bytes, undefined, [{ storage }]));
    ready.program.run(
      tensors.map(({ storage, offset, dtype }) => ({ storage, byteOffset: offset * SIZE[dtype] })),
      fresh,
      timings,
    );
  } catch (error) {
    for (const s of fresh) s.release();
    throw error;
  }
  for (const s of ready.changed) s.version++;
  for (const i of ready.changedArguments) tensors[i].storage.version++;
  for (const g of ready.gradients) {
    if (g.grad.disposed) g.grad = keep(alias(g.grad, g.grad.shape, g.grad.strides, g.grad.offset));
    g.leaf.grad = g.grad;
  }
  const results = ready.results.map(({ shape, strides, dtype, offset, from, rowMajor, owns }) => {
    if ('self' in from) return tensors[from.self];
    const storage = 'fresh' in from ? fresh[from.fresh] : 'state' in from ? from.state : tensors[from.argument].storage;
    const base = 'argument' in from ? tensors[from.argument].offset : 0;
    if (!owns) storage.retain();
    return new TensorCore(storage, base + offset, shape, strides, dtype, rowMajor);
  });
  return built(ready.recipe.result, results);
}

/** Runs the function, notes what it does and makes the plan, if that is possible. */
function capture<R>(kind: Kind, fn: () => R, tensors: readonly TensorCore[]): R {
  const device = backend();
  const old = kind.ready;
  kind.ready = null;
  old?.program.dispose();
  if (device.program === undefined) return eagerly(kind, 'this device has no plans', fn);
  if (new Set(tensors.map((t) => t.storage)).size < tensors.length) return eagerly(kind, 'arguments share memory', fn);
  const recorder = new Recorder(device);
  const notes: Capture = { guards: [], cleared: new Set(), graded: new Map(), refused: null };
  setBackend(recorder);
  const list: TensorCore[] = [];
  let result: R;
  try {
    result = captureWith(notes, () => collecting(list, fn));
  } catch (error) {
    leave(list, null);
    throw error;
  } finally {
    setBackend(device);
  }
  const outliving = leave(list, result);
  kind.tries++;
  const outs: TensorCore[] = [];
  const form = formOf(result, outs);
  const why = notes.refused ?? refusal(result, outs);
  if (why !== null) kind.eager = `eagerly: ${why}`;
  else kind.ready = settle(kind, recorder, notes, tensors, outs, form, outliving);
  if (kind.ready === null && kind.eager === null && kind.tries >= TRIES) kind.eager = 'eagerly: each call makes tensors that outlive it';
  return result;
}
function eagerly<R>(kind: Kind, why: string, fn: () => R): R {
  kind.eager = `eagerly: ${why}`;
  return fn();
}
function refusal(result: unknown, outs: readonly TensorCore[]): string | null {
  if (result instanceof Promise) return 'the function is asynchronous';
  // The graph behind a loss was used up by backward() inside.
  if (outs.some((x) => x.requiresGrad && !x.node?.released)) return 'a result wants a gradient; call backward() inside, or use noGrad';
  return null;
}

/** The plan of a finished capture; null where the call made state, which a later call will find. */
function settle(
  kind: Kind,
  recorder: Recorder,
  notes: Capture,
  tensors: readonly TensorCore[],
  outs: readonly TensorCore[],
  form: Form,
  outliving: readonly TensorCore[],
): Ready | null {
  const { made, written } = recorder;
  // Leaves whose gradients were made in this call: the plan writes them again.
  const gradients: { leaf: TensorCore; grad: Tensor }[] = [];
  const lasting = new Set<Storage>();
  const guards = [...notes.guards];
  for (const [key, before] of notes.graded) {
    const leaf = key as TensorCore;
    const { grad } = leaf;
    if (grad === null) continue;
    if (made.has(grad.storage)) {
      gradients.push({ leaf, grad });
      lasting.add(grad.storage);
    }
    if (!notes.cleared.has(leaf)) guards.push({ what: `the gradient to add to`, holds: () => leaf.grad === before });
  }
  const results = new Set(outs.map((x) => x.storage));
  if (outliving.some(({ storage }) => made.has(storage) && !results.has(storage) && !lasting.has(storage))) return null;

  const places = new Map<Storage, { storage: Storage; back: number }>();
  const inputs = tensors.map((x) => {
    // What lies behind an argument's elements is not the plan's: it never ends its storage.
    const storage = new Planned(Number.POSITIVE_INFINITY, x.storage.device);
    places.set(x.storage, { storage, back: x.offset });
    return storage;
  });
  const fresh: Planned[] = [];
  const homes: Result[] = outs.map((out) => {
    const { storage, offset, shape, strides, dtype } = out;
    const self = tensors.indexOf(out);
    if (self >= 0) return { shape, strides, dtype, offset, from: { self } };
    const argument = tensors.findIndex((t) => t.storage === storage);
    if (argument >= 0) return { shape, strides, dtype, offset: offset - tensors[argument].offset, from: { argument } };
    if (!made.has(storage) || lasting.has(storage)) return { shape, strides, dtype, offset, from: { state: storage } };
    let place = places.get(storage);
    if (place === undefined) {
      const own = new Planned(storage.bytes, storage.device);
      fresh.push(own);
      place = { storage: own, back: 0 };
      places.set(storage, place);
    }
    return { shape, strides, dtype, offset, from: { fresh: fresh.indexOf(place.storage as Planned) } };
  });
  for (const s of lasting) places.set(s, { storage: s, back: 0 });
  const constants: Call[] = [];
  const changed = new Set(recorder.calls.flatMap(writesOf));
  for (const [storage, bytes] of written) {
    const own = filled(bytes);
    // What nothing changes is state as it is; else each run starts from a copy.
    if (changed.has(storage) || places.has(storage)) constants.push(copyOf(own, storage));
    else places.set(storage, { storage: own, back: 0 });
  }
  const raw = relocated([...constants, ...recorder.calls], made, places);
  const captured = printed({ calls: raw, inputs, outputs: fresh });
  const outward = [...fresh, ...inputs];
  const clean = withoutTwins(withoutDead(raw, outward), inputs, fresh);
  const { calls: after, changes } = kind.exact ? { calls: clean, changes: [] } : rewritten({ calls: clean, inputs, outputs: fresh });
  const calls = withActivations(after, outward);
  const recipe = { args: kind.form, result: form, results: homes, graph: { calls, inputs, outputs: fresh }, changes };
  return prepared(recipe, captured, guards, gradients);
}

function prepared(recipe: Recipe, captured: string, guards: Capture['guards'], gradients: Ready['gradients']): Ready {
  const { calls, inputs } = recipe.graph;
  const device = backend();
  if (device.program === undefined) throw new DeviceError(`compile: the device ${device.device} runs no plans`);
  const program = steadied(device as Planner, recipe.graph);
  const names = guards.map((g) => g.what);
  const changes = new Set(calls.flatMap(writesOf));
  const owned = new Set<number>();
  const ready: Ready = {
    plan: new Plan(recipe, names, captured, program, (tensors, timings) => replay(ready, tensors, timings)),
    program,
    guards,
    recipe,
    changed: [...changes].filter((s) => s.device !== 'plan'),
    changedArguments: inputs.flatMap((s, i) => (changes.has(s) ? [i] : [])),
    gradients,
    results: recipe.results.map((r) => {
      const owns = 'fresh' in r.from && owned.size < owned.add(r.from.fresh).size;
      return { ...r, rowMajor: isContiguous(r.shape, r.strides), owns };
    }),
  };
  return ready;
}

/** A plan as a function: what was saved, without the function that it was captured from. */
export interface Loaded {
  (...args: readonly unknown[]): unknown;
  readonly plan: Plan;
  /** Frees its memory. */
  dispose(): void;
}
/** The function that a recipe describes. @throws ValueError for arguments that it was not captured for */
export function revived(recipe: Recipe): Loaded {
  const ready = prepared(recipe, printed(recipe.graph), [], []);
  const run = (...args: readonly unknown[]): unknown => replay(ready, argumentsOf(recipe, args));
  return Object.assign(run, { plan: ready.plan, dispose: () => ready.program.dispose() });
}

/** A storage of the device that holds these bytes. */
export function filled(bytes: Uint8Array): Storage {
  const storage = backend().alloc(bytes.length);
  backend().write(wholeOf(storage), bytes);
  return storage;
}
/** All of a storage, as a view of bytes. */
export function wholeOf(storage: Storage): View {
  return { storage, offset: 0, shape: [storage.bytes], strides: [1], dtype: 'uint8', rowMajor: true };
}
const copyOf = (from: Storage, to: Storage): Call => ({
  op: TABLE.copy,
  inputs: [wholeOf(from)],
  attrs: { dtype: 'uint8' },
  outputs: [wholeOf(to)],
});
