import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  CONFIG_FILE_ENV,
  configFlags,
  describeProblem,
  KEYS,
  type Key,
  type Loaded,
  loadConfig,
} from '../config/index.js';
import { Failure } from './failure.js';

/** The values of the configuration's flags as they were given, and the file of `--config`. */
export type ConfigFlags = { readonly [K in Key]?: string } & { readonly config?: string };

/** Gives a command every flag of the configuration. Values stay text: the table of options parses and checks them. */
export const addConfigFlags = (command: Command): Command => {
  command.option('--config <file>', `YAML file to read (env: ${CONFIG_FILE_ENV})`);
  for (const { flags, description, default: fallback, env } of configFlags()) {
    command.option(flags, `${description} (default: ${fallback}, env: ${env})`);
  }
  return command;
};

/** Reads all sources anew. */
export const load = ({ config: file, ...options }: ConfigFlags): Loaded => {
  const flags = Object.fromEntries(KEYS.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])));
  return loadConfig({
    flags,
    env: process.env,
    ...(file !== undefined && { file }),
    readFile: (path) => readFileSync(path, 'utf8'),
  });
};

/** Reads all sources, or fails with everything that is wrong with them. */
export const loadOrFail = (options: ConfigFlags): Extract<Loaded, { ok: true }> => {
  const loaded = load(options);
  if (!loaded.ok) throw new Failure('usage', loaded.problems.map(describeProblem).join('\n'));
  return loaded;
};
