import { localCause } from '../session/index.js';
import {
  type CloseName,
  CODES,
  codeName,
  type ErrorFrame,
  type Gap,
  type Messages,
  type Subscribe,
  type Subscribed,
} from '../wire/index.js';
import type { Verdict } from './cursor.js';
import { type ClientError, invalid, refused } from './errors.js';
import type { TopicPosition } from './events.js';
import type { Link } from './link.js';
import { isPattern, type SubscribeRequest, type Subscribing, subscribeFrame } from './subscribe-request.js';
import { messageEvents } from './topic-events.js';
import { deliver, type Sink, type TopicEntry, Topics } from './topics.js';

interface Subscription extends Subscribing {
  readonly sink: Sink;
}

/** How well a subscription knows where to begin: by name best, then a pattern that has been told of its topics. */
const precision = ({ topic, state }: Subscription): number =>
  isPattern(topic) ? (state === 'established' ? 1 : 0) : 2;

/** What the application listens to, across links: asks for it on every new one, and delivers each record once. */
export class Subscriptions {
  readonly #nextId: () => number;
  readonly #byName = new Map<string, Subscription>();
  /** By the request that the server was last asked with; an answer to an earlier one is out of date. */
  readonly #byRequest = new Map<number, Subscription>();
  readonly #topics = new Topics();
  #link: Link | undefined;

  constructor(nextId: () => number) {
    this.#nextId = nextId;
  }

  /** Begins a subscription; the returned function ends it. Throws INVALID_ARGUMENT where there is one by that name. */
  add(request: SubscribeRequest, sink: Sink): () => void {
    if (this.#byName.has(request.topic)) throw invalid(`${request.topic} is subscribed to already`);
    const subscription: Subscription = { ...request, sink, topics: new Set(), requestId: 0, state: 'fresh' };
    this.#byName.set(request.topic, subscription);
    for (const { topic, epoch, offset } of request.positions) this.#listen(subscription, topic, { epoch, offset });
    if (this.#link !== undefined) this.#link.ask([this.#ask(subscription, this.#link)]);
    return () => {
      if (this.#byName.get(request.topic) !== subscription) return;
      this.#link?.ask([{ type: 'unsubscribe', requestId: this.#nextId(), topic: request.topic }]);
      this.#end(subscription, undefined);
      if (this.#isWaitedFor(subscription)) this.repair();
    };
  }

  /** There is a link: everything is asked for again. */
  linked(link: Link): void {
    this.#link = link;
    this.#askAll(link);
  }

  unlinked(): void {
    this.#link = undefined;
  }

  /** Something is missing, and nobody knows what. What is subscribed to is asked for again, from where each topic stands. */
  repair(): void {
    const link = this.#link;
    if (link === undefined) return;
    link.ask(
      Array.from(this.#byName.keys(), (topic) => ({ type: 'unsubscribe', requestId: this.#nextId(), topic }) as const),
    );
    this.#askAll(link);
  }

  /** Ends them all. */
  endAll(error: ClientError | undefined): void {
    for (const subscription of [...this.#byName.values()]) this.#end(subscription, error);
  }

  subscribed(frame: Subscribed): void {
    const subscription = this.#byRequest.get(frame.requestId);
    if (subscription === undefined) return;
    const { topic, epoch } = frame;
    subscription.state = 'established';
    if (isPattern(topic)) return subscription.sink.subscribed({ topic, epoch, offset: 0 });
    const entry = this.#listen(subscription, topic);
    const gap = entry.cursor.begin(frame);
    subscription.sink.subscribed({ topic, epoch, offset: frame.nextOffset });
    if (gap !== undefined) deliver(entry, gap);
  }

  messages(frame: Messages): void {
    const entry = this.#topics.get(frame.topic);
    if (entry === undefined) return;
    const verdict = entry.cursor.take(frame);
    if (!this.#heed(entry, verdict)) return;
    const epoch = entry.cursor.position?.epoch ?? '';
    for (const message of messageEvents(frame, epoch, verdict.index)) deliver(entry, message);
  }

  gap(frame: Gap): void {
    const entry = this.#topics.get(frame.topic);
    if (entry !== undefined) this.#heed(entry, entry.cursor.skip(frame));
  }

  /** ERROR: returns false if it is not about a subscription. */
  refused(frame: ErrorFrame): boolean {
    const subscription = this.#byRequest.get(frame.requestId);
    if (subscription === undefined) return false;
    const name = codeName(frame.code);
    if (name === 'OFFSET_IN_FUTURE') this.#rewind(subscription);
    else if (name === 'ALREADY_SUBSCRIBED') this.#differ();
    // A code that may be retried may end a connection, too.
    else if (name !== undefined && CODES[name].retry) this.#giveUp(name as CloseName, frame.message);
    else this.#end(subscription, refused(frame));
    return true;
  }

  /** The server remembers less than this client has received: what there is, is another history. */
  #rewind(subscription: Subscription): void {
    // For a topic of a pattern the server begins somewhere else by itself, and SUBSCRIBED tells where.
    if (isPattern(subscription.topic)) return;
    this.#topics.get(subscription.topic)?.cursor.forget();
    const link = this.#link;
    if (link !== undefined) link.ask([this.#ask(subscription, link)]);
  }

  #differ(): void {
    this.#giveUp('CORRUPT', 'the two ends differ in what is subscribed to');
  }

  /** Begins anew with another link, on which everything is asked again. */
  #giveUp(name: CloseName, reason: string): void {
    this.#link?.close(localCause(name, reason));
  }

  #askAll(link: Link): void {
    this.#topics.waitAll();
    // Those that say where they stand go first, for the place of the first that covers a topic is that of all of them.
    const inOrder = [...this.#byName.values()].sort((a, b) => precision(b) - precision(a));
    link.ask(inOrder.map((subscription) => this.#ask(subscription, link)));
  }

  #ask(subscription: Subscription, link: Link): Subscribe {
    this.#byRequest.delete(subscription.requestId);
    subscription.requestId = this.#nextId();
    this.#byRequest.set(subscription.requestId, subscription);
    return subscribeFrame(subscription, this.#topics, link.maxPayload);
  }

  #listen(subscription: Subscription, topic: string, position?: TopicPosition): TopicEntry {
    subscription.topics.add(topic);
    return this.#topics.listen(topic, subscription.sink, position);
  }

  #end(subscription: Subscription, error: ClientError | undefined): void {
    this.#byName.delete(subscription.topic);
    this.#byRequest.delete(subscription.requestId);
    for (const topic of subscription.topics) this.#topics.leave(topic, subscription.sink);
    subscription.sink.ended(error);
  }

  /** Does what the cursor says, except for the records, which follow if there are any to be delivered. */
  #heed(entry: TopicEntry, verdict: Verdict): verdict is Extract<Verdict, { readonly type: 'deliver' }> {
    if (verdict.type === 'hole') {
      if (verdict.ask === 'on this link') this.repair();
      else this.#differ();
    }
    if (verdict.type !== 'deliver') return false;
    for (const gap of verdict.gaps) deliver(entry, gap);
    return true;
  }

  /** Would its answer, which nobody listens to any more, have said where another one begins? */
  #isWaitedFor({ topic, topics }: Subscription): boolean {
    for (const name of [topic, ...topics]) if (this.#topics.get(name)?.cursor.isWaiting === true) return true;
    return false;
  }
}
