// The commands of a plan, written down over stand-ins for memory that each run names.
import type { Storage } from '../ts/backend.ts';
import type { GpuStorage } from './memory.ts';
import { type Binding, type Buffered, formOf, type Sink } from './queue.ts';

/** A stand-in for memory of a run: of the arena, or an argument's. */
export class Slot implements Storage, Buffered {
  readonly device: 'webgpu' = 'webgpu';
  readonly bytes: number;
  /** Whether each run says which buffer it is. */
  readonly outside: boolean;
  version = 0;
  refs = 1;
  /** Commands from which to which it is in use. */
  first: number = Number.POSITIVE_INFINITY;
  last: number = -1;
  /** Where it lies in this run. */
  place: Buffered | null = null;

  constructor(bytes: number, outside: boolean) {
    this.bytes = bytes;
    this.outside = outside;
  }
  get buffer(): GPUBuffer {
    return (this.place as Buffered).buffer;
  }
  get at(): number {
    return (this.place as Buffered).at;
  }
  get home(): object {
    return this;
  }
  retain(): void {}
  release(): void {}
}

export interface Dispatch {
  readonly kind: 'dispatch';
  readonly key: string;
  readonly form: string;
  readonly source: () => string;
  readonly bindings: readonly Binding[];
  readonly groups: number;
  /** Operands that each run names, and what was bound for the last runs. */
  readonly outside: readonly Slot[];
  kept: { readonly places: readonly { readonly buffer: GPUBuffer; readonly at: number }[]; readonly group: GPUBindGroup }[];
}
export type Command =
  | Dispatch
  | { readonly kind: 'copy'; readonly from: Buffered; readonly to: Buffered; readonly bytes: number }
  | { readonly kind: 'clear'; readonly of: Buffered };

/** Writes down the commands of calls. */
export class Notes implements Sink {
  readonly commands: Command[] = [];
  readonly numbers: ArrayLike<number>[] = [];
  dispatch(key: string, source: () => string, bindings: readonly Binding[], numbers: ArrayLike<number>, groups: number): void {
    if (groups === 0) return;
    const outside = bindings.map(({ of }) => of).filter((of): of is Slot => of instanceof Slot && of.outside);
    this.commands.push({ kind: 'dispatch', key, form: formOf(bindings), source, bindings, groups, outside, kept: [] });
    this.numbers.push(numbers);
  }
  copy(from: Buffered, to: Buffered, bytes: number): void {
    this.commands.push({ kind: 'copy', from, to, bytes });
  }
  clear(of: Buffered): void {
    this.commands.push({ kind: 'clear', of });
  }
}
export const operandsOf = (c: Command): readonly Buffered[] =>
  c.kind === 'dispatch' ? c.bindings.map(({ of }) => of) : c.kind === 'copy' ? [c.from, c.to] : [c.of];

/** Gives slots buffers: large ones first, each a buffer that none of those has that live at the same time. */
export function placedIn(slots: readonly Slot[], alloc: (bytes: number) => GpuStorage): GpuStorage[] {
  const buffers: { readonly storage: GpuStorage; readonly users: Slot[] }[] = [];
  for (const slot of [...slots].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    let home = buffers.find(({ users }) => users.every((u) => u.last < slot.first || slot.last < u.first));
    if (home === undefined) {
      home = { storage: alloc(slot.bytes), users: [] };
      buffers.push(home);
    }
    home.users.push(slot);
    slot.place = home.storage;
  }
  return buffers.map(({ storage }) => storage);
}
