import { isDate } from 'node:util/types';
import { OnLag, Start, utf8Bytes } from '../wire/index.js';
import { type Check, fields, object, refuse, text, topicName, whole } from './checks.js';
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

/** Far longer than any server makes them. */
const EPOCH_BYTES_MAX = 255;

const FROM = "'latest', 'earliest', { epoch, offset }, { last }, { since } or { positions }";

const epochAndOffset = { epoch: text(0, EPOCH_BYTES_MAX), offset: whole(1) };

/** A record, or what a publish has come to, is a position, too: other fields are of no importance. */
const position: Check<TopicPosition> = (value, name) => {
  const { epoch, offset } = object(value, name);
  return {
    epoch: epochAndOffset.epoch(epoch, `${name}.epoch`),
    offset: epochAndOffset.offset(offset, `${name}.offset`),
  };
};

const positions: Check<readonly PositionOfTopic[]> = (value, name) => {
  const given = Object(value) as Iterable<unknown>;
  if (typeof given[Symbol.iterator] !== 'function') return refuse(value, name, 'a list of { topic, epoch, offset }');
  return Array.from(given, (each, i) => ({
    topic: topicName(object(each, `${name}[${i}]`).topic, `${name}[${i}].topic`),
    ...position(each, `${name}[${i}]`),
  }));
};

/** A time since 1970, as microseconds can tell it. */
const time: Check<Date | number> = (value, name) => {
  const isTime = (isDate(value) || typeof value === 'number') && isMicroseconds(Number(value) * 1000);
  return isTime ? value : refuse(value, name, 'a Date or milliseconds, since 1970');
};

const isMicroseconds = (us: number): boolean => us >= 0 && us <= Number.MAX_SAFE_INTEGER;

const ofLast = fields({ last: whole(1, UINT32_MAX) });
const ofSince = fields({ since: time });
const ofPositions = fields({ positions });

/** Where to begin, as the caller said; what can be iterated only once is kept. */
export const from: Check<From> = (value, name) => {
  if (value === 'latest' || value === 'earliest') return value;
  if (typeof value !== 'object' || value === null) return refuse(value, name, FROM);
  if ('last' in value) return ofLast(value, name);
  if ('since' in value) return ofSince(value, name);
  if ('positions' in value) return ofPositions(value, name);
  return 'epoch' in value || 'offset' in value ? position(value, name) : refuse(value, name, FROM);
};

/** What `from` means on the wire. */
export function startFields(from: From): StartFields {
  if (from === 'latest') return AT_LATEST;
  if (from === 'earliest' || 'positions' in from) return AT_EARLIEST;
  if ('last' in from) return { ...NOWHERE, start: Start.LAST_N, lastN: from.last };
  if ('since' in from) return { ...NOWHERE, start: Start.SINCE, sinceUs: Math.round(Number(from.since) * 1000) };
  return atPosition(from);
}

/** What a position costs in a SUBSCRIBE frame, at the most: both strings, and 20 bytes of tags and numbers. */
export const positionBytes = (topic: string, epoch: string): number => utf8Bytes(topic) + utf8Bytes(epoch) + 20;
