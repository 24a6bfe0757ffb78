// An optimizer's step: parameters and states come to lie together, and the updates of those that do are one dispatch over a table of places.
import type { Call, View } from '../ts/backend.ts';
import { isContiguous, sizeOf } from '../ts/base/shape.ts';
import type { Op } from '../ts/ops/op.ts';
import { type Attrs, floatsOf, LERP, STEPS, stepOf } from './kernels/update.ts';
import { GpuStorage, type Pool } from './memory.ts';
import { type Binding, type Buffered, bitsOf, bound, GROUP, type Sink, WORDS } from './queue.ts';
import { type Declared, shader, uint } from './shader.ts';

/** A call that moves one parameter. */
export type Update = Pick<Call, 'op' | 'inputs' | 'attrs'>;
export const isUpdate = (op: Op): boolean => op.name in STEPS;

const viewsOf = ({ inputs }: Update): (View | null)[] => inputs as (View | null)[];
const statesOf = (u: Update): View[] =>
  viewsOf(u)
    .slice(2)
    .filter((x): x is View => x !== null && x !== undefined);
const here = (x: View): GpuStorage | null => (x.storage instanceof GpuStorage ? x.storage : null);
const homeOf = (x: View): object => (x.storage as unknown as Buffered).home;
const packed = (x: View): boolean => (here(x)?.pack ?? null) !== null;

/** What updates of one dispatch have in common; null: this one is a dispatch of its own. */
function kindOf(u: Update): string | null {
  const [p, grad] = viewsOf(u) as [View, View];
  const states = statesOf(u);
  const written = [p, ...states];
  if (!written.every((x) => packed(x) && x.dtype === 'float32' && isContiguous(x.shape, x.strides))) return null;
  if (states.some((x) => homeOf(x) !== homeOf(states[0])) || sizeOf(p.shape) === 0) return null;
  if (grad.dtype !== 'float32' || !grad.rowMajor || written.some((x) => homeOf(x) === homeOf(grad))) return null;
  return `${u.op.name}:${viewsOf(u).map((x) => (x ? 1 : 0))}:${JSON.stringify(u.attrs)}`;
}

/** Bindings beside the gradients': parameters, states, table. */
const OTHERS = 3;

/** Updates as parts, each one dispatch. `limit`: the most buffers of a shader. Where one depends on another they stay in their order. */
export function partsOf(updates: readonly Update[], limit: number): Update[][] {
  const written = updates.flatMap((u) => [viewsOf(u)[0] as View, ...statesOf(u)].map((x) => x.storage));
  const apart = new Set(written).size === written.length && !updates.some((u) => written.includes((viewsOf(u)[1] as View).storage));
  if (!apart) return updates.map((u) => [u]);
  const found: Update[][] = [];
  const open: { readonly kind: string; readonly homes: readonly object[]; readonly grads: Set<object>; readonly part: Update[] }[] = [];
  for (const u of updates) {
    const kind = kindOf(u);
    const [p, grad] = viewsOf(u) as [View, View];
    const homes = [homeOf(p), ...statesOf(u).slice(0, 1).map(homeOf)];
    const room = open.find(
      (o) => o.kind === kind && o.homes.every((h, i) => h === homes[i]) && (o.grads.has(homeOf(grad)) || o.grads.size + OTHERS < limit),
    );
    if (room !== undefined) {
      room.grads.add(homeOf(grad));
      room.part.push(u);
      continue;
    }
    const part = [u];
    found.push(part);
    if (kind !== null) open.push({ kind, homes, grads: new Set([homeOf(grad)]), part });
  }
  return found;
}

