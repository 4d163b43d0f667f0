import type { TopicGap, TopicMessage, TopicStart } from '../../src/client/events.js';
import { OnLag } from '../../src/wire/index.js';
import { type History, type Oracle, type Place, sameRecord } from './oracle.js';
import { must } from './world.js';

/** What a checker must know of the server at the moment at which something is delivered. */
export interface Retained {
  /** The first offset that the server retains; undefined if it does not know this history any more. */
  first(topic: string, epoch: string): number | undefined;
  /** Those of all topics that there are; undefined: there is no server. */
  epochs(): ReadonlySet<string> | undefined;
}

/**
 * Watches what one subscription (or fetch) is given, and breaks off the simulation where it is not exactly what was
 * published: each record once, in order, unchanged, and nothing left out but what a gap declares, in its place.
 */
export class StreamChecker {
  readonly #name: string;
  readonly #oracle: Oracle;
  readonly #retained: Retained;
  readonly #asked: (topic: string, onLag: OnLag) => boolean;
  readonly #places = new Map<string, Place>();
  readonly #joined = new Map<string, Place>();
  #messages = 0;

  /** @param asked tells whether this was asked for, should the stream fall behind in a topic */
  constructor(
    name: string,
    oracle: Oracle,
    retained: Retained,
    asked: (topic: string, onLag: OnLag) => boolean = () => false,
  ) {
    this.#name = name;
    this.#oracle = oracle;
    this.#retained = retained;
    this.#asked = asked;
  }

  /** Records delivered. */
  get messages(): number {
    return this.#messages;
  }

  /** Where it stands, by topic. */
  get places(): ReadonlyMap<string, Place> {
    return this.#places;
  }

  /** Where it stands in a topic, or where it has joined another stream of the same client and was given nothing yet. */
  standing(topic: string): Place | undefined {
    return this.#places.get(topic) ?? this.#joined.get(topic);
  }

  /** Delivery begins at a place that is known beforehand. */
  expect(topic: string, place: Place): void {
    this.#places.set(topic, place);
  }

  /** The server has said where it begins. Where this stream stands already, that changes nothing: a gap must say so. */
  subscribed({ topic, epoch, offset }: TopicStart): void {
    if (this.standing(topic) === undefined) this.#places.set(topic, { epoch, next: offset });
  }

  /** The same, where another stream of the same client has the topic already: this one is given what that one is. */
  joined({ topic, epoch, offset }: TopicStart): void {
    this.#joined.set(topic, { epoch, next: offset });
  }

  /** Begins again in another process, which is told of `places` and of nothing else. */
  restarted(): void {
    this.#joined.clear();
  }

  message(message: TopicMessage): void {
    const { topic, epoch, offset, timestampUs } = message;
    const place = this.#places.get(topic) ?? { epoch, next: offset };
    must(epoch === place.epoch, () => this.#says(topic, `${epoch} follows ${place.epoch} without a word`));
    must(offset >= place.next, () => this.#says(topic, `${offset} comes again, or late: ${place.next} is next`));
    must(offset === place.next, () => this.#says(topic, `${place.next} to ${offset - 1} are missing and not declared`));
    const appended = this.#oracle.find(topic, epoch)?.records[offset - 1];
    must(appended !== undefined, () => this.#says(topic, `${epoch}:${offset} was never appended`));
    must(sameRecord(appended.record, message), () => this.#says(topic, `${epoch}:${offset} is not what was appended`));
    must(appended.timestampUs === timestampUs, () => this.#says(topic, `${epoch}:${offset} has another timestamp`));
    this.#places.set(topic, { epoch, next: offset + 1 });
    this.#messages += 1;
  }

  gap(gap: TopicGap): void {
    const { topic, epoch, fromOffset, toOffset, reason } = gap;
    const place = this.#places.get(topic);
    this.#places.set(topic, { epoch, next: toOffset + 1 });
    if (reason === 'EPOCH_CHANGED') return this.#newHistory(gap, place);
    if (place !== undefined) {
      must(epoch === place.epoch, () => this.#says(topic, `a gap in ${epoch}, while ${place.epoch} is delivered`));
      must(fromOffset === place.next, () => this.#says(topic, `a gap from ${fromOffset}, while ${place.next} is next`));
    }
    must(toOffset >= fromOffset, () => this.#says(topic, `a gap from ${fromOffset} to ${toOffset}`));
    switch (reason) {
      case 'EVICTED':
        return this.#evicted(gap);
      case 'SKIPPED':
        return must(this.#asked(topic, OnLag.SKIP), () =>
          this.#says(topic, 'records were skipped that nobody gave up'),
        );
      case 'CONFLATED':
        return this.#conflated(gap);
      case 'CORRUPT':
        return must(false, () => this.#says(topic, `${fromOffset} to ${toOffset} were given up`));
    }
  }

  #newHistory({ topic, epoch, fromOffset }: TopicGap, place: Place | undefined): void {
    must(fromOffset === 1, () => this.#says(topic, `a new history that begins at ${fromOffset}`));
    must(epoch !== place?.epoch, () => this.#says(topic, `${epoch} is declared new, and is not`));
    const before = place && this.#oracle.find(topic, place.epoch);
    const after = this.#oracle.find(topic, epoch);
    const forward = before === undefined || after === undefined || after.serial > before.serial;
    must(forward, () => this.#says(topic, `${epoch} is older than ${place?.epoch}`));
  }

  #evicted({ topic, epoch, toOffset }: TopicGap): void {
    const first = this.#retained.first(topic, epoch) ?? Number.POSITIVE_INFINITY;
    must(toOffset < first, () =>
      this.#says(topic, `${toOffset} is called evicted, and ${first} is the first retained`),
    );
  }

  /** Each record that was left out must have a newer one of its key. */
  #conflated({ topic, epoch, fromOffset, toOffset }: TopicGap): void {
    must(this.#asked(topic, OnLag.LATEST_PER_KEY), () => this.#says(topic, 'conflated without having asked for it'));
    const { records } = this.#oracle.find(topic, epoch) as History;
    for (let offset = fromOffset; offset <= toOffset; offset++) {
      const key = records[offset - 1]?.record.key;
      const newer = records.findLastIndex(({ record }) => record.key === key) + 1;
      must(newer > offset, () => this.#says(topic, `${offset} was left out, and is the newest of its key`));
    }
  }

  #says(topic: string, what: string): string {
    return `${this.#name}, ${topic}: ${what}`;
  }
}
