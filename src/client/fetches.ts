import { localCause } from '../session/index.js';
import type { ErrorFrame, Fetch, Fetched, Gap, Messages } from '../wire/index.js';
import { type ClientError, refused } from './errors.js';
import type { TopicEvent, TopicPosition } from './events.js';
import { eventsOf } from './fetch-answer.js';
import type { Link } from './link.js';
import type { StartFields } from './start.js';

export interface FetchRequest {
  readonly topic: string;
  readonly start: StartFields;
  /** 0: as many as the server gives at once. */
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly waitMs: number;
}

/** What was there: in order, and where to go on. */
export interface FetchResult {
  readonly events: readonly TopicEvent[];
  readonly next: TopicPosition;
  /** There is more already. */
  readonly more: boolean;
}

interface PendingFetch extends FetchRequest {
  readonly settle: (outcome: FetchResult | ClientError) => void;
  requestId: number;
  frames: (Messages | Gap)[];
}

/** The fetches that wait for their answer, across links: one that was under way when a link was lost is asked again. */
export class Fetches {
  readonly #nextId: () => number;
  readonly #pending = new Set<PendingFetch>();
  #link: Link | undefined;

  constructor(nextId: () => number) {
    this.#nextId = nextId;
  }

  /** Begins a fetch; the returned function forgets it, and it does not settle then. */
  add(request: FetchRequest, settle: (outcome: FetchResult | ClientError) => void): () => void {
    const fetch: PendingFetch = { ...request, settle, requestId: 0, frames: [] };
    this.#pending.add(fetch);
    if (this.#link !== undefined) this.#ask(fetch, this.#link);
    return () => this.#pending.delete(fetch);
  }

  linked(link: Link): void {
    this.#link = link;
    for (const fetch of this.#pending) this.#ask(fetch, link);
  }

  unlinked(): void {
    this.#link = undefined;
  }

  /** Part of an answer may be missing, which nothing tells: it is asked for again on another link. */
  repair(): void {
    if (this.#pending.size > 0) this.#link?.close(localCause('CORRUPT', 'a damaged frame while fetching'));
  }

  /** Messages name their topic and no request: they belong to whichever fetch of that topic is under way. */
  received(frame: Messages | Gap): void {
    for (const fetch of this.#pending) {
      if (fetch.topic !== frame.topic) continue;
      fetch.frames.push(frame);
      this.#link?.progressed(fetch.requestId);
    }
  }

  fetched({ requestId, epoch, nextOffset, more }: Fetched): void {
    const fetch = this.#take(requestId);
    fetch?.settle({
      events: eventsOf(fetch.frames, fetch.start, epoch, nextOffset),
      next: { epoch, offset: nextOffset },
      more,
    });
  }

  /** ERROR: returns false if it is not about a fetch. */
  refused(frame: ErrorFrame): boolean {
    const fetch = this.#take(frame.requestId);
    fetch?.settle(refused(frame));
    return fetch !== undefined;
  }

  failAll(error: ClientError): void {
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const { settle } of pending) settle(error);
  }

  #ask(fetch: PendingFetch, link: Link): void {
    fetch.requestId = this.#nextId();
    fetch.frames = [];
    const { requestId, topic, start, maxRecords, maxBytes, waitMs } = fetch;
    const request: Fetch = {
      type: 'fetch',
      requestId,
      topic,
      epoch: start.epoch,
      offset: start.offset,
      maxRecords: start.lastN > 0 ? start.lastN : maxRecords,
      maxBytes,
      waitMs,
      start: start.start,
    };
    link.ask([request]);
  }

  #take(requestId: number): PendingFetch | undefined {
    for (const fetch of this.#pending) {
      if (fetch.requestId !== requestId) continue;
      this.#pending.delete(fetch);
      return fetch;
    }
    return undefined;
  }
}
