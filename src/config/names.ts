import type { Kind } from './kinds.js';
import { KEYS, type Key, OPTIONS } from './options.js';

/** What an option is called in each place, all from its key in the table. */

export const ENV_PREFIX = 'PUSH_DAEMON_';
/** Names the configuration file, as `--config` does; it has no place in the file itself. */
export const CONFIG_FILE_ENV = `${ENV_PREFIX}CONFIG`;

/** The key in the file, and the flag without its dashes: `max-conns`. */
export const fileKey = (key: Key): string => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
/** `--max-conns` */
export const flagName = (key: Key): string => `--${fileKey(key)}`;
/** `PUSH_DAEMON_MAX_CONNS` */
export const envName = (key: Key): string => ENV_PREFIX + fileKey(key).replaceAll('-', '_').toUpperCase();

/** What a command line parser needs to know of an option. */
export interface Flag {
  readonly key: Key;
  /** `--max-conns <integer>` */
  readonly flags: string;
  readonly description: string;
  readonly default: string;
  readonly env: string;
}

/** The options as flags, in the order of the table. Their values are left as text for `loadConfig`. */
export const configFlags = (): readonly Flag[] =>
  KEYS.map((key) => {
    const { value, description, default: fallback } = OPTIONS[key];
    const flags = `${flagName(key)} <${argumentOf(value)}>`;
    return { key, flags, description, default: fallback, env: envName(key) };
  });

const argumentOf = (kind: Kind): string => {
  if (kind.kind === 'choice') return kind.values.join('|');
  return kind.kind === 'duration' && kind.word !== undefined ? `${kind.word}|duration` : kind.kind;
};
