import { FormatError } from '../base/errors.ts';

/** A JSON value that keeps what `JSON.parse` loses: integers are bigints (other numbers are numbers), objects are Maps. */
export type Json = null | boolean | string | number | bigint | Json[] | Map<string, Json>;

const MAX_DEPTH = 127;
const PLAIN = /"[ !#-[\]-~]*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const INTEGER = /^(?:0|-?[1-9]\d{0,19})$/;

/**
 * Reads strict JSON (RFC 8259) from a source that is not trusted: a repeated key, a lone surrogate and nesting deeper than 127 are
 * refused, as well as anything after the value; throws FormatError, which begins with `what` and names the character.
 *
 * `parseJson('{"a": [1, 1.5]}', 'header') // Map { 'a' => [1n, 1.5] }`
 */
export function parseJson(text: string, what: string): Json {
  return new Reader(text, what).document();
}

class Reader {
  private readonly text: string;
  private readonly what: string;
  private at = 0;
  private depth = 0;

  constructor(text: string, what: string) {
    this.text = text;
    this.what = what;
  }

  document(): Json {
    const value = this.value();
    this.space();
    if (this.at < this.text.length) this.fail('expected the end');
    return value;
  }

  private value(): Json {
    this.space();
    const c = this.text[this.at];
    if (c === '{') return this.nested(() => this.object());
    if (c === '[') return this.nested(() => this.array());
    if (c === '"') return this.string();
    if (c === 't') return this.word('true', true);
    if (c === 'f') return this.word('false', false);
    if (c === 'n') return this.word('null', null);
    return this.number();
  }

  private nested<T>(read: () => T): T {
    if (++this.depth > MAX_DEPTH) this.fail(`nested deeper than ${MAX_DEPTH}`);
    this.at++;
    const value = read();
    this.depth--;
    return value;
  }

  private object(): Map<string, Json> {
    const map = new Map<string, Json>();
    if (this.take('}')) return map;
    do {
      this.space();
      const start = this.at;
      if (this.text[start] !== '"') this.fail('expected a key in quotes');
      const key = this.string();
      if (map.has(key)) {
        this.at = start;
        this.fail(`the key ${JSON.stringify(key.slice(0, 100))} appears twice`);
      }
      this.expect(':');
      map.set(key, this.value());
    } while (this.take(','));
    this.expect('}');
    return map;
  }

  private array(): Json[] {
    const list: Json[] = [];
    if (this.take(']')) return list;
    do list.push(this.value());
    while (this.take(','));
    this.expect(']');
    return list;
  }

  private string(): string {
    PLAIN.lastIndex = this.at;
    const plain = PLAIN.exec(this.text)?.[0];
    if (plain !== undefined) {
      this.at += plain.length;
      return plain.slice(1, -1);
    }
    let end = this.at + 1;
    while (end < this.text.length && this.text[end] !== '"') end += this.text[end] === '\\' ? 2 : 1;
    if (end >= this.text.length) this.fail('this string never ends');
    let value = '';
    try {
      value = JSON.parse(this.text.slice(this.at, end + 1)) as string;
    } catch {
      this.fail('this string holds a bad escape or a control character');
    }
    if (/\p{Surrogate}/u.test(value)) this.fail('this string holds half of a surrogate pair');
    this.at = end + 1;
    return value;
  }

  private number(): number | bigint {
    NUMBER.lastIndex = this.at;
    const token = NUMBER.exec(this.text)?.[0];
    if (token === undefined) return this.fail('expected a value');
    this.at += token.length;
    if (INTEGER.test(token)) return BigInt(token);
    const value = Number(token);
    if (!Number.isFinite(value)) this.fail('a number beyond float64 ends here');
    return value;
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) this.fail('expected a value');
    this.at += word.length;
    return value;
  }

  private space(): void {
    for (let c = this.text.charCodeAt(this.at); c === 32 || c === 10 || c === 13 || c === 9; c = this.text.charCodeAt(this.at)) this.at++;
  }

  private take(c: string): boolean {
    this.space();
    if (this.text[this.at] !== c) return false;
    this.at++;
    return true;
  }

  private expect(c: string): void {
    if (!this.take(c)) this.fail(`expected '${c}'`);
  }

  private fail(problem: string): never {
    const found =
      this.at < this.text.length ? `character ${this.at}, ${JSON.stringify(this.text.slice(this.at, this.at + 20))}` : 'its end';
    throw new FormatError(`${this.what}: not valid JSON at ${found}: ${problem}`);
  }
}
