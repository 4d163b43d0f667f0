/** Options: their table, where they come from, and what a reload changes. */
export { type Change, type ConfigDiff, diffConfig } from './diff.js';
export { exampleFile, optionsTable } from './docs.js';
export { formatDuration, formatSize } from './kinds.js';
export { type Loaded, loadConfig, type Origin, type Sources } from './load.js';
export { CONFIG_FILE_ENV, configFlags, envName, type Flag, fileKey, flagName } from './names.js';
export { type Config, KEYS, type Key, OPTIONS, type Reload } from './options.js';
export { describeProblem, type Problem } from './problems.js';
