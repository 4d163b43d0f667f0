import { abortable, onAbort } from './abort.js';
import type { ClientCore, SubscriptionControl } from './core.js';
import { ClientError, invalid } from './errors.js';
import { EventBuffer } from './event-buffer.js';
import type { TopicEvent, TopicPosition } from './events.js';
import { checkTopic } from './record.js';
import { type From, ON_LAG, type OnLagName, type PositionOfTopic, startFields } from './start.js';
import { isPattern, type SubscribeRequest } from './subscribe-request.js';
import type { Sink } from './topics.js';

export interface SubscribeOptions {
  /** Where to begin; after that it goes on by itself where it was. Default: `latest`. */
  readonly from?: From | undefined;
  /** What the server does when this client falls behind. Default: `wait`, which loses nothing within retention. */
  readonly onLag?: OnLagName | undefined;
  /** Ends the subscription: what was not taken is forgotten, and the iteration throws ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** Events that may wait for the application. Default: 1,024. */
  readonly bufferRecords?: number | undefined;
  /** Bytes of data that may wait for the application. Default: 4 MiB. */
  readonly bufferBytes?: number | undefined;
}

/** `granted`: the server has confirmed it, on this link or an earlier one. */
type State =
  | { readonly phase: 'asked' }
  | { readonly phase: 'granted' }
  | { readonly phase: 'ended'; readonly error: ClientError };

const BUFFER_RECORDS = 1_024;
const BUFFER_BYTES = 4 * 1024 * 1024;

const bytesOf = (event: TopicEvent): number => (event.type === 'message' ? event.data.length : 0);

/**
 * What is published to a topic, or to the topics of a pattern: iterate it. Each record comes once and in the order of
 * its topic, over any number of reconnects; what cannot be delivered is named by a gap in its place.
 *
 * While the application is slow and the buffer is full (one batch may stand over), the client does not read from its
 * link, whose heartbeats go on: memory is bounded, and nothing is lost. It goes on when half of the buffer is free. The
 * client's other subscriptions, and its acknowledgements, wait for that time, too: give a slow reader its own client.
 *
 * Leaving the loop ends the subscription. It throws REFUSED where the server does not grant it, and NOT_RETRYABLE or
 * CLOSED when the client is at its end; events that were received before are delivered first.
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
  #bytes = 0;

  /** Made by `Client.subscribe`. */
  constructor(core: ClientCore, topic: string, options: SubscribeOptions) {
    const { signal, bufferRecords = BUFFER_RECORDS, bufferBytes = BUFFER_BYTES } = options;
    this.topic = topic;
    this.#recordsMax = bufferRecords;
    this.#bytesMax = bufferBytes;
    this.#buffer = new EventBuffer({ taken: (event) => this.#taken(event) });
    this.#control = core.subscribe(subscribeRequest(topic, options), this.#sink());
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
   * The place behind what the application has taken of a topic: keep it with what was made of the records, and hand it
   * in as `from` to go on there. Undefined while nothing is known of the topic.
   */
  position(topic: string = this.topic): TopicPosition | undefined {
    return this.#positions.get(topic);
  }

  /** The same for every topic that is known, as `from: { positions }` takes it. */
  positions(): PositionOfTopic[] {
    return Array.from(this.#positions, ([topic, { epoch, offset }]) => ({ topic, epoch, offset }));
  }

  next(): Promise<IteratorResult<TopicEvent, undefined>> {
    return this.#buffer.next();
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
    this.#bytes += bytesOf(event);
    this.#buffer.push(event);
    if (this.#buffer.size >= this.#recordsMax || this.#bytes >= this.#bytesMax) this.#control.pause();
  }

  #taken(event: TopicEvent): void {
    this.#bytes -= bytesOf(event);
    const { topic, epoch } = event;
    this.#positions.set(topic, { epoch, offset: 1 + (event.type === 'message' ? event.offset : event.toOffset) });
    if (this.#buffer.size <= this.#recordsMax / 2 && this.#bytes <= this.#bytesMax / 2) this.#control.resume();
  }

  #become(state: State): void {
    if (this.#state.phase === 'ended') return;
    this.#state = state;
    for (const look of this.#waiting) look();
  }
}

/** Throws INVALID_ARGUMENT for what cannot be. */
function subscribeRequest(topic: string, { from = 'latest', onLag = 'wait' }: SubscribeOptions): SubscribeRequest {
  checkTopic(topic);
  const request = { topic, start: startFields(from), onLag: ON_LAG[onLag] };
  if (typeof from === 'string') return { ...request, positions: [] };
  if ('positions' in from) {
    if (!isPattern(topic)) throw invalid('from.positions is for patterns');
    return { ...request, positions: [...from.positions] };
  }
  if (!('offset' in from)) return { ...request, positions: [] };
  if (isPattern(topic)) throw invalid('a pattern has a position for each of its topics: from.positions');
  return { ...request, positions: [{ topic, ...from }] };
}
