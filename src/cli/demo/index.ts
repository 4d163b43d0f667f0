import type { Command } from 'commander';
import { integer } from '../arguments.js';
import type { DemoOptions } from './demo.js';

const HELP = `
Starts a daemon, publishes live figures of this machine to it, and shows them as a subscriber receives them. After a
while it kills the daemon with SIGKILL, and starts it again.`;

/** Room for the figures to be seen before and after. */
const ONCE_SECONDS = 9;
/** Below it there is no time to come back. */
const SECONDS_MIN = 2;

export const define = (command: Command): void => {
  command
    .option('--once', `end by itself, after ${ONCE_SECONDS} seconds`)
    .option('--seconds <n>', 'end by itself, after so many seconds', integer(SECONDS_MIN))
    .addHelpText('after', HELP)
    .action(async ({ once, seconds }: { readonly once?: true; readonly seconds?: number }) => {
      const { demo } = await import('./demo.js');
      await demo({ seconds: seconds ?? (once ? ONCE_SECONDS : undefined) } satisfies DemoOptions);
    });
};
