import { abortable, onAbort } from './abort.js';
import { aborted, ClientError } from './errors.js';
import { EventBuffer } from './event-buffer.js';
import type { LinkEvent } from './events.js';

/** Events that a reader of the status may be behind; past it the oldest are dropped, because only the newest is true. */
const STATUS_EVENTS_MAX = 64;

/** What happens to the link, for everyone who wants to know. */
export class LinkStatus {
  readonly #feeds = new Set<EventBuffer<LinkEvent>>();
  readonly #waiting = new Set<(event: LinkEvent) => void>();
  #last: LinkEvent | undefined;

  emit(event: LinkEvent): void {
    this.#last = event;
    for (const feed of this.#feeds) offer(feed, event);
    for (const look of this.#waiting) look(event);
  }

  /** The newest event and all that follow; ends behind `closed`. */
  events(signal: AbortSignal | undefined): AsyncIterableIterator<LinkEvent, undefined> {
    let detach = () => {};
    const feed = new EventBuffer<LinkEvent>({
      ended: () => {
        detach();
        this.#feeds.delete(feed);
      },
    });
    if (signal?.aborted === true) {
      feed.end(aborted(signal));
      return feed;
    }
    detach = onAbort(signal, (error) => feed.abort(error));
    this.#feeds.add(feed);
    if (this.#last !== undefined) offer(feed, this.#last);
    return feed;
  }

  /** Resolves when there is a link, at once if there is one. */
  connected(signal: AbortSignal | undefined): Promise<void> {
    return abortable(signal, (resolve, reject) => {
      const look = (event: LinkEvent) => {
        if (event.type !== 'connected' && event.type !== 'closed') return;
        this.#waiting.delete(look);
        if (event.type === 'connected') resolve();
        else reject(event.error ?? new ClientError('CLOSED'));
      };
      this.#waiting.add(look);
      if (this.#last !== undefined) look(this.#last);
      return () => this.#waiting.delete(look);
    });
  }
}

function offer(feed: EventBuffer<LinkEvent>, event: LinkEvent): void {
  feed.push(event);
  if (feed.size > STATUS_EVENTS_MAX) feed.dropOldest();
  if (event.type === 'closed') feed.end();
}
