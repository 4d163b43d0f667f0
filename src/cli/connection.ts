import type { Command } from 'commander';
import { type Client, ClientError, connect, type LinkEvent } from '../client/index.js';
import { envName, OPTIONS } from '../config/index.js';
import { integer, wait } from './arguments.js';
import { explainCode, Failure } from './failure.js';
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
    if (!options.quiet) void tellOfLink(client);
    await firstLink(client, options, signal);
    await work(client);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    if (error.code !== 'ABORTED' || !signal.aborted) throw failureOf(error);
  }
};

/** `127.0.0.1:9000`, `[::1]:9000` */
export const serverOf = ({ host, port }: Pick<ConnectionOptions, 'host' | 'port'>): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

const firstLink = async (
  client: Client,
  { connectTimeout, ...address }: ConnectionOptions,
  signal: AbortSignal,
): Promise<void> => {
  const late = within(signal, connectTimeout);
  try {
    await client.ready(late.signal);
  } catch (error) {
    if (!late.signal.aborted || signal.aborted) throw error;
    throw new Failure('unreachable', `no connection to ${serverOf(address)} within ${connectTimeout / 1_000} s`);
  } finally {
    late.clear();
  }
};

const tellOfLink = async (client: Client): Promise<void> => {
  for await (const event of client.status()) {
    const line = describeLink(event);
    if (line !== undefined) process.stderr.write(`${line}\n`);
  }
};

/** What a person wants to know of the link, in one line. */
export const describeLink = (event: LinkEvent): string | undefined => {
  switch (event.type) {
    case 'connecting':
    case 'closed':
      return undefined;
    case 'connected':
      return `connected to ${event.endpoint} (${printable(event.server)})${event.resumed ? ', going on where it stopped' : ''}`;
    case 'disconnected': {
      const why = event.cause === 'PEER_GONE' ? explainCode(event.reason) : `${event.cause}, ${event.reason}`;
      return `not connected: ${printable(why)}; trying again in ${event.retryInMs} ms`;
    }
  }
};

/** What the SDK's error means for a command. */
const failureOf = (error: ClientError): Failure => {
  switch (error.code) {
    case 'INVALID_ARGUMENT':
      return new Failure('usage', error.message);
    case 'NOT_RETRYABLE':
    case 'REFUSED':
      return new Failure('unreachable', `the daemon refused: ${printable(error.message)}`);
    case 'ABORTED':
    case 'CLOSED':
    case 'PAYLOAD_TOO_LARGE':
    case 'PUBLISH_BUFFER_FULL':
      return new Failure('failed', error.message);
  }
};
