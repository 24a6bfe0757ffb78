// How a tensor reads in a console: PyTorch's layout, with shape and dtype, summarised when large.
import { CATEGORY } from '../base/dtype.ts';
import { type Tensor, TensorCore } from './core.ts';
import { cat } from './functions/joining.ts';
import { dataSync } from './functions/read.ts';
import { withGrad } from './node.ts';

const THRESHOLD = 1000;
const EDGE = 3;
const WIDTH = 80;
const DIGITS = 4;

type Format = (v: number | bigint) => string;

function exponent(v: number): string {
  const [digits, e] = v.toExponential(DIGITS).split('e');
  const n = Number(e);
  return `${digits}e${n < 0 ? '-' : '+'}${String(Math.abs(n)).padStart(2, '0')}`;
}

/** torch's choice: whole numbers as "1.", a wide range of magnitudes in exponents, else four digits. */
function floatFormat(values: ArrayLike<number>): Format {
  let low = Infinity;
  let high = 0;
  let whole = true;
  for (let i = 0; i < values.length; i++) {
    const a = Math.abs(values[i]);
    if (!Number.isFinite(a)) continue;
    if (a !== 0) low = Math.min(low, a);
    high = Math.max(high, a);
    if (!Number.isInteger(a)) whole = false;
  }
  const ratio = low === Infinity ? 1 : high / low;
  const scientific = high > 1e8 || (!whole && (ratio > 1000 || low < 1e-4));
  return (v) => {
    const n = Number(v);
    if (Number.isNaN(n)) return 'nan';
    if (!Number.isFinite(n)) return n > 0 ? 'inf' : '-inf';
    if (scientific) return exponent(n);
    if (whole) return `${Object.is(n, -0) ? '-0' : n}.`;
    return n.toFixed(DIGITS);
  };
}

/** The parts of a large tensor that are shown: three items at each end of every dimension. */
function summary(x: Tensor): Tensor {
  let y = x;
  for (let d = 0; d < x.ndim; d++) if (y.shape[d] > 2 * EDGE) y = cat([y.narrow(d, 0, EDGE), y.narrow(d, y.shape[d] - EDGE, EDGE)], d);
  return y;
}

function layout(cells: readonly string[], shown: readonly number[], full: readonly number[], indent: number): string {
  let at = 0;
  const build = (d: number, pad: number): string => {
    if (d === shown.length) return cells[at++];
    const cut = shown[d] < full[d];
    const parts = Array.from({ length: shown[d] }, () => build(d + 1, pad + 1));
    if (cut) parts.splice(EDGE, 0, '...');
    if (d < shown.length - 1) return `[${parts.join(`,${'\n'.repeat(shown.length - 1 - d)}${' '.repeat(pad + 1)}`)}]`;
    const lines: string[] = [];
    let line = '';
    for (const [i, part] of parts.entries()) {
      const piece = i < parts.length - 1 ? `${part}, ` : part;
      if (line !== '' && pad + line.length + piece.length > WIDTH) {
        lines.push(line.trimEnd());
        line = '';
      }
      line += piece;
    }
    lines.push(line);
    return `[${lines.join(`\n${' '.repeat(pad + 1)}`)}]`;
  };
  return build(0, indent);
}

/** The text of a tensor: values, shape, dtype, and whether it requires grad. */
export function format(x: Tensor): string {
  const tail = `shape=[${x.shape.join(', ')}], dtype=${x.dtype}${x.requiresGrad ? ', requiresGrad=true' : ''})`;
  if (x.disposed || x.storage.refs <= 0) return `tensor(disposed, ${tail}`;
  if (x.device !== 'wasm') return `tensor(on ${x.device}, ${tail}`;
  if (x.numel === 0) return `tensor([], ${tail}`;
  const shown = withGrad(false, () => (x.numel > THRESHOLD ? summary(x) : x));
  const values = dataSync(shown);
  let text: Format;
  if (x.dtype === 'bool') text = (v) => (v ? 'true' : 'false');
  else if (CATEGORY[x.dtype] < 2) text = (v) => String(v);
  else text = floatFormat(values as Float32Array);
  const cells = Array.from(values as ArrayLike<number | bigint>, text);
  const width = x.ndim === 0 ? 0 : Math.max(...cells.map((c) => c.length));
  const body = layout(
    cells.map((c) => c.padStart(width)),
    shown.shape,
    x.shape,
    'tensor('.length,
  );
  return `tensor(${body}, ${tail}`;
}

for (const name of ['toString', Symbol.for('nodejs.util.inspect.custom'), Symbol.for('Deno.customInspect')])
  Object.defineProperty(TensorCore.prototype, name, {
    configurable: true,
    writable: true,
    value(this: Tensor) {
      return format(this);
    },
  });
