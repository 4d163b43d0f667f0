/**
 * A signal that is aborted by Ctrl-C or SIGTERM, so that a command can end in good order. The second time the system's
 * default holds, and the process is gone.
 */
export const interrupted = (): AbortSignal => {
  const controller = new AbortController();
  const stop = (): void => {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
};
