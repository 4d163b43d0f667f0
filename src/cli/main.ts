import { Command } from 'commander';
import { COMMANDS, isCommand } from './commands.js';
import { exitCodesHelp } from './exit-codes.js';
import { Failure, judge } from './failure.js';

/** The version comes with the whole daemon, and so is loaded only when it is asked for. */
const versionFor = async (argument: string | undefined): Promise<string> =>
  argument === '-V' || argument === '--version' ? (await import('../daemon/index.js')).VERSION : '';

const buildProgram = async ([first, second]: readonly string[]): Promise<Command> => {
  const program = new Command('push-daemon')
    .description('Keeps many long-lived TCP connections and pushes ordered, resumable streams of messages down them.')
    .version(await versionFor(first), '-V, --version', 'print the version')
    .addHelpText('after', `\nThe flags of the daemon: push-daemon serve --help\n${exitCodesHelp()}`)
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'push-daemon: ')) })
    .exitOverride();

  const named = first === 'help' ? second : first;
  if (named !== undefined && !named.startsWith('-') && !isCommand(named)) {
    throw new Failure(
      'usage',
      `unknown command ${JSON.stringify(named)}: there are ${Object.keys(COMMANDS).join(', ')}`,
    );
  }
  const chosen = isCommand(named) ? named : 'serve';
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = program.command(name, { isDefault: name === 'serve' }).description(summary);
    if (name !== chosen) continue;
    const { define } = await load();
    define(command);
    command.addHelpText('after', exitCodesHelp());
  }
  return program;
};

/** The one way out of an error, wherever it came from. */
const fail = (error: unknown): void => {
  const { code, message } = judge(error);
  if (message !== undefined) process.stderr.write(`${message.replaceAll(/^/gm, 'push-daemon: ')}\n`);
  process.exitCode = code;
};

// What is told on the side may find a reader gone, or a disk full: the work goes on without it.
process.stderr.on('error', () => {});

// An error that nobody caught has left the process in a state that nobody knows.
process.on('uncaughtException', (error) => {
  fail(error);
  process.exit();
});

const args = process.argv.slice(2);
try {
  const program = await buildProgram(args);
  await program.parseAsync(args, { from: 'user' });
} catch (error) {
  fail(error);
}
