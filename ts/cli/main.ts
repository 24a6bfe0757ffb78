// wick: the command line. Exit codes: 0 done, 1 it failed (a message says why), 2 it was called wrongly.
import { WickError } from '../base/errors.ts';
import { bench } from './bench.ts';
import { type Command, helpOf, parse, UsageError } from './command.ts';
import { compile } from './compile.ts';
import { convert } from './convert.ts';
import { exporting } from './export.ts';
import { info } from './info.ts';
import { profile } from './profile.ts';
import { run } from './run.ts';

const COMMANDS: readonly Command[] = [info, run, compile, exporting, convert, profile, bench];

const HELP = `wick COMMAND MODEL ...

Runs models on one small WebAssembly core, with the same bits on every machine.

Commands:
${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(9)} ${summary}`).join('\n')}

\`wick COMMAND --help\` tells more. Start with a model that wick saved:

  wick info model.wick            what it takes and gives
  wick run model.wick x=random    runs it
  wick export model.wick          makes one .wasm of it

Exit codes: 0 done, 1 it failed, 2 it was called wrongly.
`;

/** Runs one call; its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const out = (text: string): void => void process.stdout.write(`${text}\n`);
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const about = COMMANDS.find((c) => c.name === rest[0]);
    out((about ? helpOf(about) : HELP).trimEnd());
    return name === undefined ? 2 : 0;
  }
  const command = COMMANDS.find((c) => c.name === name);
  try {
    if (command === undefined) throw new UsageError(`no command '${name}'; there are ${COMMANDS.map((c) => c.name).join(', ')}`);
    if (rest.includes('--help') || rest.includes('-h')) out(helpOf(command).trimEnd());
    else await command.run(parse(command, rest), out);
    return 0;
  } catch (error) {
    const known = error instanceof UsageError || error instanceof WickError;
    const text = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`wick${command ? ` ${command.name}` : ''}: ${text}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
