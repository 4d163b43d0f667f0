import { InvalidArgumentError } from 'commander';
import { patternFault, TOPIC_BYTES_MAX, topicFault } from '../log/index.js';

/** Parsers for the arguments of options. What they throw, commander shows beside the option and what was given. */

/** A whole number from `min` to `max`. */
export const integer =
  (min: number, max: number = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    const upTo = max === Number.MAX_SAFE_INTEGER ? ' or more' : ` to ${max}`;
    throw new InvalidArgumentError(`It must be a whole number, ${min}${upTo}.`);
  };

const DURATION_UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `500ms`, `5s`, `10m`, `2h` or `1d` in milliseconds; undefined for any other text. */
export const parseDuration = (text: string): number | undefined => {
  const [, digits, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * DURATION_UNITS[unit as keyof typeof DURATION_UNITS];
};

/** The longest wait that a timer can do, a day less than 2^31 ms. */
const WAIT_MS_MAX = 24 * DURATION_UNITS.d;

/** A time to wait, in milliseconds. */
export const wait = (text: string): number => {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0 && ms <= WAIT_MS_MAX) return ms;
  throw new InvalidArgumentError('It must be a duration (500ms, 5s, 2m), more than 0 and at most 24d.');
};

/** `100/s`, or just `100`: how many a second. */
export const rate = (text: string): number => {
  const [, number] = /^(\d+(?:\.\d+)?)(?:\/s)?$/.exec(text) ?? [];
  const value = Number(number);
  if (value > 0 && value <= 1e9) return value;
  throw new InvalidArgumentError('It must be records a second, such as 100/s or 0.5/s.');
};

/** Collects `name=value` of a repeatable option. */
export const header = (text: string, earlier: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> => {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must be NAME=VALUE.');
  return new Map([...earlier, [text.slice(0, at), text.slice(at + 1)]]);
};

const TOPIC_FORM = `1 to ${TOPIC_BYTES_MAX} bytes, tokens separated by dots, none of them empty, no whitespace`;

/** The name of one topic. */
export const topic = (text: string): string => {
  const fault = topicFault(text);
  if (fault === undefined) return text;
  throw new InvalidArgumentError(`It ${fault}; a topic is ${TOPIC_FORM}, such as orders.eu.`);
};

/** Collects topics and patterns, each of which may be given once. */
export const topics = (text: string, earlier: readonly string[] = []): readonly string[] => {
  const fault = earlier.includes(text) ? 'is given twice' : patternFault(text);
  if (fault === undefined) return [...earlier, text];
  throw new InvalidArgumentError(
    `It ${fault}; a topic is ${TOPIC_FORM}; in a pattern * stands for one token, and a final > for one or more.`,
  );
};
