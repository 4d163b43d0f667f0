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
  /** Undefined: it was given up, but the server takes no other fetch of the topic until it has answered this one. */
  settle: ((outcome: FetchResult | ClientError) => void) | undefined;
  /** Of the last time that the server was asked; 0: never. */
  requestId: number;
  frames: (Messages | Gap)[];
}

/**
 * The fetches that wait for their answer, across links: one that was under way when a link was lost is asked again.
 * Answers name their topic and no request, so those of one topic are asked one after the other.
 */
export class Fetches {
  readonly #nextId: () => number;
  /** By topic, in order: the first is the one under way if there is a link. */
  readonly #byTopic = new Map<string, PendingFetch[]>();
  /** Those under way. */
  readonly #byRequest = new Map<number, PendingFetch>();
  #link: Link | undefined;

  constructor(nextId: () => number) {
    this.#nextId = nextId;
  }

  /** Begins a fetch; the returned function forgets it, and it does not settle then. */
  add(request: FetchRequest, settle: (outcome: FetchResult | ClientError) => void): () => void {
    const fetch: PendingFetch = { ...request, settle, requestId: 0, frames: [] };
    const queue = this.#byTopic.get(request.topic) ?? [];
    this.#byTopic.set(request.topic, queue);
    queue.push(fetch);
    if (queue[0] === fetch) this.#ask(fetch);
    return () => this.#giveUp(fetch);
  }

  linked(link: Link): void {
    this.#link = link;
    for (const [fetch] of this.#byTopic.values()) this.#ask(fetch as PendingFetch);
  }

  unlinked(): void {
    this.#link = undefined;
    const underWay = [...this.#byRequest.values()];
    this.#byRequest.clear();
    for (const fetch of underWay) if (fetch.settle === undefined) this.#remove(fetch);
  }

  /** Part of an answer may be missing, which nothing tells: it is asked for again on another link. */
  repair(): void {
    if (this.#byRequest.size > 0) this.#link?.close(localCause('CORRUPT', 'a damaged frame while fetching'));
  }

  /** Messages belong to whichever fetch of their topic is under way. */
  received(frame: Messages | Gap): void {
    const [fetch] = this.#byTopic.get(frame.topic) ?? [];
    if (fetch === undefined) return;
    if (fetch.settle !== undefined) fetch.frames.push(frame);
    this.#link?.progressed(fetch.requestId);
  }

  fetched({ requestId, epoch, nextOffset, more }: Fetched): void {
    const fetch = this.#take(requestId);
    fetch?.settle?.({
      events: eventsOf(fetch.frames, fetch.start, epoch, nextOffset),
      next: { epoch, offset: nextOffset },
      more,
    });
  }

  /** ERROR: returns false if it is not about a fetch. */
  refused(frame: ErrorFrame): boolean {
    const fetch = this.#take(frame.requestId);
    fetch?.settle?.(refused(frame));
    return fetch !== undefined;
  }

  failAll(error: ClientError): void {
    const pending = [...this.#byTopic.values()].flat();
    this.#byTopic.clear();
    this.#byRequest.clear();
    for (const { settle } of pending) settle?.(error);
  }

  #ask(fetch: PendingFetch): void {
    if (this.#link === undefined) return;
    fetch.requestId = this.#nextId();
    fetch.frames = [];
    this.#byRequest.set(fetch.requestId, fetch);
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
    this.#link.ask([request]);
  }

  #giveUp(fetch: PendingFetch): void {
    fetch.settle = undefined;
    fetch.frames = [];
    if (!this.#byRequest.has(fetch.requestId)) this.#remove(fetch);
  }

  #take(requestId: number): PendingFetch | undefined {
    const fetch = this.#byRequest.get(requestId);
    this.#byRequest.delete(requestId);
    if (fetch !== undefined) this.#remove(fetch);
    return fetch;
  }

  /** Takes it out of its queue; if it was the first, the next one has its turn. */
  #remove(fetch: PendingFetch): void {
    const queue = this.#byTopic.get(fetch.topic) ?? [];
    const index = queue.indexOf(fetch);
    if (index !== -1) queue.splice(index, 1);
    if (queue.length === 0) this.#byTopic.delete(fetch.topic);
    else if (index === 0) this.#ask(queue[0] as PendingFetch);
  }
}
