import type { Command } from 'commander';
import { addConfigFlags, type ConfigFlags } from '../config-flags.js';

const SIGNALS = `
Signals:
  SIGTERM, SIGINT  drain: clients are sent away in good order, then exit 0; a second one exits at once, with 1
  SIGHUP           read the configuration again; if anything is wrong with it, nothing changes`;

export const define = (command: Command): void => {
  addConfigFlags(command)
    .addHelpText('after', SIGNALS)
    .action(async (options: ConfigFlags) => {
      const { serve } = await import('./serve.js');
      await serve(options);
    });
};
