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
  type Unsubscribe,
} from '../wire/index.js';
import { Backpressure } from './backpressure.js';
import type { Verdict } from './cursor.js';
import { type ClientError, invalid, refused } from './errors.js';
import type { TopicPosition } from './events.js';
import type { Link } from './link.js';
import { connected } from './overlap.js';
import { isPattern, type SubscribeRequest, type Subscribing, subscribeFrame } from './subscribe-request.js';
import { messageEvents } from './topic-events.js';
import { deliver, type Sink, type TopicEntry, Topics } from './topics.js';
import type { ClientWorld } from './world.js';

/** How much a sink can do with: its reader waits for the next event, or has some to go on with, or it has enough. */
export type Demand = 'waiting' | 'some' | 'enough';

/** What a subscription's sink may ask for. */
export interface SubscriptionControl {
  /** With `enough`, nothing more comes than what is being delivered, until it changes. At first it is `some`. */
  demand(demand: Demand): void;
  /** Ends the subscription; the sink is told. A second time it is a no-op. */
  end(): void;
}

interface Subscription extends Subscribing {
  readonly sink: Sink;
  demand: Demand;
  /** `live`: the server was asked for it on this link. `parked`: it is not, and will be, from where each topic stands. */
  flow: 'live' | 'parked';
}

/** A change that concerns more topics than this counts as more than one with the server. */
const TOPICS_PER_CHANGE = 250;

/** How well a subscription knows where to begin: by name best, then a pattern that has been told of its topics. */
const precision = ({ topic, state }: Subscription): number =>
  isPattern(topic) ? (state === 'established' ? 1 : 0) : 2;

/** What the application listens to, across links: asks for it on every new one, and delivers each record once. */
export class Subscriptions {
  readonly #nextId: () => number;
  readonly #byName = new Map<string, Subscription>();
  /** How many of them are for patterns. */
  #patterns = 0;
  /** By the request that the server was last asked with; an answer to an earlier one is out of date. */
  readonly #byRequest = new Map<number, Subscription>();
  readonly #topics = new Topics();
  readonly #backpressure: Backpressure;
  #link: Link | undefined;

  constructor(world: ClientWorld, nextId: () => number) {
    this.#nextId = nextId;
    this.#backpressure = new Backpressure(world, () => this.#parkFull());
  }

  /** Begins a subscription. Throws INVALID_ARGUMENT where there is one by that name. */
  add(request: SubscribeRequest, sink: Sink): SubscriptionControl {
    if (this.#byName.has(request.topic)) throw invalid(`${request.topic} is subscribed to already`);
    const subscription: Subscription = {
      ...request,
      sink,
      topics: new Set(),
      requestId: 0,
      state: 'fresh',
      demand: 'some',
      flow: 'parked',
    };
    this.#byName.set(request.topic, subscription);
    if (isPattern(request.topic)) this.#patterns += 1;
    for (const { topic, epoch, offset } of request.positions) this.#listen(subscription, topic, { epoch, offset });
    this.#settle();
    const isThere = () => this.#byName.get(request.topic) === subscription;
    return {
      demand: (demand) => {
        if (isThere()) this.#demand(subscription, demand);
      },
      end: () => {
        if (isThere()) this.#leave(subscription);
      },
    };
  }

  /** There is a link: everything is asked for again. */
  linked(link: Link): void {
    this.#link = link;
    this.#settle();
  }

  unlinked(): void {
    this.#link = undefined;
    this.#backpressure.forget();
    this.#park(this.#byName.values());
  }

  /** Something is missing, and nobody knows what. What is subscribed to is asked for again, from where each topic stands. */
  repair(): void {
    this.#park(this.#byName.values());
    this.#settle();
  }

  /** Ends them all. */
  endAll(error: ClientError | undefined): void {
    for (const subscription of [...this.#byName.values()]) this.#end(subscription, error);
    this.#settle();
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
    else {
      this.#end(subscription, refused(frame));
      this.#settle();
    }
    return true;
  }

  /** The server remembers less than this client has received: what there is, is another history. */
  #rewind(subscription: Subscription): void {
    // For a topic of a pattern the server begins somewhere else by itself, and SUBSCRIBED tells where.
    if (isPattern(subscription.topic)) return;
    this.#topics.get(subscription.topic)?.cursor.forget();
    subscription.flow = 'parked';
    this.#settle();
  }

  #differ(): void {
    this.#giveUp('CORRUPT', 'the two ends differ in what is subscribed to');
  }

  /** Begins anew with another link, on which everything is asked again. */
  #giveUp(name: CloseName, reason: string): void {
    this.#link?.close(localCause(name, reason));
  }

