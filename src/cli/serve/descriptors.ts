import { readFileSync } from 'node:fs';
import type { Config } from '../../config/index.js';
import type { Daemon } from '../../daemon/index.js';

/** Descriptors that are no connections: the side port's 64, both listeners, the event loop, the log, files. */
const OTHER_DESCRIPTORS = 128;

/** Warns if the system will not let the daemon have as many connections as it is configured for. */
export const warnOfDescriptors = (log: Daemon['log'], { maxConns }: Pick<Config, 'maxConns'>): void => {
  const limit = descriptorLimit();
  if (limit === undefined || maxConns + OTHER_DESCRIPTORS <= limit) return;
  log.warn(
    { maxConns, descriptorLimit: limit },
    'max-conns is above what the limit of file descriptors allows: raise it (ulimit -n), or lower max-conns',
  );
};

/** The soft limit of open files; undefined where there is none, or no way to know. */
const descriptorLimit = (): number | undefined => {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    // Only Linux has this file.
    return undefined;
  }
};
