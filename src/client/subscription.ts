import { abortable, onAbort } from './abort.js';
import type { ClientCore } from './core.js';
import { ClientError } from './errors.js';
import { EventBuffer } from './event-buffer.js';
import type { TopicEvent, TopicPosition } from './events.js';
import type { PositionOfTopic } from './start.js';
import type { SubscribeRequest } from './subscribe-request.js';
import type { Demand, SubscriptionControl } from './subscriptions.js';
import { eventBytes } from './topic-events.js';
import type { Sink } from './topics.js';

/** What may wait for the application, in events and in bytes of data, keys, ids and headers. */
export interface BufferLimits {
  readonly bufferRecords: number;
  readonly bufferBytes: number;
}

/** `granted`: the server has confirmed it, on this link or an earlier one. */
type State =
  | { readonly phase: 'asked' }
  | { readonly phase: 'granted' }
  | { readonly phase: 'ended'; readonly error: ClientError };

/**
 * What is published to a topic, or to the topics of a pattern: iterate it. Each record comes once and in the order of
 * its topic, over any number of reconnects; what cannot be delivered is named by a gap in its place.
 *
 * While the application is slow and the buffer is full (one batch may stand over), the client does not read from its
 * link, whose heartbeats go on: memory is bounded, and nothing is lost. It goes on when half of the buffer is free. If
 * somebody else waits for the link (a publish, a fetch, another subscription's reader) for more than a moment, this
 * subscription is parked instead: the server stops sending it, what is on its way is dropped, and later it is sent again
 * from where the application's buffer ends. Should retention have overtaken that place by then, a gap says so.
 *
 * Subscriptions that can cover the same topic have one place in it: they are parked, and wait, together. Read both, or
 * give each its own client.
 *
 * Leaving the loop ends the subscription. The loop ends quietly when the client is closed, and throws REFUSED where the
 * server does not grant it, or NOT_RETRYABLE; events that were received before are delivered first.
 */
export class Subscription implements AsyncIterableIterator<TopicEvent, undefined>, AsyncDisposable {
  /** The topic or pattern. */
  readonly topic: string;
  readonly #buffer: EventBuffer<TopicEvent>;
  readonly #control: SubscriptionControl;
  readonly #detach: () => void;
  readonly #recordsMax: number;
  readonly #bytesMax: number;
  readonly #positions = new Map<string, TopicPosition>();
  readonly #waiting = new Set<() => void>();
  #state: State = { phase: 'asked' };
  #demand: Demand = 'some';
  #bytes = 0;

  /** Made by `Client.subscribe`. */
  constructor(core: ClientCore, request: SubscribeRequest, limits: BufferLimits, signal: AbortSignal | undefined) {
    const { bufferRecords, bufferBytes } = limits;
    this.topic = request.topic;
    this.#recordsMax = bufferRecords;
    this.#bytesMax = bufferBytes;
    this.#buffer = new EventBuffer({ taken: (event) => this.#taken(event) });
    this.#control = core.subscribe(request, this.#sink());
    this.#detach = onAbort(signal, (error) => this.#end(error));
  }

  /** Resolves when the server has granted the subscription: what is published from then on will come. */
  ready(signal?: AbortSignal): Promise<void> {
    return abortable(signal, (resolve, reject) => {
      const look = () => {
        if (this.#state.phase === 'asked') return;
        this.#waiting.delete(look);
        if (this.#state.phase === 'granted') resolve();
        else reject(this.#state.error);
      };
      this.#waiting.add(look);
      look();
      return () => this.#waiting.delete(look);
    });
  }

  /**
   * The place behind what was handed out of a topic: a record counts as taken before the body of the loop has run for it.
   * Keep the position when the record has been dealt with, as the last thing that the body does and together with what
   * was made of it, and hand it in as `from` to go on there. Undefined while nothing is known of the topic.
   */
  position(topic: string = this.topic): TopicPosition | undefined {
    return this.#positions.get(topic);
  }

  /** The same for every topic that is known, as `from: { positions }` takes it. */
  positions(): PositionOfTopic[] {
    return Array.from(this.#positions, ([topic, { epoch, offset }]) => ({ topic, epoch, offset }));
  }

  next(): Promise<IteratorResult<TopicEvent, undefined>> {
    const next = this.#buffer.next();
    this.#want();
    return next;
  }

  /** Ends the subscription. */
  return(): Promise<IteratorResult<TopicEvent, undefined>> {
    this.#end(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(undefined);
  }

  #sink(): Sink {
    return {
      subscribed: ({ topic, epoch, offset }) => {
        // Once the application has taken something, that alone says where it is.
        if (epoch !== '' && !this.#positions.has(topic)) this.#positions.set(topic, { epoch, offset });
        if (this.#state.phase === 'asked') this.#become({ phase: 'granted' });
      },
      message: (message) => this.#push(message),
      gap: (gap) => this.#push(gap),
      ended: (error) => {
        this.#detach();
        this.#buffer.end(error);
        this.#become({ phase: 'ended', error: error ?? new ClientError('CLOSED') });
      },
    };
  }

  /** The application has had enough: what it has not taken is forgotten. */
  #end(error: ClientError | undefined): void {
    this.#buffer.abort(error);
    this.#bytes = 0;
    this.#control.end();
  }

  #push(event: TopicEvent): void {
    this.#bytes += eventBytes(event);
    this.#buffer.push(event);
    this.#want();
  }

  #taken(event: TopicEvent): void {
    this.#bytes -= eventBytes(event);
    const { topic, epoch } = event;
    this.#positions.set(topic, { epoch, offset: 1 + (event.type === 'message' ? event.offset : event.toOffset) });
  }

  /** Says what there is room for, if that has changed. Having had enough it wants no more until half of it is free. */
  #want(): void {
    const { size, awaited } = this.#buffer;
    const isFull = size >= this.#recordsMax || this.#bytes >= this.#bytesMax;
    const isHalfFree = size <= this.#recordsMax / 2 && this.#bytes <= this.#bytesMax / 2;
    const hasEnough = isFull || (this.#demand === 'enough' && !isHalfFree);
    const demand = hasEnough ? 'enough' : awaited ? 'waiting' : 'some';
    if (demand === this.#demand) return;
    this.#demand = demand;
    this.#control.demand(demand);
  }

  #become(state: State): void {
    if (this.#state.phase === 'ended') return;
    this.#state = state;
    for (const look of this.#waiting) look();
  }
}
