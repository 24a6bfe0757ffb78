// The inputs of a model as words of a call: `x=array.npy`.
import type { DType } from '../base/dtype.ts';
import { CODE } from '../base/dtype.ts';
import { ShapeError, ValueError } from '../base/errors.ts';
import { load as loadNpy } from '../formats/npy.ts';
import { readPicture } from '../formats/pictures/index.ts';
import * as wick from '../index.ts';
import { functional } from '../nn/index.ts';
import { type Option, UsageError, type Words } from './command.ts';
import { bytesAt } from './models.ts';

export const INPUT_OPTIONS: readonly Option[] = [
  { name: 'dim', value: 'NAME=N', doc: 'a size that the model leaves open (1 unless told)' },
  { name: 'seed', value: 'N', doc: 'where random inputs begin (0 unless told)' },
  { name: 'mean', value: 'A,B,..', doc: 'subtracted from a picture of values 0 to 1, one for all channels or one each' },
  { name: 'std', value: 'A,B,..', doc: 'divides what is left' },
];
export const INPUT_HELP = `An INPUT is NAME=VALUE; \`wick info\` tells the names, and a model's only input may be called x, or come without a name. VALUE is
  array.npy      a NumPy array; a dtype other than the input's is converted
  picture.png    or .jpg, .bmp, .ppm, .tif: scaled to the input's height and width, values 0 to 1
  random         uniform from 0 to 1; 0 or 1 for integers (--seed)
  zeros, ones
  0.5,1,2        the elements themselves
Inputs that are not named are random.`;

const PICTURE = /\.(png|jpe?g|bmp|p[gnp]m|tiff?)$/i;
/** Inputs for a model from words like `x=array.npy`. @throws UsageError for words that fit no input, ShapeError, FormatError */
export function inputsOf(model: wick.Model, given: readonly string[], words: Words): Record<string, wick.Tensor> {
  const values = new Map<string, string>();
  for (const word of given) {
    const cut = /^[^=,./\\]+=/.exec(word)?.[0].length ?? 0;
    const name = nameOf(model, word.slice(0, Math.max(0, cut - 1)));
    if (values.has(name)) throw new UsageError(`the input ${name} comes twice`);
    values.set(name, word.slice(cut));
  }
  wick.manualSeed(Number(words.options.get('seed')?.at(-1) ?? 0));
  const sizes = sizesOf(words);
  return Object.fromEntries(
    model.inputs.map((port) => [port.name, inputOf(port, values.get(port.name) ?? 'random', sizes, words)] as const),
  );
}
function nameOf({ inputs }: wick.Model, name: string): string {
  if (inputs.some((port) => port.name === name)) return name;
  if (inputs.length === 1 && (name === '' || name === 'x')) return inputs[0].name;
  throw new UsageError(`no input '${name}'; the inputs are ${inputs.map((port) => port.name).join(', ')}`);
}
function sizesOf({ options }: Words): Map<string, number> {
  return new Map(
    (options.get('dim') ?? []).map((text) => {
      const [, name, size] = /^(.+)=(\d+)$/.exec(text) ?? [];
      if (name === undefined) throw new UsageError(`--dim is NAME=N, not '${text}'`);
      return [name, Number(size)];
    }),
  );
}

