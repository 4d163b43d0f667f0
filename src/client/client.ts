import { abortable, onAbort } from './abort.js';
import { ClientCore } from './core.js';
import { parseEndpoint } from './endpoint.js';
import { aborted, ClientError, invalid } from './errors.js';
import type { LinkEvent, PublishResult } from './events.js';
import type { FetchRequest, FetchResult } from './fetches.js';
import { LinkStatus } from './link-status.js';
import { checkTopic, type PublishInput, recordMaker } from './record.js';
import { type From, startFields, UINT32_MAX } from './start.js';
import { isPattern } from './subscribe-request.js';
import { type SubscribeOptions, Subscription } from './subscription.js';
import type { ClientWorld } from './world.js';

export interface ConnectOptions {
  /** `host:port` of the daemon, or of several that share one history. */
  readonly servers: string | readonly string[];
  /** How the client calls itself in the server's log lines and status. Default: empty. */
  readonly name?: string | undefined;
  /** Closes the client at once, without waiting for what is pending. */
  readonly signal?: AbortSignal | undefined;
  /** Records that may wait to be acknowledged. Default: 65,536. */
  readonly maxPendingRecords?: number | undefined;
  /** Bytes that may wait to be acknowledged. Default: 32 MiB. */
  readonly maxPendingBytes?: number | undefined;
}

export interface PublishOptions {
  /** Gives the publish up with ABORTED. If it was sent already, it may be in the topic all the same. */
  readonly signal?: AbortSignal | undefined;
}

export interface FetchOptions {
  /** Where to begin; `since` and `positions` are for subscriptions. Default: `earliest`. */
  readonly from?: From | undefined;
  /** About how many records, because whole batches are sent. Default: what the server gives at once. */
  readonly maxRecords?: number | undefined;
  readonly maxBytes?: number | undefined;
  /** How long the server may wait for a record if there is none. Default: 0. */
  readonly waitMs?: number | undefined;
  /** Gives the fetch up with ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

export interface CloseOptions {
  /** How long publishes that are pending may still be sent and acknowledged. Default: 5,000. */
  readonly timeoutMs?: number | undefined;
}

const PENDING_RECORDS = 65_536;
const PENDING_BYTES = 32 * 1024 * 1024;
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * A client of the daemon. It dials when it is made, comes back by itself whenever its link is lost, and has everything
 * go on where it was: subscriptions by position, publishes with the same ids. It is at its end after `close`, or when a
 * server says that it need not come back; then everything fails with CLOSED or NOT_RETRYABLE.
 */
export class Client implements AsyncDisposable {
  readonly #core: ClientCore;
  readonly #status = new LinkStatus();
  readonly #record: (input: PublishInput) => ReturnType<ReturnType<typeof recordMaker>>;

