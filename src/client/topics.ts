import { TopicCursor } from './cursor.js';
import type { ClientError } from './errors.js';
import type { TopicEvent, TopicGap, TopicMessage, TopicPosition, TopicStart } from './events.js';

/** Where a subscription delivers to, in order and within the turn in which it was received. */
export interface Sink {
  /** The server has taken up the subscription, or one more topic of its pattern; again after every reconnect. */
  subscribed(start: TopicStart): void;
  message(message: TopicMessage): void;
  gap(gap: TopicGap): void;
  /** Nothing follows. Undefined: it was asked to end. */
  ended(error: ClientError | undefined): void;
}

/** A topic as the link delivers it: one cursor, however many subscriptions cover it. */
export interface TopicEntry {
  readonly cursor: TopicCursor;
  readonly sinks: Set<Sink>;
}

/** The topics that are listened to, each for as long as somebody does. */
export class Topics {
  readonly #entries = new Map<string, TopicEntry>();

  get(topic: string): TopicEntry | undefined {
    return this.#entries.get(topic);
  }

  /** Adds a listener. A topic that is new begins at the position; one that is not goes on where it is. */
  listen(topic: string, sink: Sink, position?: TopicPosition): TopicEntry {
    const entry = this.#entries.get(topic) ?? { cursor: new TopicCursor(topic, position), sinks: new Set() };
    this.#entries.set(topic, entry);
    entry.sinks.add(sink);
    return entry;
  }

  /** Takes a listener away; the topic is forgotten with the last one. */
  leave(topic: string, sink: Sink): void {
    const sinks = this.#entries.get(topic)?.sinks;
    sinks?.delete(sink);
    if (sinks?.size === 0) this.#entries.delete(topic);
  }
}

/** Tells everyone who listens to the topic. */
export function deliver({ sinks }: TopicEntry, event: TopicEvent): void {
  for (const sink of sinks) {
    if (event.type === 'message') sink.message(event);
    else sink.gap(event);
  }
}
