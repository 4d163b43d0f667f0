import type { Record as WireRecord } from '../wire/index.js';
import { abortable, onAbort } from './abort.js';
import { optionalSignal, topicName } from './checks.js';
import { ClientCore } from './core.js';
import { aborted, ClientError, invalid } from './errors.js';
import type { LinkEvent, PublishResult } from './events.js';
import type { FetchRequest, FetchResult } from './fetches.js';
import { LinkStatus } from './link-status.js';
import {
  type CloseOptions,
  type ConnectOptions,
  closeOptions,
  connectOptions,
  type FetchOptions,
  fetchOptions,
  type PublishOptions,
  publishOptions,
  type SubscribeOptions,
  subscribeOptions,
} from './options.js';
import { type PublishInput, recordMaker } from './record.js';
import { startFields } from './start.js';
import { isPattern, subscribeRequest } from './subscribe-request.js';
import { Subscription } from './subscription.js';
import type { ClientWorld } from './world.js';

/**
 * A client of the daemon. It dials when it is made, comes back by itself whenever its link is lost, and has everything
 * go on where it was: subscriptions by position, publishes with the same ids. It is at its end after `close`, or when a
 * server says that it need not come back; then everything fails with CLOSED or NOT_RETRYABLE.
 *
 * What is asked for wrongly is thrown at the call by what returns no promise, and rejects where there is one.
 */
export class Client implements AsyncDisposable {
  readonly #core: ClientCore;
  readonly #status = new LinkStatus();
  readonly #record: (input: PublishInput) => WireRecord;

  /** Made by `connect`. Throws INVALID_ARGUMENT. */
  constructor(options: ConnectOptions, world: ClientWorld) {
    const { servers, name, signal, maxPendingRecords, maxPendingBytes } = connectOptions(options);
    const publishLimits = { records: maxPendingRecords, bytes: maxPendingBytes };
    this.#record = recordMaker(world.random.unique());
    const detach = onAbort(signal, () => this.#core.close(0, () => {}));
    this.#core = new ClientCore(world, { endpoints: servers, name, publishLimits }, (event) => {
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

  /** What happens to the link: the newest event, and all that follow. Ends behind `closed`. Throws INVALID_ARGUMENT. */
  status(signal?: AbortSignal): AsyncIterableIterator<LinkEvent, undefined> {
    return this.#status.events(optionalSignal(signal, 'signal'));
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
    options: PublishOptions = {},
  ): Promise<PublishResult | readonly PublishResult[]> {
    topicName(topic, 'topic');
    const { signal } = publishOptions(options);
    const inputs: readonly PublishInput[] = Array.isArray(input) ? input : [input as PublishInput];
    const records = Array.from(inputs, this.#record);
    const results = await abortable<readonly PublishResult[]>(signal, (resolve, reject) =>
      this.#core.publish(topic, records, (outcome) =>
        outcome instanceof ClientError ? reject(outcome) : resolve(outcome),
      ),
    );
    return Array.isArray(input) ? results : (results[0] as PublishResult);
  }

  /**
   * Subscribes to a topic or a pattern; see `Subscription`. A client can have one subscription of each name. Where two
   * of them cover the same topic, the later one begins in it where the earlier one is. Throws INVALID_ARGUMENT, ABORTED,
   * CLOSED and NOT_RETRYABLE at once; what the server says comes from `ready` and the iteration.
   */
  subscribe(topic: string, options: SubscribeOptions = {}): Subscription {
    const { from, onLag, signal, ...limits } = subscribeOptions(options);
    const request = subscribeRequest(topicName(topic, 'topic'), from, onLag);
    if (signal?.aborted === true) throw aborted(signal);
    return new Subscription(this.#core, request, limits, signal);
  }

  /**
   * Reads a part of a topic that this client does not subscribe to (REFUSED, ALREADY_SUBSCRIBED otherwise). Fetches of one
   * topic are answered one after the other; one that was aborted while it waited for a record keeps its turn until the
   * server has answered it, for what is left of its `waitMs`. Rejects with INVALID_ARGUMENT, REFUSED, ABORTED, CLOSED and
   * NOT_RETRYABLE.
   */
  async fetch(topic: string, options: FetchOptions = {}): Promise<FetchResult> {
    const checked = fetchOptions(options);
    const request = fetchRequest(topic, checked);
    return abortable(checked.signal, (resolve, reject) =>
      this.#core.fetch(request, (outcome) => (outcome instanceof ClientError ? reject(outcome) : resolve(outcome))),
    );
  }

  /**
   * Ends subscriptions and fetches, waits for what is pending until the timeout, and says goodbye. Resolves when nothing
   * is left, neither a socket nor a timer. A second call, or the signal of the client, can bring the timeout forward.
   * Rejects with INVALID_ARGUMENT.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { timeoutMs } = closeOptions(options);
    return new Promise((resolve) => this.#core.close(timeoutMs, resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Throws INVALID_ARGUMENT for what cannot be. */
function fetchRequest(topic: string, options: ReturnType<typeof fetchOptions>): FetchRequest {
  const { from, maxRecords, maxBytes, waitMs } = options;
  topicName(topic, 'topic');
  if (isPattern(topic)) throw invalid('a pattern cannot be fetched');
  if (typeof from === 'object' && ('since' in from || 'positions' in from)) {
    throw invalid('a fetch begins at latest, earliest, a position, or the last of so many records');
  }
  return { topic, start: startFields(from), maxRecords, maxBytes, waitMs };
}
