/** What a progress bar writes to: `process.stdout`, or anything with `write`. */
export type ProgressOut = { write(text: string): unknown; isTTY?: boolean; columns?: number };

/** `total`: steps per epoch; `width`: columns of the bar; `now`: a clock in milliseconds. */
export type ProgressOptions = { total: number; out: ProgressOut; width?: number; now?: () => number };

/** Where a training run is: `epoch` of `epochs` and `step` of the epoch, both counted from 1. */
export type ProgressTick = { epoch: number; epochs: number; step: number; loss: number; imagesPerSecond: number };

/** A progress bar that is being drawn: `tick` after every step, `done` when it is over (or given up). */
export type ProgressBar = { tick(state: ProgressTick): void; done(): void };

const REDRAW_MS = 50;

/**
 * Shows how a training run gets on: on a terminal one line drawn in place (epoch, step, loss, images/s, time left), elsewhere one line
 * per epoch. The time left is estimated from the pace since the bar was made.
 *
 * `const bar = progressBar({ total: 45, out: process.stdout }); bar.tick({ epoch: 1, epochs: 20, step: 1, loss: 2.3, imagesPerSecond: 900 })`
 */
export function progressBar({ total, out, width = 24, now = () => performance.now() }: ProgressOptions): ProgressBar {
  const start = now();
  let drawn = Number.NEGATIVE_INFINITY;
  let open = false;

  const done = (): void => {
    if (open) out.write('\n');
    open = false;
  };

  const tick = (state: ProgressTick): void => {
    const { epoch, epochs, step } = state;
    const time = now();
    const endOfEpoch = step >= total;
    if (!out.isTTY) {
      if (endOfEpoch) out.write(`${describe(state, total)}  ${clock(time - start)} so far\n`);
      return;
    }
    const finished = endOfEpoch && epoch >= epochs;
    if (!endOfEpoch && time - drawn < REDRAW_MS) return;
    drawn = time;
    const steps = (epoch - 1) * total + step;
    const left = steps === 0 ? 0 : ((time - start) / steps) * (epochs * total - steps);
    const text = `${describe(state, total)}  ${finished ? `took ${clock(time - start)}` : `ETA ${clock(left)}`}`;
    // A line as wide as the terminal would wrap and could not be drawn over.
    const room = (out.columns ?? 80) - 1;
    const barWidth = Math.min(width, room - text.length - 2);
    const line = barWidth >= 4 ? `${bar(step / total, barWidth)}  ${text}` : text.slice(0, room);
    out.write(`\r${line}\x1b[K`);
    open = true;
    if (finished) done();
  };

  return { tick, done };
}

function describe({ epoch, epochs, step, loss, imagesPerSecond }: ProgressTick, total: number): string {
  const place = `epoch ${padded(epoch, epochs)}  step ${padded(step, total)}`;
  return `${place}  loss ${loss.toFixed(4)}  ${thousands(imagesPerSecond)} images/s`;
}

function padded(n: number, of: number): string {
  return `${String(n).padStart(String(of).length)}/${of}`;
}

function bar(share: number, width: number): string {
  const full = Math.min(width, Math.max(0, Math.round(share * width)));
  return '█'.repeat(full) + '░'.repeat(width - full);
}

function thousands(n: number): string {
  return Number.isFinite(n) ? String(Math.round(n)).replace(/\B(?=(?:\d{3})+$)/g, ',') : '-';
}

function clock(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const two = (n: number): string => String(n).padStart(2, '0');
  return minutes < 60 ? `${minutes}:${two(seconds % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}
