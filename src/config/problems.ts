import { fileKey } from './names.js';
import type { Key } from './options.js';

/** Why a configuration was refused. All of them are reported together, so that one look mends them all. */
export type Problem =
  /** A value that its option does not allow. */
  | {
      readonly type: 'value';
      readonly key: Key;
      readonly source: string;
      readonly given: string;
      readonly allowed: string;
    }
  /** A key or variable that is none of ours; `nearest` is the known name that it resembles. */
  | {
      readonly type: 'unknown';
      readonly name: string;
      readonly source: string;
      readonly nearest: string | undefined;
    }
  /** The file cannot be read, or is not the YAML that it should be. */
  | { readonly type: 'file'; readonly source: string; readonly reason: string }
  /** Two values, each allowed, that do not go together. */
  | { readonly type: 'rule'; readonly keys: readonly Key[]; readonly reason: string };

/** One line, in which whatever was given is quoted and cut. */
export const describeProblem = (problem: Problem): string => {
  switch (problem.type) {
    case 'value':
      return `${fileKey(problem.key)} (${problem.source}): ${quote(problem.given)} must be ${problem.allowed}`;
    case 'unknown': {
      const hint = problem.nearest === undefined ? '' : `; did you mean ${problem.nearest}?`;
      return `${problem.source}: ${quote(problem.name)} is not known${hint}`;
    }
    case 'file':
      return `${problem.source}: ${problem.reason}`;
    case 'rule':
      return problem.reason;
  }
};

const QUOTED_CHARS_MAX = 80;
const quote = (text: string): string =>
  JSON.stringify(text.length <= QUOTED_CHARS_MAX ? text : `${text.slice(0, QUOTED_CHARS_MAX)}…`);

/** The candidate that is at most two typing errors away from `name`, if any; capitals are no errors. */
export const nearest = (name: string, candidates: readonly string[]): string | undefined => {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= 2 ? best.candidate : undefined;
};

/** Levenshtein's distance, one row of the matrix at a time. */
const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
};