/** A number of the shader: rows of the table. */
const ROWS = 20;
/** Encodes updates of one part, two or more. `table` gives words a place on the device. */
export function encodeTogether(sink: Sink, part: readonly Update[], table: (words: readonly number[]) => Buffered): void {
  const step = STEPS[part[0].op.name];
  const attrs = part[0].attrs as Attrs;
  const has = (state: string): boolean => Boolean(viewsOf(part[0])[2 + step.states.indexOf(state)]);
  const names = step.states.filter(has);
  const grads = [...new Set(part.map((u) => homeOf(viewsOf(u)[1] as View)))];
  const place = (x: View): number => x.offset + (packed(x) ? (here(x) as GpuStorage).at / 4 : 0);
  const WIDTH = 5 + names.length;
  const rows: number[] = [];
  let blocks = 0;
  let n = 0;
  const read = grads.map(() => 0);
  for (const u of part) {
    const [p, grad] = viewsOf(u) as [View, View];
    const size = sizeOf(p.shape);
    const g = grads.indexOf(homeOf(grad));
    rows.push(blocks, size, place(p), g, place(grad), ...statesOf(u).map(place));
    blocks += Math.ceil(size / GROUP);
    n += size;
    read[g] += size;
  }
  const whole = (x: View): Buffered => here(x)?.pack ?? (x.storage as unknown as Buffered);
  const first = (home: object): View => viewsOf(part.find((u) => homeOf(viewsOf(u)[1] as View) === home) as Update)[1] as View;
  const bindings: Binding[] = [
    { of: whole(viewsOf(part[0])[0] as View), writes: true, touches: 4 * n },
    ...statesOf(part[0])
      .slice(0, 1)
      .map((x) => ({ of: whole(x), writes: true, touches: 4 * n * names.length })),
    { of: table(rows), writes: false },
    ...grads.map((home, g) => ({ of: whole(first(home)), writes: false, touches: 4 * read[g] })),
  ];
  const numbers = new Int32Array(WORDS);
  numbers[0] = blocks;
  floatsOf(step, attrs).forEach((x, k) => {
    numbers[1 + k] = bitsOf(x);
  });
  numbers[ROWS] = part.length;
  const { name, text } = stepOf(step, attrs, has);
  const source = (): string => {
    const arrays = ['params', ...(names.length > 0 ? ['states'] : []), 'places', ...grads.map((_, g) => `grad${g}`)];
    const declared: Declared[] = bound(bindings).map(({ writes }, i) => ({
      ...{ name: arrays[i], type: arrays[i] === 'places' ? 'u32' : 'f32', writes },
    }));
    const at = (array: string, column: number): string => `${array}[places[row_ + ${column}u] + t]`;
    const more = `${LERP}
var<private> row_: u32;
fn ld_p(t: u32) -> f32 { return ${at('params', 2)}; }
fn st_p(t: u32, v: f32) { ${at('params', 2)} = v; }
fn ld_grad(t: u32) -> f32 {
  switch (places[row_ + 3u]) {
${grads.map((_, g) => `    ${g === 0 ? 'default' : `case ${g}u`}: { return ${at(`grad${g}`, 4)}; }`).join('\n')}
  }
}
${names.map((s, i) => `fn ld_${s}(t: u32) -> f32 { return ${at('states', 5 + i)}; }\nfn st_${s}(t: u32, v: f32) { ${at('states', 5 + i)} = v; }`).join('\n')}
fn step_(t: u32) {
${text}
}`;
    const body = `  if (block >= ${uint(0)}) { return; }
  var low = 0u;
  var high = ${uint(ROWS)};
  while (high - low > 1u) {
    let middle = (low + high) / 2u;
    if (places[middle * ${WIDTH}u] <= block) { low = middle; } else { high = middle; }
  }
  row_ = low * ${WIDTH}u;
  let i = (block - places[row_]) * ${GROUP}u + member;
  if (i < places[row_ + 1u]) { step_(i); }`;
    return shader(declared, body, more);
  };
  sink.dispatch(`${part[0].op.name}:together:${name}:${grads.length}`, source, bound(bindings), numbers, blocks);
}

/** Tables that wait for the next step. */
const KEPT = 256;

/** What updates need of a device: packs of what they change, and tables that stay there. */
export class Updates {
  private readonly pool: Pool;
  private readonly device: GPUDevice;
  private readonly sent: (bytes: number) => void;
  private readonly seen = new WeakSet<GpuStorage>();
  private readonly tables = new Map<string, Buffered>();

  /** `sent` is told of bytes that go to the device. */
  constructor(pool: Pool, device: GPUDevice, sent: (bytes: number) => void) {
    this.pool = pool;
    this.device = device;
    this.sent = sent;
  }

  /**
   * Brings parameters together, and their states. Eager steps do so with those that they meet a second time; a plan with all that will stay,
   * gradients among them.
   */
  gather(updates: readonly Update[], sink: Sink, planned: boolean): void {
    const ripe = (x: View | null): x is View => {
      const s = x && here(x);
      if (!s) return false;
      const known = planned || this.seen.has(s);
      this.seen.add(s);
      return known;
    };
    const units = (of: (u: Update) => readonly (View | null)[]): GpuStorage[][] => {
      const own = new Set<GpuStorage>();
      return updates.map((u) =>
        of(u)
          .filter(ripe)
          .map((x) => x.storage as GpuStorage)
          .filter((s) => !own.has(s) && own.add(s)),
      );
    };
    const gather = (of: (u: Update) => readonly (View | null)[]): void =>
      this.pool.gather(units(of), (from, to, bytes) => sink.copy(from, to, bytes));
    gather((u) => [viewsOf(u)[0]]);
    gather(statesOf);
    if (planned) gather((u) => [viewsOf(u)[1]]);
  }

  /** The updates as commands; `alone` encodes one by itself. */
  encode(sink: Sink, updates: readonly Update[], alone: (u: Update) => void): void {
    for (const part of partsOf(updates, this.device.limits.maxStorageBuffersPerShaderStage)) this.encodePart(sink, part, alone);
  }
  encodePart(sink: Sink, part: readonly Update[], alone: (u: Update) => void): void {
    if (part.length === 1) alone(part[0]);
    else encodeTogether(sink, part, (words) => this.table(words));
  }
  private table(words: readonly number[]): Buffered {
    const key = words.join();
    let table = this.tables.get(key);
    if (table === undefined) {
      const bytes = 4 * words.length;
      const buffer = this.device.createBuffer({ size: bytes, usage: 0x80, mappedAtCreation: true });
      new Uint32Array(buffer.getMappedRange()).set(words);
      buffer.unmap();
      table = { buffer, at: 0, bytes, home: buffer };
      this.sent(bytes);
    }
    // The one that was asked for least recently goes.
    this.tables.delete(key);
    this.tables.set(key, table);
    if (this.tables.size > KEPT) this.tables.delete(this.tables.keys().next().value as string);
    return table;
  }
}
