// Text: joining, splitting, counting; and tables of labels.
import { show } from '../base/shape.ts';
import { tensor } from '../tensor/index.ts';
import type { Call, Row } from './call.ts';
import { places } from './ops-math.ts';
import { Value } from './value.ts';

function stringConcat(c: Call): Value {
  const [a, b] = [c.v(0), c.v(1)];
  const [x, y] = [a.strings(), b.strings()];
  // Sums of places scaled apart carry both operands through the broadcast.
  const at = places(a).mul(y.length).add(places(b));
  const list = Value.of(at, 'int64').numbers();
  return Value.known(
    'string',
    at.shape,
    list.map((k) => x[Math.floor(k / y.length)] + y[k % y.length]),
  );
}

function stringSplit(c: Call): Value[] {
  const v = c.v(0);
  const delimiter = c.str('delimiter', '');
  const most = c.attr('maxsplit') ? c.int('maxsplit') : Number.POSITIVE_INFINITY;
  const parts = v.strings().map((s) => (delimiter === '' ? words(s, most) : pieces(s, delimiter, most)));
  const width = parts.reduce((a, p) => Math.max(a, p.length), 0);
  c.list(parts.length * width);
  const flat = parts.flatMap((p) => [...p, ...new Array<string>(width - p.length).fill('')]);
  return [
    Value.known('string', [...v.shape, width], flat),
    Value.ints(
      parts.map((p) => p.length),
      v.shape,
    ),
  ];
}
function pieces(s: string, delimiter: string, most: number): string[] {
  const all = s.split(delimiter);
  return all.length <= most + 1 ? all : [...all.slice(0, most), all.slice(most).join(delimiter)];
}
/** Split at white space, runs of it taken as one. */
function words(s: string, most: number): string[] {
  const list: string[] = [];
  let rest = s.trimStart();
  while (rest !== '' && list.length < most) {
    const [word] = rest.split(/\s/, 1);
    list.push(word);
    rest = rest.slice(word.length).trimStart();
  }
  if (rest !== '') list.push(rest.trimEnd());
  return list;
}

function normalizer(c: Call): Value {
  const v = c.v(0);
  const action = c.str('case_change_action', 'NONE').toUpperCase();
  const exact = c.int('is_case_sensitive', 0) !== 0;
  const fold = (s: string): string => (exact ? s : s.toLowerCase());
  const stop = new Set((c.stringsOr('stopwords') ?? []).map(fold));
  const changed = (s: string): string => (action === 'LOWER' ? s.toLowerCase() : action === 'UPPER' ? s.toUpperCase() : s);
  const kept = v.strings().filter((s) => !stop.has(fold(s)));
  const list = kept.length === 0 ? [''] : kept.map(changed);
  if (v.shape.length > 1 && v.shape[0] !== 1) c.fail(`${show(v.shape)} is neither a line nor one row`);
  return Value.known('string', v.shape.length > 1 ? [1, list.length] : [list.length], list);
}

/** A pattern in RE2's syntax as JavaScript's, for a match of the whole text. */
function regexFullMatch(c: Call): Value {
  const pattern = c.str('pattern', '');
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  let expression: RegExp;
  try {
    expression = new RegExp(`^(?:${pattern.slice(flags?.[0].length ?? 0).replaceAll('(?P<', '(?<')})$`, `u${flags?.[1] ?? ''}`);
  } catch {
    return c.fail(`the pattern '${pattern}' is none that JavaScript's expressions can follow`);
  }
  const v = c.v(0);
  return Value.known(
    'bool',
    v.shape,
    Uint8Array.from(v.strings(), (s) => (expression.test(s) ? 1 : 0)),
  );
}

