import { Command } from 'commander';
import { exitCodesHelp } from './exit-codes.js';
import { Failure, judge } from './failure.js';

/** The commands. Each is loaded only when it is the one that was asked for: a daemon has no need of the SDK. */
const COMMANDS = {
  serve: { summary: 'run the daemon (the default command)', load: () => import('./serve/index.js') },
  check: { summary: 'show what the configuration comes to, without starting', load: () => import('./check.js') },
  sub: { summary: 'subscribe, and print what comes as lines', load: () => import('./sub/index.js') },
  pub: { summary: 'publish arguments, or standard input a line a record', load: () => import('./pub/index.js') },
  status: { summary: 'look at a running daemon', load: () => import('./status/index.js') },
  demo: { summary: 'watch a daemon at work, being killed and coming back', load: () => import('./demo/index.js') },
} as const;

const isCommand = (name: string | undefined): name is keyof typeof COMMANDS =>
  name !== undefined && Object.hasOwn(COMMANDS, name);

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
