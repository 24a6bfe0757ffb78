import { FormatError } from '../base/errors.ts';
import type { Tensor } from '../tensor/index.ts';
import { parse as parseNpy, serialize as serializeNpy } from './npy.ts';
import type { RawTensor } from './raw.ts';
import { fromRaw, toRaw } from './tensors.ts';
import { unzip, zip } from './zip.ts';

/**
 * Reads a `.npz` archive (`numpy.savez` or `savez_compressed`) into its arrays by name; members that are not `.npy` are passed over.
 * Throws FormatError on a malformed archive or array, naming the member.
 *
 * `parse(readFileSync('a.npz')).get('x')?.shape // [2, 3]`
 */
export function parse(bytes: Uint8Array): Map<string, RawTensor> {
  const arrays = new Map<string, RawTensor>();
  for (const [member, data] of unzip(bytes, 'npz')) {
    if (!member.endsWith('.npy')) continue;
    try {
      arrays.set(member.slice(0, -4), parseNpy(data));
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause;
      throw new FormatError(`npz: member ${JSON.stringify(member)}: ${cause.message}`, { cause });
    }
  }
  return arrays;
}

/**
 * Writes a `.npz` archive that `numpy.load` reads, each array stored or (with `compress`) deflated; the same arrays give the same
 * bytes. Throws DTypeError for bfloat16 and ValueError for a repeated name, bytes that do not fill a shape, or 4 GiB and more.
 *
 * `serialize([['x', { dtype: 'int8', shape: [3], bytes }]], { compress: true })`
 */
export function serialize(arrays: Iterable<readonly [string, RawTensor]>, options: { compress?: boolean } = {}): Uint8Array {
  return zip(
    Array.from(arrays, ([name, array]) => [`${name}.npy`, serializeNpy(array)] as const),
    options,
  );
}

/** The bytes of a `.npz` archive that holds these tensors. @example writeFileSync('data.npz', save({ x, y })) */
export function save(tensors: Readonly<Record<string, Tensor>>, options: { compress?: boolean } = {}): Uint8Array {
  return serialize(
    Object.entries(tensors).map(([name, x]) => [name, toRaw(x)] as const),
    options,
  );
}
/** The tensors of a `.npz` archive by name. Throws FormatError on anything malformed. @example load(readFileSync('data.npz')) */
export function load(bytes: Uint8Array): Record<string, Tensor> {
  return Object.fromEntries([...parse(bytes)].map(([name, raw]) => [name, fromRaw(raw)]));
}
