// RNN, LSTM, GRU.
import { stack, type Tensor, where, zeros } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';
import { activation } from './ops-activation.ts';

type Act = (x: Tensor) => Tensor;
/** One direction's weights and states; the batch is the first dimension. */
export interface Direction {
  readonly w: Tensor;
  readonly r: Tensor;
  readonly wb: Tensor | null;
  readonly rb: Tensor | null;
  readonly p: Tensor | null;
  readonly acts: readonly Act[];
  readonly hidden: number;
  /** Products with the weights by other means than floats. */
  readonly products?: { readonly input: (x: Tensor) => Tensor; readonly state: (h: Tensor) => Tensor };
}
/** The new states, hidden first, from the input's share of the gates and the old states. */
type Step = (gates: Tensor, states: readonly Tensor[], d: Direction, c: Call) => Tensor[];

const plus = (x: Tensor, b: Tensor | null): Tensor => (b === null ? x : x.add(b));
const part = (x: Tensor, i: number, n: number): Tensor => x.narrow(x.ndim - 1, i * n, n);

const rnnStep: Step = (gates, [h], d) => [d.acts[0](plus(gates.add(h.matmul(d.r.t())), d.rb))];

const lstmStep: Step = (gates, [h, cell], d, c) => {
  const all = plus(gates.add(d.products?.state(h) ?? h.matmul(d.r.t())), d.rb);
  const [f, g, act] = d.acts;
  const n = d.hidden;
  const peep = (x: Tensor, i: number, state: Tensor): Tensor => (d.p === null ? x : x.add(part(d.p, i, n).mul(state)));
  const i = f(peep(part(all, 0, n), 0, cell));
  const forget = c.int('input_forget', 0) !== 0 ? i.neg().add(1) : f(peep(part(all, 2, n), 2, cell));
  const next = forget.mul(cell).add(i.mul(g(part(all, 3, n))));
  const o = f(peep(part(all, 1, n), 1, next));
  return [o.mul(act(next)), next];
};

const gruStep: Step = (gates, [h], d, c) => {
  const [f, g] = d.acts;
  const n = d.hidden;
  const product = plus(h.matmul(d.r.narrow(0, 0, 2 * n).t()), d.rb === null ? null : part2(d.rb, 0, 2 * n));
  const z = f(part(gates, 0, n).add(part(product, 0, n)));
  const r = f(part(gates, 1, n).add(part(product, 1, n)));
  const rh = d.r.narrow(0, 2 * n, n).t();
  const bias = d.rb === null ? null : part2(d.rb, 2 * n, n);
  const inner = c.int('linear_before_reset', 0) !== 0 ? r.mul(plus(h.matmul(rh), bias)) : plus(r.mul(h).matmul(rh), bias);
  const fresh = g(part(gates, 2, n).add(inner));
  return [z.neg().add(1).mul(fresh).add(z.mul(h))];
};
const part2 = (x: Tensor, from: number, n: number): Tensor => x.narrow(x.ndim - 1, from, n);

/** One direction over x [T, N, in]; gives every hidden state and the last states. */
function direction(
  c: Call,
  x: Tensor,
  d: Direction,
  first: readonly Tensor[],
  step: Step,
  backwards: boolean,
  lengths: Tensor | null,
): [Tensor, Tensor[]] {
  const [time] = x.shape;
  // The input's share of all gates at once.
  const gates = plus(d.products?.input(x) ?? x.matmul(d.w.t()), d.wb);
  const clip = c.attr('clip') ? c.float('clip') : 0;
  const limited =
    clip > 0
      ? {
          ...d,
          acts: d.acts.map(
            (a): Act =>
              (g) =>
                a(g.clamp(-clip, clip)),
          ),
        }
      : d;
  let states: Tensor[] = [...first];
  const hidden: Tensor[] = new Array(c.turns(time));
  for (let k = 0; k < time; k++) {
    const t = backwards ? time - 1 - k : k;
    const next = step(gates.select(0, t), states, limited, c);
    if (lengths === null) {
      states = next;
      hidden[t] = next[0];
    } else {
      const inside = lengths.gt(t).reshape([-1, 1]);
      states = next.map((s, i) => where(inside, s, states[i]));
      hidden[t] = where(inside, next[0], next[0].mul(0));
    }
  }
  return [time === 0 ? zeros([0, ...first[0].shape], { dtype: x.dtype }) : stack(hidden, 0), states];
}

