// What MLPerf Tiny's keyword network hears: mel-frequency cepstral coefficients of one second, as its training computes them
// (github.com/mlcommons/tiny, benchmark/training/keyword_spotting/get_dataset.py).
import * as wick from '../../ts/index.ts';

const RATE = 16000;
/** Samples of a frame and from one to the next: 30 and 20 ms. */
const [FRAME, STEP] = [480, 320];
const LENGTH = 512;
const BINS = LENGTH / 2 + 1;
const FRAMES = Math.floor((RATE - FRAME) / STEP) + 1;
const [BANDS, LOWEST, HIGHEST] = [40, 20, 4000];
/** Coefficients that are kept. */
export const COEFFICIENTS = 10;

const column = (n: number): wick.Tensor => wick.arange(0, n, 1, { dtype: 'float64' }).reshape([n, 1]);
const row = (n: number): wick.Tensor => wick.arange(0, n, 1, { dtype: 'float64' }).reshape([1, n]);
const turns = (x: wick.Tensor): wick.Tensor => x.mul(2 * Math.PI);

/** Frames [n, 480] as magnitudes of frequencies [n, 257], under a Hann window. */
function spectrum(frames: wick.Tensor): wick.Tensor {
  const window = turns(row(FRAME).div(FRAME)).cos().mul(-0.5).add(0.5);
  const angles = turns(column(FRAME).mul(row(BINS)).remainder(LENGTH).div(LENGTH));
  const seen = frames.mul(window);
  return seen.matmul(angles.cos()).square().add(seen.matmul(angles.sin()).square()).sqrt();
}
/** Triangles over the mel scale, [257, 40]; the mean belongs to none. */
function melBands(): wick.Tensor {
  const mel = (hertz: wick.Tensor): wick.Tensor => hertz.div(700).log1p().mul(1127);
  const [low, high] = [LOWEST, HIGHEST].map((f) => mel(wick.tensor([f], { dtype: 'float64' })));
  const edges = low.add(
    row(BANDS + 2)
      .mul(high.sub(low))
      .div(BANDS + 1),
  );
  const [from, middle, to] = [0, 1, 2].map((i) => edges.narrow(1, i, BANDS));
  const bins = mel(column(BINS).mul(RATE / 2 / (BINS - 1)));
  const up = bins.sub(from).div(middle.sub(from));
  const down = to.sub(bins).div(to.sub(middle));
  return wick.minimum(up, down).clamp(0).mul(column(BINS).gt(0).to('float64'));
}

/**
 * One second of sound, cut or filled up with silence and scaled to its largest sample, as features [1, 49, 10, 1].
 * @throws RangeError for a rate other than 16000
 */
export function features({ rate, samples }: { readonly rate: number; readonly samples: Float32Array }): wick.Tensor {
  if (rate !== RATE) throw new RangeError(`the sound has ${rate} samples a second; convert it to ${RATE}`);
  return wick.scope(() => {
    const second = new Float64Array(RATE);
    second.set(samples.subarray(0, RATE));
    const largest = second.reduce((a, b) => Math.max(a, b), 0);
    const sound = wick.tensor(second).div(largest > 0 ? largest : 1);
    const frames = wick.stack(Array.from({ length: FRAMES }, (_, i) => sound.narrow(0, i * STEP, FRAME)));
    const levels = spectrum(frames).matmul(melBands()).add(1e-6).log();
    // The cosine transform, its scale that of HTK.
    const waves = turns(
      column(BANDS)
        .mul(2)
        .add(1)
        .mul(row(COEFFICIENTS))
        .div(4 * BANDS),
    )
      .cos()
      .mul(2 / Math.sqrt(2 * BANDS));
    return levels.matmul(waves).reshape([1, FRAMES, COEFFICIENTS, 1]).to('float32');
  });
}
