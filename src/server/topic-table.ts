import { MemoryBudget, type Retention, TopicLog, TopicTree } from '../log/index.js';
import type { Randomness } from './environment.js';
import { IDS_KEPT_MS } from './limits.js';
import { PatternTable } from './pattern-table.js';
import type { TopicStatus } from './status.js';
import { Topic } from './topic.js';

export interface TopicTableOptions {
  readonly retention: Retention;
  readonly retainTotal: number;
  /** How many topics there may be. Past it, new ones are refused. */
  readonly maxTopics: number;
}

/** Topics looked at in one sweep for what is over age or can be forgotten, so that a sweep is never long. */
const TOPICS_PER_SWEEP = 4096;

/** Why a topic is not opened. That it may be when others are forgotten is no reason for a client to go on asking. */
export const TOO_MANY_TOPICS = 'the limit of topics is reached, until others are forgotten';

/**
 * All topics. One that has been named is open; with its first record it is also listed: it has a serial, and patterns
 * cover it.
 */
export class TopicTable {
  #options: TopicTableOptions;
  readonly #random: Randomness;
  readonly #budget: MemoryBudget;
  readonly #byName = new Map<string, Topic>();
  readonly #byHash = new Map<number, Topic>();
  readonly #listed = new TopicTree<Topic>();
  readonly #bySerial = new Map<number, Topic>();
  readonly patterns = new PatternTable();
  #serial = 0;
  #sweep: Iterator<Topic>;

  constructor(options: TopicTableOptions, random: Randomness) {
    this.#options = options;
    this.#random = random;
    this.#budget = new MemoryBudget(options.retainTotal);
    this.#sweep = this.#byName.values();
  }

  get size(): number {
    return this.#byName.size;
  }

  /** Memory held by all logs, in bytes. */
  get logBytes(): number {
    return this.#budget.bytes;
  }

  /** The serial of the topic listed last. */
  get serial(): number {
    return this.#serial;
  }

  /**
   * The topic whose name these bytes are: the way of the hot path, which makes no string. Undefined says nothing: of
   * two topics with the same hash only one is found like this.
   */
  findUtf8(bytes: Uint8Array, start: number, end: number): Topic | undefined {
    const topic = this.#byHash.get(hash(bytes, start, end));
    return topic !== undefined && isName(topic.utf8, bytes, start, end) ? topic : undefined;
  }

  /** New limits. What is over them goes with the next append. */
  configure(options: TopicTableOptions): void {
    this.#options = options;
    this.#budget.limit = options.retainTotal;
    for (const topic of this.#byName.values()) topic.log.retention = options.retention;
  }

  /** The topics that hold most, for people to look at. */
  status(most = 100): TopicStatus[] {
    const topics = Array.from(this.#byName.values());
    topics.sort((a, b) => b.log.bytes - a.log.bytes);
    return topics.slice(0, most).map((topic) => {
      const { name, log, exact, cursors } = topic;
      let patterns = 0;
      for (const group of this.patterns.covering(topic)) patterns += group.members.size;
      const { epoch, first, head, bytes } = log;
      return { name, epoch, first, head, bytes, subscribers: exact.size + patterns, lagging: cursors };
    });
  }

  /** The topic of this legal name, made if there is none; undefined when there may be no more. */
  open(name: string): Topic | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined || this.#byName.size >= this.#options.maxTopics) return known;
    const topic = this.#make(name);
    this.#byName.set(name, topic);
    this.#byHash.set(hash(topic.utf8, 0, topic.utf8.length), topic);
    return topic;
  }

  find(name: string): Topic | undefined {
    return this.#byName.get(name);
  }

  /** The topic of this legal name, or one as it would be if it were opened, of which nothing is kept. */
  glance(name: string): Topic {
    return this.#byName.get(name) ?? this.#make(name);
  }

  /** The topic has its first record: those whose patterns cover it are to be told of it. */
  list(topic: Topic): void {
    this.#serial += 1;
    topic.serial = this.#serial;
    topic.groups = undefined;
    this.#listed.set(topic.name, topic);
    this.#bySerial.set(topic.serial, topic);
    for (const { members } of this.patterns.covering(topic)) {
      for (const [subscriber, subscription] of members) subscriber.announce(subscription, topic);
    }
  }

  /** The topic that was listed with this serial, unless it has been forgotten. */
  listed(serial: number): Topic | undefined {
    return this.#bySerial.get(serial);
  }

  /** The serials of all listed topics that a legal pattern covers, rising, and how many nodes were looked at for it. */
  covered(pattern: string): { serials: Float64Array; cost: number } {
    const serials: number[] = [];
    const cost = this.#listed.covered(pattern, ({ serial }) => serials.push(serial));
    return { serials: Float64Array.from(serials).sort(), cost };
  }

  /** Forgets a topic that nothing depends on any more. The next one of its name has another epoch. */
  releaseTopic(topic: Topic): void {
    if (topic.idle && !topic.hasIds) this.#forget(topic);
  }

  /** Drops what is over age and forgets what is idle, a part of the topics at a time. */
  sweep(nowUs: number): void {
    for (let n = Math.min(TOPICS_PER_SWEEP, this.#byName.size); n > 0; n--) {
      let step = this.#sweep.next();
      if (step.done === true) {
        this.#sweep = this.#byName.values();
        step = this.#sweep.next();
        if (step.done === true) return;
      }
      const topic = step.value;
      topic.log.expire(nowUs);
      const isRetryable = topic.hasIds && nowUs - topic.log.lastTimestampUs < IDS_KEPT_MS * 1000;
      if (topic.idle && !isRetryable) this.#forget(topic);
    }
  }

  #make(name: string): Topic {
    const { retention } = this.#options;
    return new Topic(name, new TopicLog({ epoch: this.#random.unique(), retention, budget: this.#budget }));
  }

  #forget(topic: Topic): void {
    if (this.#byName.get(topic.name) !== topic) return;
    topic.log.clear();
    topic.window?.clear();
    this.#byName.delete(topic.name);
    const place = hash(topic.utf8, 0, topic.utf8.length);
    if (this.#byHash.get(place) === topic) this.#byHash.delete(place);
    if (topic.serial === 0) return;
    this.#bySerial.delete(topic.serial);
    this.#listed.delete(topic.name);
    this.patterns.forget(topic);
  }
}

/** FNV-1a. Who makes names collide gains nothing: they are then found by the string. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let h = 0x811c9dc5;
  for (let at = start; at < end; at++) h = Math.imul(h ^ (bytes[at] as number), 0x01000193);
  return h;
}

function isName(utf8: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (utf8.length !== end - start) return false;
  for (let i = 0; i < utf8.length; i++) if (utf8[i] !== bytes[start + i]) return false;
  return true;
}
