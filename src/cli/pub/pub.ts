import {
  type Client,
  ClientError,
  type ClientErrorCode,
  type PublishRecord,
  type PublishResult,
} from '../../client/index.js';
import { type ConnectionOptions, inFull, withClient } from '../connection.js';
import { EXIT_CODES } from '../exit-codes.js';
import { interrupted } from '../interrupted.js';
import { Output } from '../output.js';
import { type Input, idFromJson, inputs } from './input.js';
import { Pacer } from './pacer.js';
import { Tally } from './tally.js';
import { Window } from './window.js';

export interface PubOptions extends ConnectionOptions {
  readonly idKey?: string;
  readonly key: string;
  readonly header?: ReadonlyMap<string, string>;
  readonly rate?: number;
  readonly ackTimeout: number;
  readonly json?: true;
}

/** Well below what the client itself would refuse, and enough for some round trips at full speed. */
const IN_FLIGHT = { records: 4_096, bytes: 4 * 2 ** 20 } as const;

/** After these the client is at its end, and reading on would be in vain. */
const FINAL: ReadonlySet<ClientErrorCode> = new Set(['CLOSED', 'NOT_RETRYABLE']);

/** Publishes the arguments, or the lines of standard input, and waits until all of them are settled. */
export const pub = async (topic: string, args: readonly string[], options: PubOptions): Promise<void> => {
  const output = new Output();
  const tally = new Tally();
  const givenUp = new AbortController();
  const signal = AbortSignal.any([givenUp.signal, output.gone, interrupted()]);
  const window = new Window(IN_FLIGHT, signal);
  const watchdog = setTimeout(() => window.records > 0 && givenUp.abort(), options.ackTimeout);
  if (args.length === 0) tally.showProgress();
  // Records there are, as far as is known: input is read only as fast as it is sent.
  let known = args.length;
  let sent = 0;

  const send = async (client: Client, input: Input): Promise<void> => {
    if (window.records === 0) watchdog.refresh();
    window.add(input.data.length);
    sent = input.number;
    try {
      const result: PublishResult = await client.publish(topic, recordOf(input, options));
      tally.acknowledge(result.duplicate);
      if (options.json) await output.write(`${JSON.stringify({ line: input.number, topic, ...result })}\n`);
    } catch (error) {
      if (!(error instanceof ClientError || error instanceof RangeError)) throw error;
      tally.fail(input.number, inFull(error));
      if (error instanceof ClientError && FINAL.has(error.code)) givenUp.abort();
    } finally {
      window.remove(input.data.length);
      watchdog.refresh();
    }
  };

  try {
    await withClient(options, 'push-daemon pub', signal, async (client) => {
      const pacer = options.rate === undefined ? undefined : new Pacer(options.rate);
      for await (const input of inputs(args, process.stdin, signal)) {
        known = Math.max(known, input.number);
        await pacer?.turn(signal);
        await window.room();
        if (signal.aborted) break;
        void send(client, input);
      }
      await window.empty();
    });
    await output.end();
  } finally {
    clearTimeout(watchdog);
    tally.conclude(window.records, known - sent);
  }
  if (tally.failed + window.records > 0 || signal.aborted) process.exitCode = EXIT_CODES.failed.code;
};

/** Throws RangeError if the id should come from the data, and is not there. */
const recordOf = ({ data }: Input, { idKey, key, header }: PubOptions): PublishRecord => ({
  data,
  key,
  headers: header,
  ...(idKey !== undefined && { id: idFromJson(data, idKey) }),
});
