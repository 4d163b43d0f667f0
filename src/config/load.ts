import { type Entry, parseFile } from './file.js';
import { allowed, parseValue } from './kinds.js';
import { CONFIG_FILE_ENV, ENV_PREFIX, envName, fileKey, flagName } from './names.js';
import { type Config, KEYS, type Key, OPTIONS } from './options.js';
import { nearest, type Problem } from './problems.js';
import { brokenRules } from './rules.js';

/** The text given by each source, as it came. */
export interface Sources {
  /** Flags that were given, by key. */
  readonly flags: { readonly [K in Key]?: string };
  readonly env: { readonly [name: string]: string | undefined };
  /** The file of `--config`; without it, `PUSH_DAEMON_CONFIG` names one, or there is none. */
  readonly file?: string;
  /** Returns the text of a file; what it throws becomes a problem. */
  readonly readFile: (path: string) => string;
}

/** Where each value came from: `--max-conns`, `PUSH_DAEMON_MAX_CONNS`, `push-daemon.yaml line 3` or `default`. */
export type Origin = { readonly [K in Key]: string };

export type Loaded =
  | { readonly ok: true; readonly config: Config; readonly origin: Origin }
  | { readonly ok: false; readonly problems: readonly Problem[] };

interface Given {
  readonly key: Key;
  readonly text: string;
  readonly source: string;
}

/**
 * The configuration that the sources make together: flags before environment before file before defaults. A value is
 * checked even where another overrides it. Reads nothing but the one file, through `readFile`.
 */
export const loadConfig = ({ flags, env, file = env[CONFIG_FILE_ENV], readFile }: Sources): Loaded => {
  const problems: Problem[] = [];
  // From the weakest source to the strongest, so that the last one to give a value wins.
  const given = [
    ...KEYS.map((key): Given => ({ key, text: OPTIONS[key].default, source: 'default' })),
    ...(file === undefined ? [] : fromFile(file, readFile, problems)),
    ...fromEnvironment(env, problems),
    ...fromFlags(flags),
  ];

  const values = new Map<Key, string | number>();
  const origin = new Map<Key, string>();
  for (const { key, text, source } of given) {
    const { value: kind } = OPTIONS[key];
    const value = parseValue(kind, text);
    if (value === undefined) problems.push({ type: 'value', key, source, given: text, allowed: allowed(kind) });
    // NaN breaks no rule between two options, so one mistake is not reported twice.
    values.set(key, value ?? Number.NaN);
    origin.set(key, source);
  }

  // The table of options gives every key the type that its kind parses to; a Map cannot say so.
  const config = Object.freeze(Object.fromEntries(values)) as Config;
  problems.push(...brokenRules(config));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, config, origin: Object.freeze(Object.fromEntries(origin)) as Origin };
};

const fromFlags = (flags: Sources['flags']): Given[] =>
  KEYS.flatMap((key) => {
    const text = flags[key];
    return text === undefined ? [] : [{ key, text, source: flagName(key) }];
  });

const fromEnvironment = (env: Sources['env'], problems: Problem[]): Given[] => {
  const names = Object.keys(env).filter((name) => name.startsWith(ENV_PREFIX) && name !== CONFIG_FILE_ENV);
  const entries = names.map((name) => ({ name, text: env[name] ?? '', source: 'environment' }));
  return onlyKnown(entries, envName, problems).map((given) => ({ ...given, source: envName(given.key) }));
};

const fromFile = (path: string, readFile: Sources['readFile'], problems: Problem[]): Given[] => {
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    problems.push({ type: 'file', source: path, reason: `cannot be read (${errorCode(error)})` });
    return [];
  }
  const parsed = parseFile(path, text);
  problems.push(...parsed.problems);
  return onlyKnown(parsed.entries, fileKey, problems);
};

/** Looks up in a Map, so that `__proto__` and `constructor` are unknown names like any other. */
const onlyKnown = (entries: readonly Entry[], nameOf: (key: Key) => string, problems: Problem[]): Given[] => {
  const keys = new Map(KEYS.map((key) => [nameOf(key), key]));
  const given: Given[] = [];
  for (const { name, text, source } of entries) {
    const key = keys.get(name);
    if (key !== undefined) given.push({ key, text, source });
    else problems.push({ type: 'unknown', name, source, nearest: nearest(name, [...keys.keys()]) });
  }
  return given;
};

/** `ENOENT` and the like say more in less than a message with a stack. */
const errorCode = (error: unknown): string =>
  error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
