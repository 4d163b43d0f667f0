import { addAbortSignal, type Readable } from 'node:stream';
import { Failure } from '../failure.js';
import { splitLines } from './lines.js';

/** A line of the input, or an argument, by its number from 1. */
export interface Input {
  readonly number: number;
  readonly data: Uint8Array;
}

/** No daemon takes a larger record: it is the largest `--max-payload`. */
const LINE_BYTES_MAX = 64 * 2 ** 20;

/** The arguments, or the lines of `stream` if there are none, until the signal is aborted. */
export async function* inputs(
  args: readonly string[],
  stream: Readable,
  signal: AbortSignal,
): AsyncGenerator<Input, void, undefined> {
  let number = 0;
  if (args.length > 0) {
    for (const text of args) yield { number: ++number, data: Buffer.from(text) };
    return;
  }
  try {
    for await (const data of splitLines(addAbortSignal(signal, stream), LINE_BYTES_MAX)) {
      yield { number: ++number, data };
    }
  } catch (error) {
    if (signal.aborted) return;
    throw error instanceof RangeError ? new Failure('failed', `line ${number + 1}: ${error.message}`) : error;
  }
}

/** The member `key` of a JSON object, as the id of a record. Throws RangeError, which says what is wrong. */
export const idFromJson = (data: Uint8Array, key: string): string => {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(data).toString());
  } catch {
    throw new RangeError('is no JSON');
  }
  const id = typeof value === 'object' && value !== null && Object.hasOwn(value, key) && Reflect.get(value, key);
  if (typeof id === 'number' || (typeof id === 'string' && id !== '')) return String(id);
  throw new RangeError(`has no ${JSON.stringify(key)} that is a number or a text`);
};