/** Counts of n-grams from a pool, plain, as flags, or weighted. */
function tfIdf(c: Call): Value {
  const v = c.v(0);
  const counts = c.intsOr('ngram_counts') ?? c.fail("the attribute 'ngram_counts' is missing");
  const indexes = c.intsOr('ngram_indexes') ?? c.fail("the attribute 'ngram_indexes' is missing");
  const pool: readonly (string | number)[] = c.stringsOr('pool_strings')?.length
    ? (c.stringsOr('pool_strings') as string[])
    : (c.intsOr('pool_int64s') ?? []);
  const weights = c.floatsOr('weights') ?? [];
  const [low, high, skips] = [c.int('min_gram_length'), c.int('max_gram_length'), c.int('max_skip_count')];
  const place = new Map<string, number>();
  const key = (gram: readonly (string | number)[]): string => JSON.stringify(gram);
  let number = 0;
  counts.forEach((start, i) => {
    const n = i + 1;
    if (!(start >= 0)) c.fail(`n-grams that start at ${start}`);
    for (let at = start; at < (counts[i + 1] ?? pool.length); at += n) {
      if (n >= low && n <= high) place.set(key(pool.slice(at, at + n)), indexes[number]);
      number++;
    }
  });
  const width = indexes.reduce((a, b) => Math.max(a, b), 0) + 1;
  const rows = v.shape.length > 1 ? v.shape[0] : 1;
  const length = v.size / Math.max(rows, 1);
  const all: readonly (string | number)[] = v.type === 'string' ? v.strings() : v.numbers();
  const out = new Float32Array(c.list(rows * width));
  c.turns(rows * Math.max(0, high - low + 1) * (skips + 1));
  c.list(rows * Math.max(0, high - low + 1) * (skips + 1) * length * high);
  for (let r = 0; r < rows; r++) {
    const row = all.slice(r * length, (r + 1) * length);
    for (let n = low; n <= high; n++)
      for (let skip = 1; skip <= (n === 1 ? 1 : skips + 1); skip++)
        for (let at = 0; at + (n - 1) * skip < length; at++) {
          const found = place.get(key(Array.from({ length: n }, (_, k) => row[at + k * skip])));
          if (found !== undefined) out[r * width + found]++;
        }
  }
  const mode = c.str('mode');
  const weightOf = new Map(indexes.map((index, i) => [index, weights[i] ?? 1]));
  const result = out.map((count, i) => {
    if (mode === 'TF') return count;
    const on = count > 0 ? 1 : 0;
    const weight = weightOf.get(i % width) ?? 1;
    return mode === 'IDF' ? on * weight : count * weight;
  });
  return Value.known('float', v.shape.length > 1 ? [rows, width] : [width], result);
}

/** ai.onnx.ml: values looked up in a table. */
function labelEncoder(c: Call): Value {
  const v = c.v(0);
  const read = (
    side: 'keys' | 'values',
  ): { list: readonly (string | number | bigint)[]; type: 'string' | 'int64' | 'float' | 'tensor'; like: Value | null } => {
    const strings = c.stringsOr(`${side}_strings`) ?? (side === 'values' ? c.stringsOr('classes_strings') : null);
    if (strings?.length) return { list: strings, type: 'string', like: null };
    const ints = c.intsOr(`${side}_int64s`);
    if (ints?.length) return { list: ints, type: 'int64', like: null };
    const floats = c.floatsOr(`${side}_floats`);
    if (floats?.length) return { list: floats, type: 'float', like: null };
    const t = c.tensorOr(`${side}_tensor`) ?? c.fail(`the ${side} are missing`);
    return { list: Array.from(t.data() as ArrayLike<number>), type: 'tensor', like: t };
  };
  const [keys, values] = [read('keys'), read('values')];
  // Every NaN is the same key.
  const key = (x: string | number | bigint): string => (typeof x === 'string' ? `"${x}` : String(Number(x)));
  const table = new Map(keys.list.map((k, i) => [key(k), values.list[i]]));
  const other = c.tensorOr('default_tensor');
  const fallback: string | number | bigint =
    values.type === 'string'
      ? c.str('default_string', '_Unused')
      : values.type === 'int64'
        ? c.int('default_int64', -1)
        : values.type === 'float'
          ? c.float('default_float', -0)
          : ((other?.data() as ArrayLike<number> | undefined)?.[0] ??
            (values.like?.type === 'string' ? '_Unused' : values.like?.type.startsWith('int') ? -1 : -0));
  const found = Array.from(v.data() as ArrayLike<string | number | bigint>, (x) => table.get(key(x)) ?? fallback);
  const type = values.like?.type ?? (values.type as 'string' | 'int64' | 'float');
  if (type === 'string') return Value.known('string', v.shape, found as string[]);
  if (type === 'int64' || type === 'int32') return Value.ints(found as number[], v.shape, type);
  return Value.of(tensor(found.map(Number), { shape: v.shape, dtype: Value.known(type, [0], []).dtype }), type);
}

/** Operators on text. */
export const TEXT: Readonly<Record<string, Row>> = {
  StringConcat: { run: stringConcat },
  StringSplit: { run: stringSplit },
  StringNormalizer: { run: normalizer },
  RegexFullMatch: { run: regexFullMatch },
  TfIdfVectorizer: { run: tfIdf },
  'ai.onnx.ml:LabelEncoder': { run: labelEncoder },
};
