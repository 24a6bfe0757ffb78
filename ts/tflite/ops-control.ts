// Subgraphs as branches and loops, variables, and numbers of two parts.
import { FormatError } from '../base/errors.ts';
import { cos, sin } from '../base/math.ts';
import { clone, matmul, pad, stack, type Tensor, tensor } from '../tensor/index.ts';
import { type Call, operators } from './call.ts';

/** Runs a subgraph on the inputs from the given one on. */
function branch(c: Call, subgraph: number, key: string, first: number): Tensor[] {
  const inputs = c.op.inputs.slice(first).map((_, i) => c.x(first + i));
  const known = c.op.inputs.slice(first).map((_, i) => c.known(first + i));
  return c.frame
    .enter(subgraph, key)
    .run(inputs, known)
    .values.map((y) => (inputs.includes(y) ? clone(y) : y));
}
const name = (c: Call): string => `${c.op.index}`;

/** Turns of a loop that a plan holds. */
const UNROLLED = 1024;

function loop(c: Call): Tensor[] {
  const [condition, body] = [c.options.i32(0), c.options.i32(1)];
  let values = c.all();
  let known = values.map((_, i) => c.known(i));
  for (let turn = 0; ; turn++) {
    const keeps = turn <= UNROLLED && c.frame.keeps;
    if (turn > UNROLLED) c.frame.instance.dynamic = true;
    const test = c.frame.enter(condition, `${name(c)}:test:${turn}`, keeps).run(values, known);
    if (!c.frame.truth(`${name(c)}:${turn}`, test.values[0], test.known[0])) break;
    const next = c.frame.enter(body, `${name(c)}:${turn}`, keeps).run(values, known);
    values = next.values.map((y) => (values.includes(y) ? clone(y) : y));
    known = next.known;
    if (values.length !== c.count) throw new FormatError(`its body gives ${values.length} values for ${c.count}`);
  }
  return values;
}

operators(
  {
    IF: (c) => {
      const on = c.number(0) !== 0;
      return branch(c, c.options.i32(on ? 0 : 1), `${name(c)}:${on}`, 1);
    },
    WHILE: loop,
    CALL: (c) => branch(c, c.options.u32(0), name(c), 0),
    CALL_ONCE: (c) => {
      const subgraph = c.options.i32(0);
      if (c.frame.instance.once(subgraph)) c.frame.enter(subgraph, name(c)).run([]);
      return [];
    },
    STABLEHLO_COMPOSITE: (c) => {
      if (c.op.options2 === null) throw new FormatError('its options are missing');
      return branch(c, c.op.options2.i32(1), name(c), 0);
    },
    // A handle carries no data: the variable goes by its name.
    VAR_HANDLE: () => tensor(0, { dtype: 'int32' }),
    READ_VARIABLE: (c) => {
      const key = handle(c, 0);
      const { dtype, shape } = c.out();
      const x = c.frame.instance.read(key);
      if (x === null) throw new FormatError(`the variable '${key}' is read before it has a value (${dtype} [${shape}])`);
      return x;
    },
    ASSIGN_VARIABLE: (c) => {
      c.frame.instance.assign(handle(c, 0), c.x(1));
      return [];
    },
  },
  { pure: false },
);

/** The name of the variable that input i is the handle of. */
function handle(c: Call, i: number): string {
  const maker = c.frame.graph.operators.find((op) => op.name === 'VAR_HANDLE' && op.outputs[0] === c.op.inputs[i]);
  if (maker === undefined) throw new FormatError('takes a variable that VAR_HANDLE did not make in the same subgraph');
  return `variable:${maker.options?.string(0) ?? ''}/${maker.options?.string(1) ?? ''}`;
}

/** The discrete Fourier transform of n numbers, half of it if real: matrices [n, out] of cosines and sines. */
function fourier(n: number, out: number): readonly [Tensor, Tensor] {
  const table = (fn: (x: number) => number): Tensor => {
    const period = Array.from({ length: n }, (_, k) => fn((-2 * Math.PI * k) / n));
    return tensor(
      Float32Array.from({ length: n * out }, (_, i) => period[(Math.floor(i / out) * (i % out)) % n]),
      { shape: [n, out], dtype: 'float32' },
    );
  };
  return [table(cos), table(sin)];
}
function rfft2d(c: Call): Tensor {
  let x = c.x(0);
  const [h, w] = c.numbers(1);
  if (x.ndim < 2 || !(h >= 1 && w >= 1)) throw new FormatError(`a transform of ${h} x ${w} of [${x.shape}]`);
  c.list(h * h + w * w);
  c.room([...x.shape.slice(0, -2), h, w]);
  x = fitted(fitted(x, -2, h), -1, w);
  const [cw, sw] = fourier(w, Math.floor(w / 2) + 1);
  const [re, im] = [matmul(x, cw), matmul(x, sw)];
  if (h === 1) return joined(re, im);
  const [ch, sh] = fourier(h, h).map((m) => m.transpose(0, 1));
  const real = matmul(ch, re).sub(matmul(sh, im));
  const imaginary = matmul(ch, im).add(matmul(sh, re));
  return joined(real, imaginary);
}
const joined = (re: Tensor, im: Tensor): Tensor => stack([re, im], -1);
/** The first n elements along one of the last two dimensions, zeros behind what there is. */
function fitted(x: Tensor, d: -1 | -2, n: number): Tensor {
  const size = x.shape.at(d) as number;
  if (size >= n) return size === n ? x : x.narrow(d, 0, n);
  return pad(x, d === -1 ? [0, n - size] : [0, 0, 0, n - size]);
}

operators({
  RFFT2D: rfft2d,
  COMPLEX_ABS: (c) => {
    const x = c.x(0);
    return x.mul(x).sum(-1).sqrt();
  },
  REAL: (c) => c.x(0).select(-1, 0),
  IMAG: (c) => c.x(0).select(-1, 1),
});
