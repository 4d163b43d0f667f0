import type { ErrorFrame, Record } from '../wire/index.js';
import { Connector, type ConnectorOptions, type ConnectorOwner } from './connector.js';
import { ClientError } from './errors.js';
import type { LinkEvent } from './events.js';
import { Fetches, type FetchRequest, type FetchResult } from './fetches.js';
import type { Link } from './link.js';
import type { Reply } from './link-owner.js';
import { Publisher, type PublishLimits } from './publisher.js';
import { requestIds } from './request-ids.js';
import type { Settle } from './submission.js';
import type { SubscribeRequest } from './subscribe-request.js';
import { type SubscriptionControl, Subscriptions } from './subscriptions.js';
import type { Sink } from './topics.js';
import type { ClientWorld } from './world.js';

export interface CoreOptions extends ConnectorOptions {
  readonly publishLimits: PublishLimits;
}

/**
 * The client without promises, sockets or clocks: what it is asked is called, what happens is told to callbacks, and
 * the world is handed in. Subscriptions, publishes and fetches outlive the links that carry them.
 *
 * Once the client has closed, or a server has told it not to come back, every call throws the error that says so.
 */
export class ClientCore implements ConnectorOwner {
  readonly #world: ClientWorld;
  readonly #watch: (event: LinkEvent) => void;
  readonly #connector: Connector;
  readonly #subscriptions: Subscriptions;
  readonly #publisher: Publisher;
  readonly #fetches: Fetches;
  /** Set while what is pending is still sent, until the deadline at the latest. */
  #closing: { readonly deadlineMs: number; readonly cancel: () => void } | undefined;
  /** The end of this turn will see to it. */
  #due: 'nothing' | 'flush' | 'repair' = 'nothing';
  /** The last server's limit; the next one's is only known when it has taken this client in. */
  #payloadMax = Number.POSITIVE_INFINITY;

  constructor(world: ClientWorld, options: CoreOptions, watch: (event: LinkEvent) => void) {
    this.#world = world;
    this.#watch = watch;
    const nextId = requestIds();
    this.#subscriptions = new Subscriptions(world, nextId);
    this.#publisher = new Publisher(nextId, options.publishLimits);
    this.#fetches = new Fetches(nextId);
    this.#connector = new Connector(world, options, this);
  }

  /** Begins to dial. */
  start(): void {
    this.#connector.start();
  }

  /** Records that were published and are not settled. */
  get pending(): number {
    return this.#publisher.pending;
  }

  /**
   * Publishes records, at least one, in order behind those published to the topic before. Settles once. Returns what
   * withdraws them, with the error to settle with; see `Publisher.submit`, also for what it throws.
   */
  publish(topic: string, records: readonly Record[], settle: Settle): (error: ClientError) => void {
    this.#assertOpen();
    const withdraw = this.#publisher.submit(topic, records, this.#payloadMax, settle);
    this.#soon('flush');
    return withdraw;
  }

  /** Subscribes; the sink is told everything, and `ended` last. Throws INVALID_ARGUMENT for a second one of the name. */
  subscribe(request: SubscribeRequest, sink: Sink): SubscriptionControl {
    this.#assertOpen();
    return this.#subscriptions.add(request, sink);
  }

  /** Reads a part of a topic. The returned function forgets it: it does not settle then. */
  fetch(request: FetchRequest, settle: (outcome: FetchResult | ClientError) => void): () => void {
    this.#assertOpen();
    return this.#fetches.add(request, settle);
  }

  /**
   * Ends subscriptions and fetches at once, publishes when they are acknowledged, or at the timeout; a second call can
   * bring that forward. Calls back when nothing is left, neither a link nor a timer.
   */
  close(timeoutMs: number, done: () => void): void {
    this.#connector.whenGone(done);
    const deadlineMs = this.#world.clock.monotonicMs() + timeoutMs;
    const earlier = this.#closing;
    if (this.#connector.error !== undefined || (earlier !== undefined && earlier.deadlineMs <= deadlineMs)) return;
    earlier?.cancel();
    this.#closing = { deadlineMs, cancel: this.#world.scheduler.after(timeoutMs, () => this.#connector.close()) };
    if (earlier !== undefined) return;
    this.#subscriptions.endAll(undefined);
    this.#fetches.failAll(new ClientError('CLOSED'));
    this.#closeIfIdle();
  }

  // The connector tells:

  linked(link: Link): void {
    this.#payloadMax = link.maxPayload;
    this.#subscriptions.linked(link);
    this.#fetches.linked(link);
    this.#publisher.flush(link);
  }

  unlinked(): void {
    this.#subscriptions.unlinked();
    this.#fetches.unlinked();
    this.#publisher.unsent();
  }

  reply(frame: Reply): void {
    switch (frame.type) {
      case 'messages':
        this.#fetches.received(frame);
        return this.#subscriptions.messages(frame);
      case 'gap':
        this.#fetches.received(frame);
        return this.#subscriptions.gap(frame);
      case 'subscribed':
        return this.#subscriptions.subscribed(frame);
      case 'unsubscribed':
        return;
      case 'ack':
        this.#publisher.acked(frame);
        return this.#closeIfIdle();
      case 'fetched':
        return this.#fetches.fetched(frame);
      case 'error':
        return this.#refused(frame);
    }
  }

  damaged(): void {
    this.#fetches.repair();
    // All else is asked again, under other numbers.
    this.#connector.link?.forget();
    this.#subscriptions.repair();
    this.#soon('repair');
  }

  writable(): void {
    this.#soon('flush');
  }

  status(event: LinkEvent): void {
    this.#watch(event);
  }

  closed(error: ClientError): void {
    this.#closing?.cancel();
    this.#subscriptions.endAll(error);
    this.#fetches.failAll(error);
    this.#publisher.failAll(error);
  }

  #refused(frame: ErrorFrame): void {
    // Nobody knows the request when it was forgotten, or asked again meanwhile.
    if (this.#publisher.refused(frame)) this.#closeIfIdle();
    else if (!this.#subscriptions.refused(frame)) this.#fetches.refused(frame);
  }

  /** Sees to what is due at the end of this turn, once. */
  #soon(what: 'flush' | 'repair'): void {
    const scheduled = this.#due !== 'nothing';
    if (this.#due !== 'repair') this.#due = what;
    if (!scheduled) this.#world.scheduler.soon(() => this.#flush());
  }

  #flush(): void {
    // The damaged frame may have been an ACK: what is not acknowledged is sent again.
    if (this.#due === 'repair') this.#publisher.unsent();
    this.#due = 'nothing';
    const { link } = this.#connector;
    if (link !== undefined) this.#publisher.flush(link);
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#closing !== undefined && this.#publisher.pending === 0) this.#connector.close();
  }

  #assertOpen(): void {
    const error = this.#connector.error ?? (this.#closing === undefined ? undefined : new ClientError('CLOSED'));
    if (error !== undefined) throw error;
  }
}
