// What a command is, and how its words are read.

/** An option `--name`, with a value if `value` names one. */
export interface Option {
  readonly name: string;
  /** One letter for `-o`. */
  readonly short?: string;
  readonly value?: string;
  readonly doc: string;
}
export interface Command {
  readonly name: string;
  /** What follows the name: `MODEL [INPUT ...]`. */
  readonly takes: string;
  readonly summary: string;
  /** Paragraphs and examples behind the options. */
  readonly help: string;
  readonly options: readonly Option[];
  /** Prints by `out`. Throws UsageError where it was called wrongly, anything else where it failed. */
  run(words: Words, out: (text: string) => void): Promise<void>;
}
/** The words of a call: what stands alone, and options by name (a flag is ''; several values of one option in their order). */
export interface Words {
  readonly plain: readonly string[];
  readonly options: ReadonlyMap<string, readonly string[]>;
}

/** A call that does not fit a command: exit code 2. */
export class UsageError extends Error {}

/** @throws UsageError for an unknown option or a missing value */
export function parse({ name, options }: Command, args: readonly string[]): Words {
  const plain: string[] = [];
  const found = new Map<string, string[]>();
  for (let i = 0; i < args.length; i++) {
    const word = args[i];
    if (word === '--') {
      plain.push(...args.slice(i + 1));
      break;
    }
    if (!/^-[-a-z]/.test(word)) {
      plain.push(word);
      continue;
    }
    const [key, given] = word.includes('=') ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] : [word, undefined];
    const option = options.find((o) => key === `--${o.name}` || (o.short !== undefined && key === `-${o.short}`));
    if (option === undefined) throw new UsageError(`unknown option ${key}; \`wick ${name} --help\` lists them`);
    if (option.value === undefined && given !== undefined) throw new UsageError(`${key} takes no value`);
    const value = option.value === undefined ? '' : (given ?? args[++i]);
    if (value === undefined) throw new UsageError(`${key} needs a value: ${key} ${option.value}`);
    found.set(option.name, [...(found.get(option.name) ?? []), value]);
  }
  return { plain, options: found };
}
/** The last value of an option, or undefined. */
export const lastOf = ({ options }: Words, name: string): string | undefined => options.get(name)?.at(-1);

/** The whole number of an option. @throws UsageError */
export function numberOf(words: Words, name: string, standard: number): number {
  const text = lastOf(words, name);
  if (text === undefined) return standard;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`--${name} is a whole number from 1, not '${text}'`);
  return Number(text);
}
/** The first plain word. @throws UsageError */
export function modelOf({ plain }: Words): string {
  if (plain.length === 0) throw new UsageError('which model? Name a file');
  return plain[0];
}

/** `wick NAME --help`. */
export function helpOf({ name, takes, summary, help, options }: Command): string {
  const left = (o: Option): string => `  ${o.short ? `-${o.short}, ` : ''}--${o.name}${o.value ? ` ${o.value}` : ''}`;
  const lines = options.map((o) => `${left(o).padEnd(28)} ${o.doc}`);
  const list = lines.length ? `\nOptions:\n${lines.join('\n')}\n` : '';
  return `wick ${name} ${takes}\n\n${summary}\n${list}\n${help.trim()}\n`;
}
