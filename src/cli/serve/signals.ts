import { EXIT_CODES } from '../exit-codes.js';

/** What the signals ask of the daemon. */
export interface Signals {
  /** Resolves with the name of the first signal that asks for the end. */
  readonly end: Promise<NodeJS.Signals>;
  /** From now on SIGHUP does this. Until then it is ignored: what it would have read is being read anyway. */
  onReload(reload: () => void): void;
}

/**
 * Takes the signals over. A parent that has opened a channel to this process and is gone counts as SIGTERM. To be called before anything else is begun: a signal during the start then ends the daemon
 * in good order as soon as it is up, rather than in the middle. The second one that asks for the end is obeyed on the
 * spot, whatever is going on.
 */
export const takeSignals = (): Signals => {
  let reload = (): void => {};
  process.on('SIGHUP', () => reload());
  const end = new Promise<NodeJS.Signals>((resolve) => {
    let asked = false;
    const ask = (signal: NodeJS.Signals): void => {
      if (asked) process.exit(EXIT_CODES.failed.code);
      asked = true;
      resolve(signal);
    };
    process.on('SIGTERM', ask);
    process.on('SIGINT', ask);
    process.on('disconnect', () => ask('SIGTERM'));
  });
  return {
    end,
    onReload: (work) => {
      reload = work;
    },
  };
};
