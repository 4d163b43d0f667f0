import { type Command, InvalidArgumentError } from 'commander';
import { envName, OPTIONS } from '../../config/index.js';
import { integer } from '../arguments.js';
import type { StatusOptions } from './status.js';

const ROWS_DEFAULT = 20;

export const define = (command: Command): void => {
  const { metricsHost, metricsPort } = OPTIONS;
  command
    .addOption(
      command
        .createOption('--metrics-host <host>', `address of the daemon's side port`)
        .default(metricsHost.default)
        .env(envName('metricsHost')),
    )
    .addOption(
      command
        .createOption('--metrics-port <port>', `the daemon's side port`)
        .default(Number(metricsPort.default))
        .env(envName('metricsPort'))
        .argParser(integer(1, 65_535)),
    )
    .addOption(command.createOption('--port <port>').hideHelp().argParser(notThePort))
    .option('--url <url>', 'the whole address instead, such as http://host:9464/status')
    .option('--rows <n>', 'most topics, and most connections, that are shown', integer(1), ROWS_DEFAULT)
    .option('--watch', 'again every second, until Ctrl-C')
    .option('--json', 'print the JSON that the daemon answers, one object a line')
    .action(async (options: StatusOptions) => {
      const { status } = await import('./status.js');
      await status(options);
    });
};

/** The port of `sub` and `pub` suggests itself. */
const notThePort = (): never => {
  throw new InvalidArgumentError("It is not the daemon's port that is asked, but its side port: --metrics-port.");
};