function inputOf(port: wick.Port, value: string, sizes: ReadonlyMap<string, number>, words: Words): wick.Tensor {
  if (!Object.hasOwn(CODE, port.dtype)) throw new ValueError(`the input ${port.name} has the dtype ${port.dtype}, which no VALUE gives`);
  const dtype = port.dtype as DType;
  if (/\.npy$/i.test(value)) return fitted(loadNpy(bytesAt(value)), port);
  const shape = port.shape?.map((n) => (typeof n === 'number' ? n : (sizes.get(n ?? '') ?? 1)));
  if (shape === undefined) throw new ValueError(`the input ${port.name} may have any shape; give it as an array: ${port.name}=array.npy`);
  if (PICTURE.test(value)) return stored(pictureOf(value, shape, words), port);
  const float = /^b?float/.test(dtype);
  if (value === 'random') return (float ? wick.rand(shape) : wick.randint(0, 2, shape)).to(dtype);
  if (value === 'zeros') return wick.zeros(shape).to(dtype);
  if (value === 'ones') return wick.ones(shape).to(dtype);
  const numbers = value.split(',').map((text) => (text.trim() === '' ? Number.NaN : Number(text)));
  if (numbers.some((n, i) => Number.isNaN(n) && !/^\s*nan\s*$/i.test(value.split(',')[i])))
    throw new UsageError(`'${value}' is no .npy, no picture, not random, zeros or ones, and no list of numbers`);
  const all = shape.reduce((product, n) => product * n, 1);
  if (numbers.length !== all)
    throw new ShapeError(`the input ${port.name} has the shape [${shape.join(', ')}]: ${all} elements, not ${numbers.length}`);
  return wick.tensor(numbers, { dtype }).reshape(shape);
}
/** An array in the input's shape and dtype. */
function fitted(x: wick.Tensor, { name, dtype, shape }: wick.Port): wick.Tensor {
  const fits = shape === null || (shape.length === x.ndim && shape.every((n, d) => typeof n !== 'number' || n === x.shape[d]));
  if (!fits)
    throw new ShapeError(`the input ${name} has the shape [${shape?.map((n) => n ?? '?').join(', ')}], the array [${x.shape.join(', ')}]`);
  return x.to(dtype as DType);
}

/** Values as a port takes them: quantised by its scale and zero point where it has them. */
function stored(x: wick.Tensor, port: wick.Port): wick.Tensor {
  const dtype = port.dtype as DType;
  const { quantization } = port as { quantization?: readonly [scale: number, zero: number] | null };
  if (!quantization || /^b?float/.test(dtype)) return x.to(dtype);
  const [min, max] = dtype === 'uint8' ? [0, 255] : dtype === 'int8' ? [-128, 127] : [-32768, 32767];
  return x.div(quantization[0]).round().add(quantization[1]).clamp({ min, max }).to(dtype);
}

/** A picture as [N, C, H, W], [N, H, W, C] or without N, whichever the shape is: the dimension of 1 or 3 tells. */
function pictureOf(path: string, shape: readonly number[], words: Words): wick.Tensor {
  const { width, height, channels, samples } = readPicture(bytesAt(path));
  const dims = shape.slice(-3);
  const colour = (n: number): boolean => n === 1 || n === 3;
  const last = dims.length === 3 && colour(dims[2]) && !colour(dims[0]);
  if (dims.length !== 3 || !(last || colour(dims[0])) || shape.slice(0, -3).some((n) => n !== 1))
    throw new ShapeError(`a picture does not fit the shape [${shape.join(', ')}]; use [1, 3, height, width] or [1, height, width, 3]`);
  const [c, h, w] = last ? [dims[2], dims[0], dims[1]] : dims;
  const all = wick.tensor(samples).reshape([height, width, channels]).permute([2, 0, 1]).to('float32').div(255);
  const seen = channels > 2 ? all.narrow(0, 0, 3) : all.narrow(0, 0, 1);
  // Grey of colours by ITU-R BT.601.
  const grey = (): wick.Tensor => seen.mul(wick.tensor([0.299, 0.587, 0.114]).reshape([3, 1, 1])).sum({ dim: 0, keepdim: true });
  const right = seen.shape[0] === c ? seen : c === 1 ? grey() : seen.expand([3, height, width]);
  const scaled =
    h === height && w === width ? right : functional.interpolate(right.unsqueeze(0), { size: [h, w], mode: 'bilinear' }).squeeze(0);
  const normal = scaled.sub(perChannel(words, 'mean', 0, c)).div(perChannel(words, 'std', 1, c));
  return (last ? normal.permute([1, 2, 0]) : normal).contiguous().reshape(shape);
}
function perChannel({ options }: Words, name: string, standard: number, channels: number): wick.Tensor {
  const list = (options.get(name)?.at(-1) ?? String(standard)).split(',').map(Number);
  if (list.some(Number.isNaN) || (list.length !== 1 && list.length !== channels))
    throw new UsageError(`--${name} is one number or one for each of ${channels} channels`);
  return wick.tensor(list.length === channels ? list : new Array<number>(channels).fill(list[0])).reshape([channels, 1, 1]);
}
