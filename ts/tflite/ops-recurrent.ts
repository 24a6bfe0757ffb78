// Recurrent layers of floats: LSTM, RNN and SVDF with their state.
import { FormatError } from '../base/errors.ts';
import { cat, linear, stack, type Tensor } from '../tensor/index.ts';
import { type Call, operators } from './call.ts';
import { activated } from './ops-elementwise.ts';
import { dequantised } from './quantised.ts';

/** Weights as floats. */
const weight = (c: Call, i: number): Tensor | null => {
  const w = c.maybe(i);
  if (w === null) return null;
  return w.dtype === 'float32' ? w : c.derived(i, 'dequantised', () => dequantised(c, i));
};
const needed = (w: Tensor | null, what: string): Tensor => {
  if (w === null) throw new FormatError(`${what} is missing`);
  return w;
};
/** Writes a state that lasts from run to run. */
function keepState(c: Call, i: number, value: Tensor): void {
  const { instance } = c.frame;
  const info = c.info(i);
  if (info.isVariable) instance.assign(instance.stateName(info), value);
}

const GATES = ['input', 'forget', 'cell', 'output'] as const;
/** The weights of one direction: inputs of the operator from `at` on, in the order of UNIDIRECTIONAL_SEQUENCE_LSTM. */
function lstm(c: Call, x: Tensor, at: number, h0: number, c0: number, reverse: boolean, aux: readonly number[] = []): Tensor {
  const [act, cellClip, projClip] = [c.options.i8(0), c.options.f32(1), c.options.f32(2)];
  const own = (k: number): Tensor | null => weight(c, at + k);
  const w = GATES.map((_, g) => own(g));
  const r = GATES.map((_, g) => own(4 + g));
  const peep = [own(8), own(9), null, own(10)];
  const bias = GATES.map((_, g) => own(11 + g));
  const [projection, projectionBias] = [own(15), own(16)];
  const norm = aux.map((i) => weight(c, i));
  const coupled = w[0] === null;
  let [h, cell] = [c.x(h0), c.x(c0)];
  const steps = x.unbind(0);
  const outs: Tensor[] = [];
  const gate = (g: number, input: Tensor, state: Tensor): Tensor => {
    let z = linear(input, needed(w[g], `the ${GATES[g]} weight`)).add(linear(h, needed(r[g], `the recurrent ${GATES[g]} weight`)));
    const p = peep[g];
    if (p !== null) z = z.add(state.mul(p));
    const scale = norm[g] ?? null;
    if (scale !== null) {
      const moved = z.sub(z.mean(-1, { keepdim: true }));
      z = moved.div(moved.mul(moved).mean(-1, { keepdim: true }).add(1e-8).sqrt()).mul(scale);
    }
    const b = bias[g];
    return b === null ? z : z.add(b);
  };
  for (const input of reverse ? steps.reverse() : steps) {
    const forget = gate(1, input, cell).sigmoid();
    const open = coupled ? forget.neg().add(1) : gate(0, input, cell).sigmoid();
    const fresh = activated(gate(2, input, cell), act);
    let next = forget.mul(cell).add(open.mul(fresh));
    if (cellClip > 0) next = next.clamp(-cellClip, cellClip);
    const out = gate(3, input, next).sigmoid();
    cell = next;
    let y = out.mul(activated(cell, act));
    if (projection !== null) {
      y = linear(y, projection, projectionBias);
      if (projClip > 0) y = y.clamp(-projClip, projClip);
    }
    h = y;
    outs.push(h);
  }
  keepState(c, h0, h);
  keepState(c, c0, cell);
  return stack(reverse ? outs.reverse() : outs, 0);
}
const floatOnly = (c: Call): Tensor => {
  const x = c.x(0);
  if (x.dtype !== 'float32') throw new FormatError(`is implemented for float32, not for ${x.dtype}`);
  if (x.ndim !== 3) throw new FormatError(`takes a sequence [time, batch, features], not [${x.shape}]`);
  return x;
};

function unidirectional(c: Call): Tensor {
  const x = floatOnly(c);
  const major = c.options.bool(3);
  const aux = c.count > 20 ? [20, 21, 22, 23] : [];
  const y = lstm(c, major ? x : x.transpose(0, 1), 1, 18, 19, false, aux);
  return major ? y : y.transpose(0, 1);
}
function bidirectional(c: Call): Tensor[] {
  const x = floatOnly(c);
  const major = c.options.bool(4, true);
  if (c.maybe(39) !== null) throw new FormatError('an auxiliary input is not implemented');
  const own = major ? x : x.transpose(0, 1);
  const turned = (y: Tensor): Tensor => (major ? y : y.transpose(0, 1));
  const forward = turned(lstm(c, own, 1, 35, 36, false));
  const backward = turned(lstm(c, own, 18, 37, 38, true));
  return c.options.bool(3) ? [cat([forward, backward], -1)] : [forward, backward];
}

/** One step after another: activation(x w + h r + b). */
function rnn(c: Call, x: Tensor, act: number): Tensor {
  const [w, r, b] = [weight(c, 1), weight(c, 2), weight(c, 3)];
  let h = c.x(4);
  const outs = x.unbind(0).map((input) => {
    h = activated(linear(input, needed(w, 'the weight'), b).add(linear(h, needed(r, 'the recurrent weight'))), act);
    return h;
  });
  keepState(c, 4, h);
  return stack(outs, 0);
}

/** A filter over features, kept for as many steps as the filter over time is long. */
function svdf(c: Call): Tensor {
  const x = c.x(0);
  if (x.dtype !== 'float32') throw new FormatError(`is implemented for float32, not for ${x.dtype}`);
  const [features, time] = [needed(weight(c, 1), 'the filter over features'), needed(weight(c, 2), 'the filter over time')];
  const rank = c.options.i32(0);
  const [filters, memory] = time.shape;
  const units = filters / rank;
  if (!Number.isInteger(units)) throw new FormatError(`${filters} filters of rank ${rank}`);
  const batch = x.shape[0];
  const state = c.x(4).reshape([batch, filters, memory]);
  const next = cat([state.narrow(2, 1, memory - 1), linear(x, features).unsqueeze(2)], 2);
  keepState(c, 4, next.reshape([batch, filters * memory]));
  const sum = next.mul(time).sum(2).reshape([batch, units, rank]).sum(2);
  const bias = weight(c, 3);
  return activated(bias === null ? sum : sum.add(bias), c.options.i8(1));
}

operators(
  {
    UNIDIRECTIONAL_SEQUENCE_LSTM: unidirectional,
    BIDIRECTIONAL_SEQUENCE_LSTM: bidirectional,
    UNIDIRECTIONAL_SEQUENCE_RNN: (c) => {
      const x = floatOnly(c);
      const major = c.options.bool(0);
      const y = rnn(c, major ? x : x.transpose(0, 1), c.options.i8(1));
      return major ? y : y.transpose(0, 1);
    },
    RNN: (c) => rnn(c, c.x(0).unsqueeze(0), c.options.i8(0)).squeeze(0),
    SVDF: svdf,
  },
  { pure: false },
);
