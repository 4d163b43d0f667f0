import type { Command } from 'commander';
import { type Client, ClientError, connect } from '../client/index.js';
import { envName, OPTIONS } from '../config/index.js';
import { integer, wait } from './arguments.js';
import { Failure } from './failure.js';
import { describeLink, whyDisconnected } from './link-report.js';
import { printable } from './text.js';
import { within } from './within.js';

/** The options of every command that is a client. */
export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly connectTimeout: number;
  readonly quiet?: true;
}

const CONNECT_MS_DEFAULT = 5_000;

export const addConnectionFlags = (command: Command): Command =>
  command
    .addOption(command.createOption('--host <host>', 'the daemon').default(OPTIONS.host.default).env(envName('host')))
    .addOption(
      command
        .createOption('--port <port>', 'its port')
        .default(Number(OPTIONS.port.default))
        .env(envName('port'))
        .argParser(integer(1, 65_535)),
    )
    .addOption(
      command
        .createOption('--connect-timeout <duration>', 'give up if there is no first connection by then')
        .default(CONNECT_MS_DEFAULT, '5s')
        .argParser(wait),
    )
    .option('-q, --quiet', 'do not tell of the link on standard error');

/**
 * Connects, has `work` done with the client, and closes it, whatever happened. What happens to the link is told on
 * standard error. Fails if there is no connection in time; one that is lost later comes back by itself. What the signal
 * aborts has come to its end, and is no failure.
 */
export const withClient = async (
  options: ConnectionOptions,
  name: string,
  signal: AbortSignal,
  work: (client: Client) => Promise<unknown>,
): Promise<void> => {
  try {
    await using client = connect({ servers: serverOf(options), name });
    await firstLink(client, options, signal);
    await work(client);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    if (error.code !== 'ABORTED' || !signal.aborted) throw failureOf(error, serverOf(options));
  }
};

/** `127.0.0.1:9000`, `[::1]:9000` */
export const serverOf = ({ host, port }: Pick<ConnectionOptions, 'host' | 'port'>): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Waits for the first link, and has all that happens to the link followed. */
const firstLink = async (client: Client, options: ConnectionOptions, signal: AbortSignal): Promise<void> => {
  const late = within(signal, options.connectTimeout);
  const trouble = followLink(client, options);
  try {
    await client.ready(late.signal);
  } catch (error) {
    if (!late.signal.aborted || signal.aborted) throw error;
    const lateS = options.connectTimeout / 1_000;
    throw new Failure('unreachable', `no connection to ${serverOf(options)} within ${lateS} s: ${trouble()}`);
  } finally {
    late.clear();
  }
};

/** Tells of the link unless it should be quiet. Returns what says why there is none, as far as is known. */
const followLink = (client: Client, { connectTimeout, quiet }: ConnectionOptions): (() => string) => {
  const deadlineMs = performance.now() + connectTimeout;
  let wasLinked = false;
  let trouble = 'no answer';
  const follow = async (): Promise<void> => {
    for await (const event of client.status()) {
      if (event.type === 'connected') wasLinked = true;
      if (event.type === 'disconnected') trouble = whyDisconnected(event);
      const line = describeLink(event, wasLinked ? undefined : deadlineMs - performance.now());
      if (line !== undefined && !quiet) process.stderr.write(`${line}\n`);
    }
  };
  void follow();
  return () => trouble;
};

/** What the SDK's error means for a command. */
const failureOf = (error: ClientError, server: string): Failure => {
  switch (error.code) {
    case 'INVALID_ARGUMENT':
      return new Failure('usage', error.message);
    case 'NOT_RETRYABLE':
      // Without a reason of the server's it was this end that could not go on with what it was sent.
      if (error.reason === undefined) return new Failure('unreachable', misunderstood(server, error));
      return refusal(error);
    case 'REFUSED':
      return refusal(error);
    case 'ABORTED':
    case 'CLOSED':
    case 'PAYLOAD_TOO_LARGE':
    case 'PUBLISH_BUFFER_FULL':
      return new Failure('failed', error.message);
  }
};

const refusal = (error: ClientError): Failure => new Failure('unreachable', `the daemon refused: ${inFull(error)}`);

/** What an error says, with the reason that the daemon gave for it. */
export const inFull = (error: Error): string =>
  error instanceof ClientError && error.reason !== undefined
    ? `${error.reason}: ${printable(error.message)}`
    : error.message;

const misunderstood = (server: string, { message }: ClientError): string =>
  `${server} answers, but not as a push-daemon (its side port, for one, speaks HTTP): ${printable(message)}`;
