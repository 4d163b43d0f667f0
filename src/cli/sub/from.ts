import { InvalidArgumentError } from 'commander';
import type { From } from '../../client/index.js';
import { parseDuration } from '../arguments.js';

/** The argument of `--from`: where to begin, where `since:` still counts back from the time of asking. */
export type FromArgument = Exclude<From, object> | Extract<From, { offset: number } | { last: number }> | Since;
interface Since {
  readonly agoMs: number;
}

export const FROM_FORMS = 'latest | earliest | EPOCH:OFFSET | last:N | since:DURATION';

/** Parses `latest`, `earliest`, `EPOCH:OFFSET`, `last:100` or `since:10m`. */
export const parseFrom = (text: string): FromArgument => {
  if (text === 'latest' || text === 'earliest') return text;
  const at = text.lastIndexOf(':');
  const [word, value] = [text.slice(0, at), text.slice(at + 1)];
  const agoMs = parseDuration(value);
  if (word === 'since' && agoMs !== undefined) return { agoMs };
  const number = /^[1-9]\d{0,15}$/.test(value) ? Number(value) : undefined;
  if (at > 0 && number !== undefined && Number.isSafeInteger(number) && word !== 'since') {
    if (word === 'latest' || word === 'earliest') {
      throw new InvalidArgumentError(`${word} takes no number; the last ${number} records are last:${number}.`);
    }
    return word === 'last' ? { last: number } : { epoch: word, offset: number };
  }
  throw new InvalidArgumentError(`It must be ${FROM_FORMS}, such as last:100 or since:10m.`);
};

/** What the SDK is told. */
export const resolveFrom = (from: FromArgument, nowMs: number): From =>
  typeof from === 'object' && 'agoMs' in from ? { since: Math.max(0, nowMs - from.agoMs) } : from;
