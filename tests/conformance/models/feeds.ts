// How rows of an evaluation set become a model's input: formulas such as `(x - 83) * 0.58` or `round(x / 0.0037) - 128, clamped to int8`.

type Formula = (x: number) => number;

class Parser {
  private at = 0;
  private readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  private next(): string {
    while (this.text[this.at] === ' ') this.at++;
    return this.text[this.at] ?? '';
  }
  private take(token: string): boolean {
    this.next();
    if (!this.text.startsWith(token, this.at)) return false;
    this.at += token.length;
    return true;
  }
  whole(): Formula {
    const f = this.sum();
    if (this.next() !== '') throw new Error(`the feed '${this.text}' cannot be read from character ${this.at} on`);
    return f;
  }
  private sum(): Formula {
    let f = this.product();
    for (;;) {
      const left = f;
      if (this.take('+')) f = both(left, this.product(), (a, b) => a + b);
      else if (this.take('-')) f = both(left, this.product(), (a, b) => a - b);
      else return f;
    }
  }
  private product(): Formula {
    let f = this.factor();
    for (;;) {
      const left = f;
      if (this.take('*')) f = both(left, this.factor(), (a, b) => a * b);
      else if (this.take('/')) f = both(left, this.factor(), (a, b) => a / b);
      else return f;
    }
  }
  private factor(): Formula {
    if (this.take('-')) {
      const f = this.factor();
      return (x) => -f(x);
    }
    if (this.take('round(')) {
      const f = this.closed();
      return (x) => Math.round(f(x));
    }
    if (this.take('(')) return this.closed();
    if (this.take('x')) return (x) => x;
    const number = /^[0-9.]+(e[+-]?[0-9]+)?/.exec(this.text.slice(this.at));
    if (number === null) throw new Error(`the feed '${this.text}' cannot be read from character ${this.at} on`);
    this.at += number[0].length;
    const value = Number(number[0]);
    return () => value;
  }
  private closed(): Formula {
    const f = this.sum();
    if (!this.take(')')) throw new Error(`a parenthesis of the feed '${this.text}' stays open`);
    return f;
  }
}
const both =
  (f: Formula, g: Formula, op: (a: number, b: number) => number): Formula =>
  (x) =>
    op(f(x), g(x));

/** The formula of a feed; words behind a comma and `as ...` say nothing about numbers. @throws Error for one that cannot be read */
export function formulaOf(feed: string): Formula {
  return new Parser(feed.replace(/\s+as\s.*$/, '').replace(/,.*$/, '')).whole();
}
