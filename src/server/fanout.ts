import type { Slice } from '../log/index.js';
import { disconnectIfTooFarBehind } from './backlog.js';
import { contain } from './containment.js';
import type { Environment } from './environment.js';
import { BACKLOG_BYTES_PER_ROUND, BACKLOG_BYTES_PER_TURN, SLICE_BYTES_MAX } from './limits.js';
import type { PatternTable } from './pattern-table.js';
import type { Subscriber } from './subscriber.js';
import type { Topic } from './topic.js';

/** A flush may wait so long for more to come, when flushing has become the cost. */
const LINGER_MS_MAX = 4;
/** A pause behind a flush of less than this part of what the flush took is none. */
const BUSY_PAUSE = 0.1;
/** A flush shorter than this is not worth waiting for a better one: a timer is no finer. */
const LINGER_MS_MIN = 1;

/**
 * Carries what was appended to those who listen. At the end of each turn of the event loop in which something was
 * appended there is one flush: whoever is live is sent the same slice of the same memory, and whoever is not sent it
 * because its link is full gets a cursor, which the backlog rounds advance from then on.
 */
export class Fanout {
  readonly #env: Environment;
  readonly #patterns: PatternTable;
  #dirty: Topic[] = [];
  readonly #touched: Subscriber[] = [];
  /** Those who are owed something and whose link takes it. */
  readonly #backlog = new Set<Subscriber>();
  #scheduled: 'no' | 'soon' | 'lingering' = 'no';
  #stamp = 0;
  /** When the last flush ended, and how long it took. */
  #flushedMs = 0;
  #tookMs = 0;

  constructor(env: Environment, patterns: PatternTable) {
    this.#env = env;
    this.#patterns = patterns;
  }

  /** Something was appended to the topic. */
  appended(topic: Topic): void {
    if (topic.dirty) return;
    topic.dirty = true;
    this.#dirty.push(topic);
    if (this.#scheduled !== 'no') return;
    const lingerMs = this.#linger();
    if (lingerMs < LINGER_MS_MIN) return this.#soon();
    this.#scheduled = 'lingering';
    this.#env.scheduler.after(lingerMs, this.#turn);
  }

  /** The subscriber is owed something and its link takes it. */
  wake(subscriber: Subscriber): void {
    this.#backlog.add(subscriber);
    if (this.#scheduled === 'no') this.#soon();
  }

  /** The subscriber is gone. */
  drop(subscriber: Subscriber): void {
    this.#backlog.delete(subscriber);
  }

  /** Sends everything that was appended, now: before a drain. */
  flush(): void {
    const began = this.#env.clock.monotonicMs();
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const topic of dirty) this.#flushTopic(topic);
    for (const subscriber of this.#touched) contain(subscriber, write);
    this.#touched.length = 0;
    this.#flushedMs = this.#env.clock.monotonicMs();
    this.#tookMs = this.#flushedMs - began;
  }

  #soon(): void {
    this.#scheduled = 'soon';
    this.#env.scheduler.soon(this.#turn);
  }

  readonly #turn = (): void => {
    this.#scheduled = 'no';
    if (this.#dirty.length > 0) this.flush();
    this.#round();
    if (this.#backlog.size > 0 && this.#scheduled === 'no') this.#soon();
  };

  /** One round over those who are behind, each a bounded part, the first to have waited first. */
  #round(): void {
    let left = BACKLOG_BYTES_PER_ROUND;
    for (const subscriber of this.#backlog) {
      if (left <= 0) return;
      this.#backlog.delete(subscriber);
      const budget = Math.min(left, BACKLOG_BYTES_PER_TURN);
      let sent = 0;
      contain(subscriber, () => {
        sent = subscriber.advance(budget);
      });
      left -= sent;
      // Put behind the others, and so visited again in this very round if there is room. One that could be sent nothing
      // is woken by what it waits for: its link, or the next flush.
      if (sent > 0 && subscriber.owed) this.#backlog.add(subscriber);
    }
  }

  #flushTopic(topic: Topic): void {
    topic.dirty = false;
    const { log } = topic;
    if (topic.sent < log.first) this.#outrun(topic);
    while (topic.sent <= log.head) {
      const slice = log.read(topic.sent, SLICE_BYTES_MAX, Number.POSITIVE_INFINITY);
      if (slice === undefined) break;
      const receivers = this.#offerAll(topic, slice);
      topic.sent = slice.next;
      if (receivers > 0) this.#countDelivered(slice, receivers);
    }
    for (const fetch of topic.fetches) fetch.wake();
  }

  /** Retention has overtaken a flush: everybody live has lost the same records, and will be told by a cursor of its own. */
  #outrun(topic: Topic): void {
    this.#eachListener(topic, (subscriber) => {
      if (!subscriber.cursors.has(topic)) subscriber.fallBehind(topic);
      this.wake(subscriber);
    });
    topic.sent = topic.log.head + 1;
  }

  #offerAll(topic: Topic, slice: Slice): number {
    let receivers = 0;
    this.#eachListener(topic, (subscriber) => {
      if (this.#offer(subscriber, topic, slice)) receivers += 1;
    });
    return receivers;
  }

  #offer(subscriber: Subscriber, topic: Topic, slice: Slice): boolean {
    const cursor = subscriber.cursors.size === 0 ? undefined : subscriber.cursors.get(topic);
    if (cursor === undefined) {
      if (subscriber.out.full) {
        subscriber.fallBehind(topic);
        return false;
      }
    } else {
      if (cursor.offset !== topic.sent || subscriber.announcing || subscriber.out.full) {
        disconnectIfTooFarBehind(subscriber, cursor);
        return false;
      }
      subscriber.catchUp(topic);
    }
    if (!subscriber.gathering) {
      subscriber.gathering = true;
      this.#touched.push(subscriber);
    }
    subscriber.out.data(slice.bytes);
    return true;
  }

  /** Visits each live or lagging listener of the topic once, whatever number of its subscriptions cover the topic. */
  #eachListener(topic: Topic, visit: (subscriber: Subscriber) => void): void {
    const stamp = ++this.#stamp;
    for (const subscriber of topic.exact.keys()) {
      subscriber.stamp = stamp;
      contain(subscriber, visit);
    }
    for (const group of this.#patterns.covering(topic)) {
      if (group.members.size === 0) this.#patterns.unlink(topic, group);
      for (const [subscriber, subscription] of group.members) {
        if (subscription.announced < topic.serial || subscriber.stamp === stamp) continue;
        subscriber.stamp = stamp;
        contain(subscriber, visit);
      }
    }
  }

  #countDelivered(slice: Slice, receivers: number): void {
    const ageSeconds = Math.max(0, this.#env.clock.wallUs() - slice.timestampUs) / 1e6;
    this.#env.telemetry.delivered(slice.records * receivers, slice.frames * receivers, ageSeconds);
  }

  /**
   * How long to wait for more before the next flush. If something came in right behind the last flush, there is no idle
   * time left, flushing has become the cost, and the next one waits as long as the last one took: batches grow. If
   * there was a pause, nothing would be gained by waiting.
   */
  #linger(): number {
    const pauseMs = this.#env.clock.monotonicMs() - this.#flushedMs;
    return pauseMs < this.#tookMs * BUSY_PAUSE ? Math.min(LINGER_MS_MAX, this.#tookMs) : 0;
  }
}

/** Writes what a flush has gathered. */
function write(subscriber: Subscriber): void {
  subscriber.flush();
  // It fell behind because enough was gathered for one write, and the link has taken all of that.
  if (subscriber.owed) subscriber.wake();
}
