import { localCause } from '../session/index.js';
import { type ErrorFrame, type Fetch, type Fetched, type Gap, GapReason, type Messages } from '../wire/index.js';
import { type ClientError, refused } from './errors.js';
import type { TopicEvent, TopicPosition } from './events.js';
import type { Link } from './link.js';
import type { StartFields } from './start.js';
import { gapEvent, messageEvents } from './topic-events.js';

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
    for (const fetch of this.#pending) if (fetch.topic === frame.topic) fetch.frames.push(frame);
  }

  fetched({ requestId, epoch, nextOffset, more }: Fetched): void {
    const fetch = this.#take(requestId);
    fetch?.settle({ events: eventsOf(fetch, epoch, nextOffset), next: { epoch, offset: nextOffset }, more });
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
    link.sendAll([request]);
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

/**
 * The frames of an answer as events. Whole batches are sent, so what lies before the position asked for is left out,
 * and so are the first of more records than were asked for as the last ones.
 */
function eventsOf({ start, frames }: PendingFetch, epoch: string, nextOffset: number): TopicEvent[] {
  const events: TopicEvent[] = [];
  const sameHistory = start.epoch === '' || start.epoch === epoch;
  const first = sameHistory ? start.offset : 0;
  const candidates = sameHistory ? frames.filter((frame) => !isNewHistory(frame)) : frames;
  for (const frame of answerIn(candidates, first, nextOffset)) {
    if (frame.type === 'gap') events.push(gapEvent(frame));
    else events.push(...messageEvents(frame, epoch, Math.max(0, first - frame.baseOffset)));
  }
  const surplus = start.lastN > 0 ? events.filter(({ type }) => type === 'message').length - start.lastN : 0;
  return surplus > 0 ? events.slice(surplus) : events;
}

const isNewHistory = (frame: Messages | Gap): boolean =>
  frame.type === 'gap' && frame.reason === GapReason.EPOCH_CHANGED;

/**
 * Which of the frames that came for the topic are the answer: those that lead, one behind the other, from the position
 * asked for to where the answer says that it ends. Others are of a subscription to the same topic that has just been
 * begun, or ended.
 */
function answerIn(frames: readonly (Messages | Gap)[], first: number, nextOffset: number): (Messages | Gap)[] {
  const answer: (Messages | Gap)[] = [];
  // The frame before must end at `prev` or later, and before `base`: offsets need not be consecutive.
  let [prev, base] = [nextOffset - 1, nextOffset];
  for (const frame of frames.toReversed()) {
    if (base <= first) break;
    const isGap = frame.type === 'gap';
    const last = isGap ? frame.toOffset : frame.baseOffset + frame.records.length - 1;
    if (last < prev || last >= base) continue;
    answer.unshift(frame);
    [prev, base] = isGap ? [frame.fromOffset - 1, frame.fromOffset] : [frame.prevOffset, frame.baseOffset];
    // Nothing of an answer is in front of this.
    if (isNewHistory(frame)) break;
  }
  return answer;
}
