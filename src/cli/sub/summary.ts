import type { Percentiles } from '../latency.js';
import { counted, humanCount, humanTime, toMs } from '../units.js';
import type { Findings } from './checker.js';

/** What `--check` has found out, over so many seconds. */
export interface Summary {
  readonly seconds: number;
  readonly findings: Findings;
  /** From the append in the daemon to here; it means something only where both clocks agree. */
  readonly age: Percentiles | undefined;
}

export const summaryText = ({ seconds, findings, age }: Summary): string => {
  const { records, lost, missing, duplicates, reordered, epochChanges } = findings;
  const lines = [
    `${counted(records, 'record')} in ${seconds.toFixed(1)} s`,
    `${humanCount(lost)} lost and declared, ${humanCount(missing)} missing without a word, ` +
      `${humanCount(duplicates)} twice, ${humanCount(reordered)} out of order, ${counted(epochChanges, 'epoch change')}`,
  ];
  if (age !== undefined) {
    const { p50, p90, p99, p999, max } = age;
    const named = { p50, p90, p99, 'p99.9': p999, max };
    lines.push(
      `age: ${Object.entries(named)
        .map(([name, us]) => `${name} ${humanTime(us)}`)
        .join(', ')}`,
    );
  }
  return `${lines.join('\n')}\n`;
};

/** One JSON object on a line; ages in milliseconds, as those of messages are. */
export const summaryJson = ({ seconds, findings, age }: Summary): string => {
  const ageMs = age && Object.fromEntries(Object.entries(age).map(([name, us]) => [name, toMs(us)]));
  return `${JSON.stringify({ type: 'summary', seconds: Math.round(seconds * 1_000) / 1_000, ...findings, ageMs: ageMs ?? null })}\n`;
};
