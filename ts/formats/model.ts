// What a loaded model is, whatever file it came from, and what a reader of a format gives.
import type { Tensor } from '../tensor/index.ts';

/** One named input or output. */
export interface Port {
  readonly name: string;
  /** The dtype as wick names it; another word where the format has types that wick lacks. */
  readonly dtype: string;
  /** Sizes; a name or null where a dimension may vary; null where the rank is unknown. */
  readonly shape: readonly (number | string | null)[] | null;
}

/** A model that came from a file. */
export interface Model {
  /** 'wick', 'onnx' or 'tflite'. */
  readonly format: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** What the file says of itself: producer, description, licence. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Takes inputs and gives outputs by name. Throws ValueError for a missing or unknown input, ShapeError or DTypeError for one of another kind. */
  run(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor>;
  /** Takes inputs in their order; gives the output, or a list of them where there are several. */
  forward(...inputs: Tensor[]): Tensor | Tensor[];
  /** The weights by name; training changes them in place. */
  namedParameters(): Iterable<[string, Tensor]>;
  /** Frees its memory. */
  dispose(): void;
}

/** How a model is loaded. */
export interface LoadOptions {
  /** Runs as plans (the default), or call by call. */
  readonly compile?: boolean;
  /** The file comes from someone you trust: it may make results and take steps without the bounds that its size and inputs set. */
  readonly trusted?: boolean;
}

/** A file that is being loaded. */
export interface ModelFile {
  /** Its path or URL; empty for bytes. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The bytes of a file in the same folder. Throws FormatError for one elsewhere. */
  beside(path: string): Promise<Uint8Array>;
}

/** The reader of a format. */
export interface Format {
  /** The entry that registers it: 'wick/onnx'. */
  readonly from: string;
  read(file: ModelFile, options: LoadOptions): Model | Promise<Model>;
}
