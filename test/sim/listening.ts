import type { ClientCore } from '../../src/client/core.js';
import type { ClientError } from '../../src/client/errors.js';
import type { TopicMessage, TopicStart } from '../../src/client/events.js';
import { AT_EARLIEST, AT_LATEST, atPosition, type StartFields } from '../../src/client/start.js';
import type { SubscriptionControl } from '../../src/client/subscriptions.js';
import { isPattern, patternMatches } from '../../src/log/index.js';
import type { OnLag } from '../../src/wire/index.js';
import type { Oracle, Place } from './oracle.js';
import { type Retained, StreamChecker } from './stream-checker.js';
import { must, type World } from './world.js';

export interface ListeningPlan {
  /** A topic or a pattern. */
  readonly topic: string;
  /** A place is only for a topic. */
  readonly from: 'earliest' | 'latest' | Place;
  readonly onLag: OnLag;
  /** So many of the records given are answered: it takes no more until its own record is published. */
  readonly answers: number;
}

/** All subscriptions of one client: it has one place in each topic, whatever number of them cover it. */
export interface Siblings {
  /** Does another one than this cover the topic? */
  cover(topic: string, except: Listening): boolean;
  /** Did another one than this ever cover the topic? */
  covered(topic: string, except: Listening): boolean;
  /** Publishes a record; calls back when that is settled, and it need not be. */
  answer(settled: () => void): void;
  /** Has any that covers the topic asked for this in case of lag? Which of them counts is the server's to say. */
  asked(topic: string, onLag: OnLag): boolean;
}

/** A subscription of an application, over several lives of its process. */
export class Listening {
  readonly plan: ListeningPlan;
  readonly #name: string;
  readonly #checker: StreamChecker;
  readonly #retained: Retained;
  readonly #world: World;
  readonly #siblings: Siblings;
  #control: SubscriptionControl | undefined;
  #taking: 'yes' | 'no' = 'yes';
  #answers: number;
  /** The batch in which it said that it takes no more, which may stand over. */
  #last: { readonly topic: string; readonly timestampUs: number } | undefined;
  /** The histories that there were when the server was heard to have taken up the pattern. */
  #epochs: ReadonlySet<string> | undefined;

  constructor(name: string, plan: ListeningPlan, oracle: Oracle, retained: Retained, world: World, siblings: Siblings) {
    this.plan = plan;
    this.#answers = plan.answers;
    this.#name = name;
    const checker = new StreamChecker(name, oracle, retained, (topic, onLag) => siblings.asked(topic, onLag));
    this.#checker = checker;
    this.#retained = retained;
    this.#world = world;
    this.#siblings = siblings;
    // Where another one covers the topic, its place will be this one's place.
    if (typeof plan.from === 'object' && !siblings.cover(plan.topic, this)) checker.expect(plan.topic, plan.from);
  }

  covers(topic: string): boolean {
    return isPattern(this.plan.topic) ? patternMatches(this.plan.topic, topic) : this.plan.topic === topic;
  }

  /** Subscribes, for the first time or again from where it stands. */
  begin(core: ClientCore): void {
    const { topic, onLag } = this.plan;
    this.#checker.restarted();
    this.#epochs = undefined;
    const positions = Array.from(this.#checker.places, ([name, { epoch, next }]) => ({
      topic: name,
      epoch,
      offset: next,
    }));
    const control = core.subscribe(
      { topic, start: this.#start(), onLag, positions },
      {
        subscribed: (start) => this.#subscribed(start),
        message: (message) => {
          const standsOver = message.topic === this.#last?.topic && message.timestampUs === this.#last.timestampUs;
          must(this.#taking === 'yes' || standsOver, () => `${this.#name} is given more than it takes`);
          this.#world.note(`${this.#name} is given ${message.topic} ${message.epoch}:${message.offset}`);
          this.#checker.message(message);
          if (this.#taking === 'yes') this.#answer(message);
        },
        gap: (gap) => {
          const { topic, epoch, fromOffset, toOffset, reason } = gap;
          this.#world.note(`${this.#name} is told of a gap: ${topic} ${epoch}:${fromOffset}-${toOffset} ${reason}`);
          this.#checker.gap(gap);
        },
        ended: (error) => this.#ended(error),
      },
    );
    this.#control = control;
    if (this.#taking === 'no') control.demand('enough');
  }

  /** The application stops taking what it is given, or goes on. */
  take(whether: 'yes' | 'no'): void {
    this.#taking = whether;
    this.#last = undefined;
    this.#control?.demand(whether === 'no' ? 'enough' : 'waiting');
  }

  end(): void {
    this.#control?.end();
  }

  /** The process has come to its end. */
  rest(): void {
    this.#control = undefined;
  }

  /** What it has not been given, of all that there is; undefined: it has everything. */
  lacks(
    topics: Iterable<{ readonly name: string; readonly epoch: string; readonly head: number }>,
  ): string | undefined {
    for (const { name, epoch, head } of topics) {
      if (!this.covers(name)) continue;
      // A pattern is not told of a topic before it has a record.
      if (head === 0 && name !== this.plan.topic) continue;
      const place = this.#checker.standing(name);
      if (place?.epoch === epoch && place.next === head + 1) continue;
      return `${this.#name} stands at ${place?.epoch}:${place?.next} in ${name}, whose head is ${epoch}:${head}`;
    }
    return undefined;
  }

  /** As a loop that publishes for each record and waits for it, before it takes the next one. */
  #answer({ topic, timestampUs }: TopicMessage): void {
    if (this.#answers === 0) return;
    this.#answers -= 1;
    this.take('no');
    this.#last = { topic, timestampUs };
    this.#siblings.answer(() => this.take('yes'));
  }

  #subscribed(start: TopicStart): void {
    const { topic, epoch, offset } = start;
    if (epoch === '') this.#epochs ??= this.#retained.epochs();
    else if (this.#siblings.cover(topic, this)) this.#checker.joined(start);
    else {
      // Where another one had the topic first, and has ended by now, this one is given what comes after that.
      const isNew = this.#checker.standing(topic) === undefined && !this.#siblings.covered(topic, this);
      const cameUpLater = this.#epochs?.has(epoch) === false;
      const first = this.#retained.first(topic, epoch) ?? Number.POSITIVE_INFINITY;
      must(!isNew || !cameUpLater || offset <= first, () => `${this.#name}: ${topic} came up, and begins at ${offset}`);
      this.#checker.subscribed(start);
    }
  }

  #start(): StartFields {
    const place = this.#checker.places.get(this.plan.topic);
    if (place !== undefined) return atPosition({ epoch: place.epoch, offset: place.next });
    // One that comes back to a pattern wants whatever came up meanwhile, too.
    return this.plan.from === 'earliest' || this.#checker.places.size > 0 ? AT_EARLIEST : AT_LATEST;
  }

  #ended(error: ClientError | undefined): void {
    const ordinary = error === undefined || error.code !== 'REFUSED' || error.reason === 'TOO_MANY_SUBSCRIPTIONS';
    must(ordinary, () => `${this.#name} is refused: ${error?.message}`);
  }
}
