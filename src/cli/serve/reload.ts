import { type Change, describeProblem, fileKey } from '../../config/index.js';
import type { Daemon } from '../../daemon/index.js';
import { type ConfigFlags, load } from '../config-flags.js';

/**
 * Reads the configuration again, and has the daemon take over what changed. All of it is parsed and checked before
 * any of it is used: if anything is wrong, the old configuration stays whole, and the log says why in one line.
 */
export const reload = ({ log, reload: takeOver }: Pick<Daemon, 'log' | 'reload'>, flags: ConfigFlags): void => {
  const loaded = load(flags);
  if (!loaded.ok) {
    log.error({ problems: loaded.problems.map(describeProblem) }, 'configuration not reloaded: the old one stays');
    return;
  }
  const { changes, needRestart } = takeOver(loaded.config);
  log.info({ changed: listed(changes) }, 'configuration reloaded');
  if (needRestart.length > 0) log.warn({ changed: listed(needRestart) }, 'these changes need a restart');
};

const listed = (changes: readonly Change[]): object =>
  Object.fromEntries(changes.map(({ key, from, to, reload: acts }) => [fileKey(key), { from, to, acts }]));