  #demand(subscription: Subscription, demand: Demand): void {
    const before = subscription.demand;
    subscription.demand = demand;
    const matters = before === 'enough' || demand === 'enough' || (demand === 'waiting' && this.#backpressure.holding);
    if (matters) this.#settle();
  }

  /** The application has ended it. */
  #leave(subscription: Subscription): void {
    const { flow } = subscription;
    if (flow === 'live') this.#link?.ask([this.#unsubscribe(subscription)]);
    this.#end(subscription, undefined);
    if (flow === 'live' && this.#isWaitedFor(subscription)) this.repair();
    else this.#settle();
  }

  /** Those that have enough, and those that wait with them: where subscriptions overlap they have one place in a topic. */
  get #full(): Set<Subscription> {
    const all = [...this.#byName.values()];
    const full = all.filter(({ demand }) => demand === 'enough');
    return connected(full, all);
  }

  /**
   * The one place where it is decided what flows: asks for everything that does not, and may. The link is held as long
   * as something flows that should not.
   */
  #settle(): void {
    const link = this.#link;
    if (link === undefined) return;
    const full = this.#full;
    const others = [...this.#byName.values()].filter((subscription) => !full.has(subscription));
    if ([...full].some(({ flow }) => flow === 'live')) {
      this.#backpressure.hold(link);
      if (others.some(({ demand }) => demand === 'waiting')) this.#backpressure.awaited();
    } else this.#backpressure.release();
    // Those that say where they stand go first, for the place of the first that covers a topic is that of all of them.
    const parked = others.filter(({ flow }) => flow === 'parked').sort((a, b) => precision(b) - precision(a));
    link.ask(parked.map((subscription) => this.#ask(subscription, link)));
  }

  /** Returns what that comes to, with what it takes to resume, as changes of subscriptions. */
  #parkFull(): number {
    const parked = this.#park(this.#full);
    this.#settle();
    return parked.reduce((sum, { topics }) => sum + 2 * (1 + topics.size / TOPICS_PER_CHANGE), 0);
  }

  /** From now on these do not flow; what is still on its way is ignored. Returns those that did. */
  #park(subscriptions: Iterable<Subscription>): Subscription[] {
    const live = [...subscriptions].filter(({ flow }) => flow === 'live');
    for (const subscription of live) {
      subscription.flow = 'parked';
      this.#byRequest.delete(subscription.requestId);
      for (const topic of subscription.topics) this.#topics.get(topic)?.cursor.wait();
    }
    this.#link?.ask(live.map((subscription) => this.#unsubscribe(subscription)));
    return live;
  }

  #unsubscribe({ topic }: Subscription): Unsubscribe {
    return { type: 'unsubscribe', requestId: this.#nextId(), topic };
  }

  #ask(subscription: Subscription, link: Link): Subscribe {
    this.#byRequest.delete(subscription.requestId);
    subscription.flow = 'live';
    subscription.requestId = this.#nextId();
    this.#byRequest.set(subscription.requestId, subscription);
    return subscribeFrame(subscription, this.#topics, link.maxPayload, this.#patterns);
  }

  #listen(subscription: Subscription, topic: string, position?: TopicPosition): TopicEntry {
    subscription.topics.add(topic);
    return this.#topics.listen(topic, subscription.sink, position);
  }

  #end(subscription: Subscription, error: ClientError | undefined): void {
    if (this.#byName.delete(subscription.topic) && isPattern(subscription.topic)) this.#patterns -= 1;
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
