import { OnLag, Start, utf8Bytes } from '../wire/index.js';
import { invalid } from './errors.js';
import type { TopicPosition } from './events.js';

/** A position, and the topic it belongs to. */
export interface PositionOfTopic extends TopicPosition {
  readonly topic: string;
}

/**
 * Where to begin.
 *
 * - `latest`: with what is published from now on. `earliest`: with the first record retained.
 * - a position: with that record. An empty epoch stands for the present one.
 * - `last`: with so many records before the end. `since`: with the first appended at that time or later.
 * - `positions`, for a pattern: each of these topics there, and every other with its first record.
 */
export type From =
  | 'latest'
  | 'earliest'
  | TopicPosition
  | { readonly last: number }
  | { readonly since: Date | number }
  | { readonly positions: Iterable<PositionOfTopic> };

export type OnLagName = 'wait' | 'skip' | 'latest-per-key' | 'disconnect';

export const ON_LAG: { readonly [name in OnLagName]: OnLag } = {
  wait: OnLag.WAIT,
  skip: OnLag.SKIP,
  'latest-per-key': OnLag.LATEST_PER_KEY,
  disconnect: OnLag.DISCONNECT,
};

/** The fields of SUBSCRIBE and FETCH that say where to begin. */
export interface StartFields {
  readonly start: Start;
  readonly epoch: string;
  readonly offset: number;
  readonly lastN: number;
  readonly sinceUs: number;
}

const NOWHERE: StartFields = { start: Start.LATEST, epoch: '', offset: 0, lastN: 0, sinceUs: 0 };
export const AT_LATEST: StartFields = NOWHERE;
export const AT_EARLIEST: StartFields = { ...NOWHERE, start: Start.EARLIEST };

export const atPosition = ({ epoch, offset }: TopicPosition): StartFields => ({
  ...NOWHERE,
  start: Start.POSITION,
  epoch,
  offset,
});

/** The largest count or time that SUBSCRIBE and FETCH can carry. */
export const UINT32_MAX = 0xffff_ffff;

/** What `from` means on the wire. Throws INVALID_ARGUMENT for what it cannot say. */
export function startFields(from: From): StartFields {
  if (from === 'latest') return AT_LATEST;
  if (from === 'earliest' || 'positions' in from) return AT_EARLIEST;
  if ('last' in from) {
    if (!isCount(from.last) || from.last > UINT32_MAX) throw invalid(`from.last must be 1 to ${UINT32_MAX}`);
    return { ...NOWHERE, start: Start.LAST_N, lastN: from.last };
  }
  if ('since' in from) {
    const sinceUs = Math.round(Number(from.since) * 1000);
    if (!Number.isSafeInteger(sinceUs) || sinceUs < 0) throw invalid('from.since must be a time since 1970');
    return { ...NOWHERE, start: Start.SINCE, sinceUs };
  }
  if (!isCount(from.offset)) throw invalid('an offset must be 1 to 2^53 - 1');
  return atPosition(from);
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value > 0;

/** What a position costs in a SUBSCRIBE frame, at the most: both strings, and 20 bytes of tags and numbers. */
export const positionBytes = (topic: string, epoch: string): number => utf8Bytes(topic) + utf8Bytes(epoch) + 20;
