import { inspect } from 'node:util';
import { utf8Bytes } from '../wire/index.js';
import { invalid } from './errors.js';

/**
 * What is known of an argument's type is what the compiler was told, and callers in JavaScript have none: every argument
 * of the client goes through one of these, at the call, before anything comes of it. A check returns what it was given,
 * or throws INVALID_ARGUMENT, which names the argument, what is allowed and what was given.
 */
export type Check<T> = (value: unknown, name: string) => T;

/** Throws INVALID_ARGUMENT. */
export function refuse(value: unknown, name: string, allowed: string): never {
  throw invalid(`${name} must be ${allowed}, not ${shown(value)}`);
}

/** A value in a few words, and without any of its own code being run. */
const shown = (value: unknown): string =>
  inspect(value, { depth: 0, maxArrayLength: 3, maxStringLength: 60, breakLength: Infinity, customInspect: false });

/** A whole number from `min` to `max`, both inclusive. */
export const whole =
  (min: number, max = Number.MAX_SAFE_INTEGER): Check<number> =>
  (value, name) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? (value as number)
      : refuse(value, name, `a whole number from ${min} to ${max === Number.MAX_SAFE_INTEGER ? '2^53 - 1' : max}`);

/** Milliseconds, of which Infinity means that there is no limit. */
export const patience: Check<number> = (value, name) =>
  typeof value === 'number' && value >= 0 ? value : refuse(value, name, '0 milliseconds or more, or Infinity');

/** A string of so many bytes of UTF-8. */
export const text =
  (minBytes: number, maxBytes: number): Check<string> =>
  (value, name) => {
    // No string has fewer bytes than characters: one that is far too long is not counted.
    const bytes = typeof value === 'string' && value.length <= maxBytes ? utf8Bytes(value) : -1;
    return bytes >= minBytes && bytes <= maxBytes
      ? (value as string)
      : refuse(value, name, `a string of ${minBytes} to ${maxBytes} bytes`);
  };

/** The longest topic, in bytes of UTF-8, as the protocol has it. */
const TOPIC_BYTES_MAX = 255;

/** A topic or a pattern; a server might end the connection for one that is too long. */
export const topicName = text(1, TOPIC_BYTES_MAX);

export const oneOf =
  <T extends string>(names: readonly T[]): Check<T> =>
  (value, name) =>
    names.find((allowed) => allowed === value) ?? refuse(value, name, names.map((each) => `'${each}'`).join(' or '));

/** An `AbortSignal`, of whatever realm, or what behaves like one. */
const signal: Check<AbortSignal> = (value, name) => {
  const { aborted, addEventListener } = Object(value) as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function'
    ? (value as AbortSignal)
    : refuse(value, name, 'an AbortSignal');
};

/** What may be left out. */
export const optional =
  <T, D>(check: Check<T>, byDefault: D): Check<T | D> =>
  (value, name) =>
    value === undefined ? byDefault : check(value, name);

export const optionalSignal = optional(signal, undefined);

/** An object of these fields, and no others. */
export const fields = <T extends object>(checks: { readonly [K in keyof T]-?: Check<T[K]> }): Check<T> => {
  const names = Object.keys(checks) as (keyof T & string)[];
  return (value, name) => {
    const given = object(value, name);
    refuseOthers(given, names, name);
    return Object.fromEntries(names.map((field) => [field, checks[field](given[field], `${name}.${field}`)])) as T;
  };
};

/** Anything with fields. */
export const object: Check<{ readonly [field: string]: unknown }> = (value, name) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { readonly [field: string]: unknown })
    : refuse(value, name, 'an object');

/** Throws INVALID_ARGUMENT for a field of another name, which is more likely misspelt than of no importance. */
export function refuseOthers(given: object, names: readonly string[], of: string): void {
  for (const field in given) {
    if (!names.includes(field)) throw invalid(`${of} has no ${shown(field)}: there are ${names.join(', ')}`);
  }
}
