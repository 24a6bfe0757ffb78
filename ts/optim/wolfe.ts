// Line search for the strong Wolfe conditions (Nocedal and Wright, Numerical Optimization, algorithms 3.5 and 3.6), as torch.optim.LBFGS has it.

/** A point on the line: the step, the function's value, its gradient and the slope along the line. */
export interface Probe<G> {
  readonly t: number;
  readonly value: number;
  readonly gradient: G;
  readonly slope: number;
}

/** The minimum in [low, high] of the cubic through two points with their slopes; the middle where it has none. */
function cubicMinimum(a: Probe<unknown>, b: Probe<unknown>, low: number = Math.min(a.t, b.t), high: number = Math.max(a.t, b.t)): number {
  const d1 = a.slope + b.slope - (3 * (a.value - b.value)) / (a.t - b.t);
  const square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const at =
    a.t <= b.t
      ? b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
      : a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2));
  return Math.min(Math.max(at, low), high);
}

const DECREASE = 1e-4;
const CURVATURE = 0.9;
const TOLERANCE = 1e-9;
const MOST = 25;

/**
 * Finds a step that satisfies both conditions, or the best seen. `reach` is the largest element of the direction; `round` brings a number
 * to the precision of the values, below which no decrease can be asked for.
 */
export function strongWolfe<G>(
  evaluate: (t: number) => Probe<G>,
  start: Probe<G>,
  first: number,
  reach: number,
  round: (x: number) => number,
): { probe: Probe<G>; evaluations: number } {
  const tooHigh = (p: Probe<G>): boolean => p.value > round(start.value + DECREASE * p.t * start.slope);
  const flat = (p: Probe<G>): boolean => Math.abs(p.slope) <= -CURVATURE * start.slope;
  let previous = start;
  let now = evaluate(first);
  let evaluations = 1;
  let bracket: Probe<G>[] = [];
  let done = false;
  let i = 0;
  for (; i < MOST; i++) {
    if (tooHigh(now) || (i > 1 && now.value >= previous.value)) {
      bracket = [previous, now];
      break;
    }
    if (flat(now)) {
      bracket = [now];
      done = true;
      break;
    }
    if (now.slope >= 0) {
      bracket = [previous, now];
      break;
    }
    const t = cubicMinimum(previous, now, now.t + 0.01 * (now.t - previous.t), now.t * 10);
    previous = now;
    now = evaluate(t);
    evaluations++;
  }
  if (i === MOST) bracket = [start, now];

  let stuck = false;
  let [low, high] = bracket.length === 1 || bracket[0].value <= bracket[bracket.length - 1].value ? [0, bracket.length - 1] : [1, 0];
  for (; !done && i < MOST; i++) {
    if (Math.abs(bracket[1].t - bracket[0].t) * reach < TOLERANCE) break;
    let t = cubicMinimum(bracket[0], bracket[1]);
    const from = Math.min(bracket[0].t, bracket[1].t);
    const to = Math.max(bracket[0].t, bracket[1].t);
    const margin = 0.1 * (to - from);
    // A second step in a row this close to an end is moved inside, or the bracket would hardly shrink.
    if (Math.min(to - t, t - from) < margin) {
      if (stuck || t >= to || t <= from) {
        t = Math.abs(t - to) < Math.abs(t - from) ? to - margin : from + margin;
        stuck = false;
      } else stuck = true;
    } else stuck = false;
    now = evaluate(t);
    evaluations++;
    if (tooHigh(now) || now.value >= bracket[low].value) {
      bracket[high] = now;
      [low, high] = bracket[0].value <= bracket[1].value ? [0, 1] : [1, 0];
    } else {
      if (flat(now)) done = true;
      else if (now.slope * (bracket[high].t - bracket[low].t) >= 0) bracket[high] = bracket[low];
      bracket[low] = now;
    }
  }
  return { probe: bracket[low], evaluations };
}