  /** Made by `connect`. Throws INVALID_ARGUMENT. */
  constructor(options: ConnectOptions, world: ClientWorld) {
    const { servers, name = '', signal, maxPendingRecords, maxPendingBytes } = options;
    const endpoints = typeof servers === 'string' ? [servers] : [...servers];
    if (endpoints.length === 0) throw invalid('there must be a server');
    for (const endpoint of endpoints) {
      if (parseEndpoint(endpoint) === undefined) throw invalid(`${endpoint} is not host:port`);
    }
    const publishLimits = { records: maxPendingRecords ?? PENDING_RECORDS, bytes: maxPendingBytes ?? PENDING_BYTES };
    this.#record = recordMaker(world.random.unique());
    const detach = onAbort(signal, () => this.#core.close(0, () => {}));
    this.#core = new ClientCore(world, { endpoints, name, publishLimits }, (event) => {
      if (event.type === 'closed') detach();
      this.#status.emit(event);
    });
    if (signal?.aborted === true) this.#core.close(0, () => {});
    else this.#core.start();
  }

  /** Resolves when there is a link. Nothing need wait for it: whatever is asked for before is done when there is one. */
  ready(signal?: AbortSignal): Promise<void> {
    return this.#status.connected(signal);
  }

  /** What happens to the link: the newest event, and all that follow. Ends behind `closed`. */
  status(signal?: AbortSignal): AsyncIterableIterator<LinkEvent, undefined> {
    return this.#status.events(signal);
  }

  /** Records published and not yet acknowledged. */
  get pending(): number {
    return this.#core.pending;
  }

  /**
   * Publishes one record, or several in their order, and resolves when the daemon has them. Records of one turn of the
   * event loop travel together, and the order within a topic is always that of the calls. Over reconnects each is sent
   * until it is acknowledged, under the same id, so that it is in the topic once.
   *
   * Rejects with PUBLISH_BUFFER_FULL, PAYLOAD_TOO_LARGE, INVALID_ARGUMENT (nothing was sent), REFUSED, ABORTED, CLOSED
   * and NOT_RETRYABLE. Several records may have been split, and some be in the topic when others were refused.
   */
  publish(topic: string, records: readonly PublishInput[], options?: PublishOptions): Promise<readonly PublishResult[]>;
  publish(topic: string, record: PublishInput, options?: PublishOptions): Promise<PublishResult>;
  async publish(
    topic: string,
    input: PublishInput | readonly PublishInput[],
    { signal }: PublishOptions = {},
  ): Promise<PublishResult | readonly PublishResult[]> {
    checkTopic(topic);
    const inputs: readonly PublishInput[] = Array.isArray(input) ? input : [input as PublishInput];
    if (inputs.length === 0) return [];
    const results = await abortable<readonly PublishResult[]>(signal, (resolve, reject) =>
      this.#core.publish(topic, inputs.map(this.#record), (outcome) =>
        outcome instanceof ClientError ? reject(outcome) : resolve(outcome),
      ),
    );
    return Array.isArray(input) ? results : (results[0] as PublishResult);
  }

  /**
   * Subscribes to a topic or a pattern; see `Subscription`. A client can have one subscription of each name. Where two
   * of them cover the same topic, the later one begins in it where the earlier one is.
   */
  subscribe(topic: string, options: SubscribeOptions = {}): Subscription {
    if (options.signal?.aborted === true) throw aborted(options.signal);
    return new Subscription(this.#core, topic, options);
  }

  /**
   * Reads a part of a topic that this client neither subscribes to nor fetches already. Rejects with INVALID_ARGUMENT,
   * REFUSED, ABORTED, CLOSED and NOT_RETRYABLE.
   */
  async fetch(topic: string, options: FetchOptions = {}): Promise<FetchResult> {
    const request = fetchRequest(topic, options);
    return abortable(options.signal, (resolve, reject) =>
      this.#core.fetch(request, (outcome) => (outcome instanceof ClientError ? reject(outcome) : resolve(outcome))),
    );
  }

  /**
   * Ends subscriptions and fetches, waits for what is pending until the timeout, and says goodbye. Resolves when nothing
   * is left, neither a socket nor a timer.
   */
  close({ timeoutMs = CLOSE_TIMEOUT_MS }: CloseOptions = {}): Promise<void> {
    return new Promise((resolve) => this.#core.close(timeoutMs, resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Throws INVALID_ARGUMENT for what cannot be. */
function fetchRequest(topic: string, options: FetchOptions): FetchRequest {
  const { from = 'earliest', maxRecords = 0, maxBytes = 0, waitMs = 0 } = options;
  checkTopic(topic);
  if (isPattern(topic)) throw invalid('a pattern cannot be fetched');
  if (typeof from === 'object' && ('since' in from || 'positions' in from)) {
    throw invalid('a fetch begins at latest, earliest, a position, or the last of so many records');
  }
  for (const [name, value] of Object.entries({ maxRecords, maxBytes, waitMs })) {
    if (!Number.isInteger(value) || value < 0 || value > UINT32_MAX)
      throw invalid(`${name} must be 0 to ${UINT32_MAX}`);
  }
  return { topic, start: startFields(from), maxRecords, maxBytes, waitMs };
}
