import { MemoryBudget, type Retention, TopicLog, TopicTree } from '../log/index.js';
import type { Randomness } from './environment.js';
import type { TopicStatus } from './status.js';
import { type PatternGroup, Topic } from './topic.js';

export interface TopicTableOptions {
  readonly retention: Retention;
  readonly retainTotal: number;
  /** How many topics there may be. Past it, new ones are refused. */
  readonly maxTopics: number;
}

/** Topics looked at in one sweep for what is over age or can be forgotten, so that a sweep is never long. */
const TOPICS_PER_SWEEP = 4096;

/** All topics, and all patterns that somebody subscribes to, each found from the other. */
export class TopicTable {
  #options: TopicTableOptions;
  readonly #random: Randomness;
  readonly #budget: MemoryBudget;
  readonly #byName = new Map<string, Topic>();
  readonly #byHash = new Map<number, Topic>();
  readonly #topics = new TopicTree<Topic>();
  readonly #patterns = new TopicTree<PatternGroup>();
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

  /** The serial of the topic opened last. */
  get serial(): number {
    return this.#serial;
  }

  values(): Iterable<Topic> {
    return this.#byName.values();
  }

  find(name: string): Topic | undefined {
    return this.#byName.get(name);
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
    return topics.slice(0, most).map(({ name, log, exact, groups, cursors }) => {
      let patterns = 0;
      for (const group of groups) patterns += group.members.size;
      const { epoch, first, head, bytes } = log;
      return { name, epoch, first, head, bytes, subscribers: exact.size + patterns, lagging: cursors };
    });
  }

  /** The topic of this legal name, made if there is none; undefined when there may be no more. */
  open(name: string): Topic | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined || this.#byName.size >= this.#options.maxTopics) return known;
    const groups = new Set<PatternGroup>();
    this.#patterns.matching(name, (group) => groups.add(group));
    const log = new TopicLog({
      epoch: this.#random.unique(),
      retention: this.#options.retention,
      budget: this.#budget,
    });
    this.#serial += 1;
    const topic = new Topic(name, this.#serial, log, groups);
    this.#byName.set(name, topic);
    this.#byHash.set(hash(topic.utf8, 0, topic.utf8.length), topic);
    this.#topics.set(name, topic);
    for (const group of groups) {
      group.topics.push(topic);
      for (const [subscriber, subscription] of group.members) subscriber.announce(subscription);
    }
    return topic;
  }

  /** The group of this legal pattern, made if there is none. */
  group(pattern: string): PatternGroup {
    const known = this.#patterns.get(pattern);
    if (known !== undefined) return known;
    const topics: Topic[] = [];
    this.#topics.covered(pattern, (topic) => topics.push(topic));
    topics.sort((a, b) => a.serial - b.serial);
    const group: PatternGroup = { pattern, members: new Map(), topics };
    this.#patterns.set(pattern, group);
    for (const topic of topics) topic.groups.add(group);
    return group;
  }

  /** Lets go of a group that has lost its last member. */
  releaseGroup(group: PatternGroup): void {
    if (group.members.size > 0) return;
    this.#patterns.delete(group.pattern);
    for (const topic of group.topics) topic.groups.delete(group);
  }

  /** Forgets a topic that nothing depends on any more. The next one of its name has another epoch. */
  releaseTopic(topic: Topic): void {
    if (!topic.idle || this.#byName.get(topic.name) !== topic) return;
    topic.log.clear();
    topic.window?.clear();
    this.#byName.delete(topic.name);
    const place = hash(topic.utf8, 0, topic.utf8.length);
    if (this.#byHash.get(place) === topic) this.#byHash.delete(place);
    this.#topics.delete(topic.name);
    for (const group of topic.groups) group.topics.splice(firstAfter(group.topics, topic.serial - 1), 1);
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
      step.value.log.expire(nowUs);
      this.releaseTopic(step.value);
    }
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

/** The index of the first topic whose serial is above `serial`. */
export function firstAfter(topics: readonly Topic[], serial: number): number {
  let low = 0;
  let high = topics.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((topics[middle] as Topic).serial <= serial) low = middle + 1;
    else high = middle;
  }
  return low;
}
