import type { Command } from 'commander';
import {
  type Config,
  describeProblem,
  fileKey,
  formatDuration,
  formatSize,
  KEYS,
  type Key,
  OPTIONS,
} from '../config/index.js';
import { addConfigFlags, type ConfigFlags, load, loadOrFail } from './config-flags.js';
import { EXIT_CODES } from './exit-codes.js';
import { renderTable } from './table.js';

interface CheckOptions extends ConfigFlags {
  readonly json?: true;
}

export const define = (command: Command): void => {
  addConfigFlags(command)
    .option('--json', 'print one JSON object')
    .action((options: CheckOptions) => (options.json ? printJson(options) : printTable(options)));
};

const printTable = (options: CheckOptions): void => {
  const { config, origin } = loadOrFail(options);
  const rows = KEYS.map((key) => [fileKey(key), shown(key, config), origin[key]]);
  process.stdout.write(renderTable([{ title: 'OPTION' }, { title: 'VALUE' }, { title: 'FROM' }], rows));
};

/** Values as the daemon takes them: durations in milliseconds, sizes in bytes. */
const printJson = (options: CheckOptions): void => {
  const loaded = load(options);
  const answer = loaded.ok
    ? {
        ok: true,
        options: Object.fromEntries(
          KEYS.map((key) => [fileKey(key), { value: loaded.config[key], from: loaded.origin[key] }]),
        ),
      }
    : { ok: false, problems: loaded.problems.map((problem) => ({ ...problem, message: describeProblem(problem) })) };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  if (!loaded.ok) process.exitCode = EXIT_CODES.usage.code;
};

/** A value as one would write it. */
const shown = (key: Key, config: Config): string => {
  const value = config[key];
  if (typeof value === 'string') return value;
  const { kind } = OPTIONS[key].value;
  if (kind === 'duration') return formatDuration(value);
  return kind === 'size' ? formatSize(value) : String(value);
};
