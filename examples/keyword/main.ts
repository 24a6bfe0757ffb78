// Names the word in a sound: node build/examples/keyword/main.js MODEL.tflite SOUND.wav
// MODEL is MLPerf Tiny's keyword network (kws_ref_model.tflite of github.com/mlcommons/tiny), SOUND a WAV file of 16000 samples a second.
import { readFileSync } from 'node:fs';
import { readWav } from '../../ts/formats/wav.ts';
import * as wick from '../../ts/index.ts';
import '../../ts/tflite/index.ts';
import { features } from './features.ts';

/** What the network tells apart, in the order of its outputs. */
export const WORDS = ['down', 'go', 'left', 'no', 'off', 'on', 'right', 'stop', 'up', 'yes', '(silence)', '(another word)'] as const;

/** Features as a port takes them: bytes where it has a scale. */
function stored(x: wick.Tensor, { dtype, quantization }: wick.Port & { readonly quantization?: readonly number[] | null }): wick.Tensor {
  if (dtype !== 'int8' || !quantization) return x;
  return x.div(quantization[0]).round().add(quantization[1]).clamp(-128, 127).to('int8');
}

/** The words of a sound with their shares, likeliest first. */
export async function listen(model: wick.Model, sound: ReturnType<typeof readWav>): Promise<(readonly [word: string, share: number])[]> {
  const [input, output] = [model.inputs[0], model.outputs[0]] as readonly (wick.Port & {
    readonly quantization?: readonly number[] | null;
  })[];
  const y = wick.noGrad(() => model.run({ [input.name]: stored(features(sound), input) }))[output.name];
  const [scale, zero] = output.quantization ?? [1, 0];
  const shares = (await y.to('float32').sub(zero).mul(scale).reshape([-1]).array()) as number[];
  return shares.map((share, i) => [WORDS[i], share] as const).sort((a, b) => b[1] - a[1]);
}

if (process.argv[1]?.endsWith('main.js') && process.argv.length > 2) {
  const [, , model, sound] = process.argv;
  if (sound === undefined) {
    console.error('usage: node build/examples/keyword/main.js MODEL.tflite SOUND.wav');
    process.exitCode = 2;
  } else {
    const words = await listen(await wick.load(model), readWav(readFileSync(sound)));
    for (const [word, share] of words.slice(0, 3)) console.log(`${word} ${(100 * share).toFixed(1)} %`);
  }
}
