import type { Command } from 'commander';
export const define = (command: Command): void => {
  command.action(() => {});
};
