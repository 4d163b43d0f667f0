import type { Command } from 'commander';
import { OPTIONS } from '../../config/index.js';
import { integer } from '../arguments.js';
import type { StatusOptions } from './status.js';

const ROWS_DEFAULT = 20;

export const define = (command: Command): void => {
  const { metricsHost, metricsPort } = OPTIONS;
  command
    .option('--metrics-host <host>', `address of the daemon's side port`, metricsHost.default)
    .option('--metrics-port <port>', `the daemon's side port`, integer(1, 65_535), Number(metricsPort.default))
    .option('--url <url>', 'the whole address instead, such as http://host:9464/status')
    .option('--rows <n>', 'most topics, and most connections, that are shown', integer(1), ROWS_DEFAULT)
    .option('--watch', 'again every second, until Ctrl-C')
    .option('--json', 'print the JSON that the daemon answers, one object a line')
    .action(async (options: StatusOptions) => {
      const { status } = await import('./status.js');
      await status(options);
    });
};
