const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * A signal that is aborted by Ctrl-C, SIGTERM, or the terminal's end (SIGHUP), so that a command can end in good order.
 * The second time the system's default holds, and the process is gone.
 */
export const interrupted = (): AbortSignal => {
  const controller = new AbortController();
  const stop = (): void => {
    for (const signal of SIGNALS) process.off(signal, stop);
    controller.abort();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  return controller.signal;
};