function recurrent(
  gatesOf: number,
  count: number,
  names: readonly string[],
  step: Step,
  products?: (c: Call, d: number) => Direction['products'],
): (c: Call) => Tensor[] {
  return (c) => {
    const batchFirst = c.int('layout', 0) === 1;
    const x = batchFirst ? c.x(0).transpose(0, 1) : c.x(0);
    const [w, r] = [c.x(1), c.x(2)];
    const ways = c.str('direction', 'forward').toLowerCase();
    const directions = ways === 'bidirectional' ? 2 : 1;
    const hidden = r.shape[2];
    const [, batch] = x.shape;
    if (w.shape[0] !== directions || w.shape[1] !== gatesOf * hidden)
      c.fail(`the weights do not fit ${directions} directions of ${hidden} units`);
    const lengths = c.has(4) ? c.x(4).to('int64') : null;
    const chosen = c.stringsOr('activations') ?? new Array(directions).fill(names).flat();
    const alphas = c.floatsOr('activation_alpha') ?? [];
    const betas = c.floatsOr('activation_beta') ?? [];
    const initial = (i: number, d: number): Tensor => {
      if (!c.has(i)) return zeros([batch, hidden], { dtype: x.dtype });
      return c.x(i).select(batchFirst ? 1 : 0, d);
    };
    const outputs: Tensor[] = [];
    const last: Tensor[][] = [];
    for (let d = 0; d < directions; d++) {
      const n = names.length;
      const acts = chosen.slice(d * n, d * n + n).map((name, i) => activation(name, alphas[d * n + i], betas[d * n + i], c));
      const bias = c.has(3) ? c.x(3).select(0, d) : null;
      const own: Direction = {
        w: w.select(0, d),
        r: r.select(0, d),
        wb: bias?.narrow(0, 0, gatesOf * hidden) ?? null,
        rb: bias?.narrow(0, gatesOf * hidden, gatesOf * hidden) ?? null,
        p: count === 2 && c.has(7) ? c.x(7).select(0, d) : null,
        acts,
        hidden,
        products: products?.(c, d),
      };
      const states = Array.from({ length: count }, (_, i) => initial(5 + i, d));
      const [y, end] = direction(c, x, own, states, step, ways === 'reverse' || d === 1, lengths);
      outputs.push(y);
      last.push(end);
    }
    const y = stack(outputs, 1);
    const ends = Array.from({ length: count }, (_, i) =>
      stack(
        last.map((l) => l[i]),
        batchFirst ? 1 : 0,
      ),
    );
    return [batchFirst ? y.permute([2, 0, 1, 3]) : y, ...ends];
  };
}

/** An LSTM whose products are made otherwise; its weights are [directions, gates * hidden, in]. */
export const lstmBy = (products: (c: Call, d: number) => Direction['products']): ((c: Call) => Tensor[]) =>
  recurrent(4, 2, ['Sigmoid', 'Tanh', 'Tanh'], lstmStep, products);

/** Recurrent operators. */
export const RECURRENT: Readonly<Record<string, Row>> = {
  RNN: { run: recurrent(1, 1, ['Tanh'], rnnStep) },
  LSTM: { run: recurrent(4, 2, ['Sigmoid', 'Tanh', 'Tanh'], lstmStep) },
  GRU: { run: recurrent(3, 1, ['Sigmoid', 'Tanh'], gruStep) },
};
