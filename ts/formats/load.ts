// load(): finds the bytes and hands them to the format that knows them.
import { DeviceError, FormatError, ValueError } from '../base/errors.ts';
import type { Format, LoadOptions, Model, ModelFile } from './model.ts';

/** Where each kind of file is read: what to import, the end of its name, and its first bytes if it has a mark. */
const KNOWN: readonly { readonly from: string; readonly extension: string; readonly mark: readonly [at: number, text: string] | null }[] = [
  { from: 'wick/formats/plan', extension: '.wick', mark: [0, 'WICKPLAN'] },
  { from: 'wick/tflite', extension: '.tflite', mark: [4, 'TFL3'] },
  // Protocol buffers begin with no mark: an ONNX model is known by its name, or by being none of the others.
  { from: 'wick/onnx', extension: '.onnx', mark: null },
];
const formats = new Map<string, Format>();

/** Adds a reader to those that load() asks; a format's module calls it when it is imported. */
export function registerFormat(format: Format): void {
  formats.set(format.from, format);
}

/** A model's bytes, or where they are. */
export type ModelSource = string | URL | Uint8Array | ArrayBuffer | Blob;

/**
 * Loads a model of any format whose reader is imported: `.wick` (`import 'wick/formats/plan'`), `.onnx` (`import 'wick/onnx'`), `.tflite`
 * (`import 'wick/tflite'`). The source is a path (Node, Deno, Bun), a URL, bytes or a File. Throws FormatError on damaged files, ValueError
 * where the format's reader is not imported, DeviceError where the file cannot be read.
 *
 * `const model = await load('model.onnx'); model.run({ x }).y`
 */
export async function load(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  const file = await opened(source);
  const marked = KNOWN.find(({ mark }) => mark !== null && startsWith(file.bytes, ...mark));
  const kind = marked ?? KNOWN.find(({ extension }) => file.name.toLowerCase().endsWith(extension)) ?? KNOWN[KNOWN.length - 1];
  const format = formats.get(kind.from);
  if (format === undefined)
    throw new ValueError(`load: ${file.name || 'these bytes'} may be a ${kind.extension} file; import '${kind.from}' first`);
  if (file.bytes.length === 0) throw new FormatError(`load: ${file.name || 'the file'} is empty`);
  return format.read(file, options);
}

const startsWith = (bytes: Uint8Array, at: number, text: string): boolean =>
  [...text].every((char, i) => bytes[at + i] === char.charCodeAt(0));

async function opened(source: ModelSource): Promise<ModelFile> {
  const alone = (name: string, bytes: Uint8Array): ModelFile => ({
    name,
    bytes,
    beside: (path) => {
      throw new FormatError(`load: the model keeps data in ${path}, beside itself; load it by path or URL instead of bytes`);
    },
  });
  if (source instanceof Uint8Array) return alone('', source);
  if (source instanceof ArrayBuffer) return alone('', new Uint8Array(source));
  if (source instanceof Blob) return alone((source as Partial<File>).name ?? '', new Uint8Array(await source.arrayBuffer()));
  if (typeof source !== 'string' && !(source instanceof URL)) throw new ValueError('load: takes a path, a URL, bytes or a File');
  const name = String(source);
  return { name, bytes: await bytesAt(name), beside: (path) => bytesAt(neighbour(name, path)) };
}

const isUrl = (name: string): boolean => /^[a-z][a-z0-9+.-]+:/i.test(name);

/** The name of a file in the folder of another. @throws FormatError for one that lies elsewhere */
function neighbour(name: string, path: string): string {
  if (/^[\\/]|^[a-z]+:|(^|[\\/])\.\.([\\/]|$)/i.test(path))
    throw new FormatError(`load: data in '${path}' lies outside the model's folder`);
  return isUrl(name) ? new URL(path, name).href : name.replace(/[^\\/]*$/, '') + path;
}

async function bytesAt(name: string): Promise<Uint8Array> {
  const { process } = globalThis as { process?: { getBuiltinModule?(id: string): typeof import('node:fs/promises') | undefined } };
  const files = process?.getBuiltinModule?.('node:fs/promises');
  try {
    if (files !== undefined && (!isUrl(name) || name.startsWith('file:'))) return await files.readFile(isUrl(name) ? new URL(name) : name);
    const response = await fetch(name);
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    throw new Error(`status ${response.status}`);
  } catch (error) {
    throw new DeviceError(`load: cannot read ${name}: ${error instanceof Error ? error.message : error}`);
  }
}
