import type { PositionOfTopic, TopicEvent, TopicGap } from '../../client/index.js';

/** What was seen of streams, and what was wrong with it, in records. */
export interface Findings {
  readonly records: number;
  /** Not delivered, but the daemon said so. */
  readonly lost: number;
  /** Not delivered, and nobody said so. */
  readonly missing: number;
  /** Delivered again. */
  readonly duplicates: number;
  /** Delivered after a later one. */
  readonly reordered: number;
  /** Times that the history of a topic was lost; how many records with it, nobody can know. */
  readonly epochChanges: number;
}

/** Offsets, both inclusive. */
interface Range {
  readonly from: number;
  readonly to: number;
}

interface TopicState {
  epoch: string;
  /** The offset that is due. */
  next: number;
  /** What was left out without a word, and might still come. */
  holes: readonly Range[];
}

/** Holes remembered per topic. A record that comes late out of an older one counts as a duplicate. */
const HOLES_MAX = 1_024;

/**
 * Verifies the events of one subscription: within a topic offsets rise one by one, and what is left out is declared by a
 * gap. It begins at the place that was asked for, or else with the first event of each topic.
 */
export class StreamChecker {
  readonly #topics = new Map<string, TopicState>();
  #records = 0;
  #lost = 0;
  #missing = 0;
  #duplicates = 0;
  #reordered = 0;
  #epochChanges = 0;

  constructor(start?: PositionOfTopic) {
    if (start !== undefined) this.#begin(start.topic, start.epoch, start.offset);
  }

  observe(event: TopicEvent): void {
    if (event.type === 'message') this.#record(event.topic, event.epoch, event.offset);
    else this.#gap(event);
  }

  findings(): Findings {
    return {
      records: this.#records,
      lost: this.#lost,
      missing: this.#missing,
      duplicates: this.#duplicates,
      reordered: this.#reordered,
      epochChanges: this.#epochChanges,
    };
  }

  #record(topic: string, epoch: string, offset: number): void {
    this.#records += 1;
    const state = this.#enter(topic, epoch, offset);
    if (offset >= state.next) this.#advance(state, { from: offset, to: offset });
    else this.#late(state, offset);
  }

  #gap({ topic, epoch, fromOffset: from, toOffset: to, reason }: TopicGap): void {
    // A history may be lost and keep its name, where a server remembers less of it than was received.
    const state = reason === 'EPOCH_CHANGED' ? this.#beginAnew(topic, epoch, from) : this.#enter(topic, epoch, from);
    // What was delivered already is not lost; a gap may also be empty.
    const lost = { from: Math.max(from, state.next), to };
    if (lost.to < lost.from) return;
    this.#lost += lost.to - lost.from + 1;
    this.#advance(state, lost);
  }

  /** The state of a topic; where it is new, or its history is another one without a word, `first` is what is due. */
  #enter(topic: string, epoch: string, first: number): TopicState {
    const state = this.#topics.get(topic);
    if (state === undefined) return this.#begin(topic, epoch, first);
    return state.epoch === epoch ? state : this.#beginAnew(topic, epoch, first);
  }

  #beginAnew(topic: string, epoch: string, first: number): TopicState {
    this.#epochChanges += 1;
    return this.#begin(topic, epoch, first);
  }

  #begin(topic: string, epoch: string, next: number): TopicState {
    const state = { epoch, next, holes: [] };
    this.#topics.set(topic, state);
    return state;
  }

  #advance(state: TopicState, seen: Range): void {
    if (seen.from > state.next) {
      const hole = { from: state.next, to: seen.from - 1 };
      this.#missing += hole.to - hole.from + 1;
      state.holes = [...state.holes, hole].slice(-HOLES_MAX);
    }
    state.next = seen.to + 1;
  }

  /** A record from before what is due: if it was missing, it is here now, late; otherwise it is here twice. */
  #late(state: TopicState, offset: number): void {
    const hole = state.holes.find(({ from, to }) => from <= offset && offset <= to);
    if (hole === undefined) {
      this.#duplicates += 1;
      return;
    }
    this.#reordered += 1;
    this.#missing -= 1;
    const rest = [
      { from: hole.from, to: offset - 1 },
      { from: offset + 1, to: hole.to },
    ].filter(({ from, to }) => from <= to);
    state.holes = state.holes.flatMap((each) => (each === hole ? rest : [each]));
  }
}

/** The findings of all subscriptions together. */
export const total = (findings: readonly Findings[]): Findings => {
  const sum = (field: keyof Findings): number => findings.reduce((so, each) => so + each[field], 0);
  return {
    records: sum('records'),
    lost: sum('lost'),
    missing: sum('missing'),
    duplicates: sum('duplicates'),
    reordered: sum('reordered'),
    epochChanges: sum('epochChanges'),
  };
};

/** Did every record come once, in order? */
export const isFaultless = ({ records: _, ...faults }: Findings): boolean =>
  Object.values(faults).every((count) => count === 0);
