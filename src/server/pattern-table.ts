import { TopicTree } from '../log/index.js';
import { LINKS_MAX } from './limits.js';
import type { Subscriber } from './subscriber.js';
import type { PatternSubscription } from './subscription.js';
import type { Topic } from './topic.js';

/** All subscriptions to one pattern. */
export interface PatternGroup {
  readonly pattern: string;
  readonly members: Map<Subscriber, PatternSubscription>;
}

/** What a topic is covered by that no pattern covers, or that has had no record yet. */
export const NO_GROUPS: ReadonlySet<PatternGroup> = new Set();

/**
 * All patterns that somebody subscribes to, and which of them cover a topic. That is looked up with a topic's first
 * record and kept with it, as *links*, for the fan-out asks at every flush. Links are a cache: past `LINKS_MAX` those
 * that were made longest ago go, and are made again when they are next asked for.
 */
export class PatternTable {
  readonly #groups = new TopicTree<PatternGroup>();
  readonly #max: number;
  /** The topics that have links, in the order in which they were looked up. */
  readonly #linked = new Set<Topic>();
  #links = 0;

  constructor(max = LINKS_MAX) {
    this.#max = max;
  }

  /** How many links there are. */
  get links(): number {
    return this.#links;
  }

  /** The group of this legal pattern, made if there is none. */
  group(pattern: string): PatternGroup {
    const known = this.#groups.get(pattern);
    if (known !== undefined) return known;
    const group: PatternGroup = { pattern, members: new Map() };
    this.#groups.set(pattern, group);
    return group;
  }

  /** Lets go of a group that has lost its last member. Its links go as they are come by. */
  release(group: PatternGroup): void {
    if (group.members.size === 0) this.#groups.delete(group.pattern);
  }

  /** The groups that cover a topic. */
  covering(topic: Topic): ReadonlySet<PatternGroup> {
    return topic.groups ?? this.#lookUp(topic);
  }

  /** A member of the group is told of the topic: from now on the topic must know the group. */
  link(topic: Topic, group: PatternGroup): void {
    if (this.covering(topic).has(group)) return;
    const groups = topic.groups as Set<PatternGroup>;
    topic.groups = groups.size === 0 ? new Set([group]) : groups.add(group);
    this.#count(topic, 1);
  }

  /** The group has no members any more. */
  unlink(topic: Topic, group: PatternGroup): void {
    if ((topic.groups as Set<PatternGroup>).delete(group)) this.#links -= 1;
  }

  /** Lets go of a topic's links. */
  forget(topic: Topic): void {
    if (!this.#linked.delete(topic)) return;
    this.#links -= topic.groups?.size ?? 0;
    topic.groups = undefined;
  }

  #lookUp(topic: Topic): ReadonlySet<PatternGroup> {
    const groups = new Set<PatternGroup>();
    this.#groups.matching(topic.name, (group) => groups.add(group));
    topic.groups = groups.size === 0 ? NO_GROUPS : groups;
    if (groups.size > 0) this.#count(topic, groups.size);
    return topic.groups;
  }

  #count(topic: Topic, added: number): void {
    this.#linked.add(topic);
    this.#links += added;
    if (this.#links <= this.#max) return;
    for (const oldest of this.#linked) {
      if (oldest !== topic) this.forget(oldest);
      if (this.#links <= this.#max) return;
    }
  }
}
