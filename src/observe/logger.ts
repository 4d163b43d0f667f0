import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import { standardOutput } from './log-output.js';

export type { Logger } from 'pino';

export interface LoggerOptions {
  /** One of pino's levels, or `silent`. */
  readonly level: string;
  /** Standard output if none is given. */
  readonly stream?: DestinationStream;
}

/**
 * JSON, one line each, with the level as a word and the time in ISO 8601. Every text among the fields is made fit here,
 * whoever chose it, so that no caller has to know which of them a peer did.
 */
export const createLogger = ({ level, stream = standardOutput() }: LoggerOptions): Logger =>
  pino(
    {
      level,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: fit },
    },
    stream,
  );

/** The fields of a line, each text bounded. What is no text is the daemon's own. */
const fit = (fields: object): { [name: string]: unknown } =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? bounded(value) : value]),
  );

/** Characters kept of a text that a peer chose, if nothing else is said. */
const TEXT_CHARS_MAX = 256;

/**
 * Makes a text that a peer chose fit to be logged: cut to `max` characters, with the length that it had, and with
 * control characters, line separators and those that change the direction of writing spelled out.
 */
export const bounded = (text: string, max: number = TEXT_CHARS_MAX): string => {
  const cut = text.length <= max ? text : text.slice(0, max);
  const escaped = cut.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`);
  return text.length <= max ? escaped : `${escaped}… (${text.length} characters)`;
};
