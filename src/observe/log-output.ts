/**
 * Log lines that wait for a reader of standard output who has stopped. Past it lines are dropped: a daemon must not
 * stand still, or grow, because nobody reads its log.
 */
const PENDING_BYTES_MAX = 4 * 2 ** 20;

/** The longest that an end waits for its last lines to be read. A reader that is there takes them in far less. */
const FLUSH_MS_MAX = 1_000;

const ignore = (): void => {};

/**
 * Log lines go to Node's own standard output, whose pipes do not block: a write that hangs in a thread of its own would
 * keep the process from ending.
 */
export const standardOutput = (): { write(line: string): void } => {
  const { stdout } = process;
  // A reader that has gone, or a full disk, costs the lines and no more. One listener, however many loggers there are.
  stdout.off('error', ignore).on('error', ignore);
  return {
    write: (line) => {
      if (stdout.writableLength < PENDING_BYTES_MAX) stdout.write(line);
    },
  };
};

/**
 * To be awaited before the process is ended: resolves when the lines of standard output are read, or cannot be, or
 * nobody has read them for a second.
 */
export const flushStandardOutput = (): Promise<void> =>
  new Promise((resolve) => {
    const late = setTimeout(resolve, FLUSH_MS_MAX);
    // Called when everything before it was written, and when it could not be.
    process.stdout.write('', () => {
      clearTimeout(late);
      resolve();
    });
  });
