import { type Config, KEYS, type Key, OPTIONS, type Reload } from './options.js';

/** One option that a reload would change. */
export interface Change {
  readonly key: Key;
  readonly from: Config[Key];
  readonly to: Config[Key];
  readonly reload: Reload;
}

export interface ConfigDiff {
  /** What the running daemon can take over. */
  readonly changes: readonly Change[];
  /** What stays as it was until the daemon is restarted. */
  readonly needRestart: readonly Change[];
  /** The new configuration, less what needs a restart. */
  readonly effective: Config;
}

/** Compares the configuration that runs with one that was loaded anew. */
export const diffConfig = (old: Config, loaded: Config): ConfigDiff => {
  const all = KEYS.filter((key) => old[key] !== loaded[key]).map((key) => ({
    key,
    from: old[key],
    to: loaded[key],
    reload: OPTIONS[key].reload,
  }));
  const needRestart = all.filter(({ reload }) => reload === 'restart');
  const kept = Object.fromEntries(needRestart.map(({ key, from }) => [key, from]));
  return {
    changes: all.filter(({ reload }) => reload !== 'restart'),
    needRestart,
    effective: Object.freeze({ ...loaded, ...kept }),
  };
};
