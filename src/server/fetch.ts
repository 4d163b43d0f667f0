import type { TimerWheel, WheelItem } from '../session/index.js';
import { CODES, type ErrorFrame, type Fetch, GapReason, Start } from '../wire/index.js';
import { contain } from './containment.js';
import { FETCH_BYTES_MAX, FETCH_RECORDS_DEFAULT, FETCH_WAIT_MS_MAX, FETCHES_MAX, SLICE_BYTES_MAX } from './limits.js';
import { type Beginning, beginning, offsetInFuture } from './start.js';
import type { Subscriber } from './subscriber.js';
import type { Topic } from './topic.js';

/** What the answer holds so far: of nothing, a GAP and records the last that has been sent; or it waits for the first. */
type State = 'nothing' | 'gap' | 'records' | 'waiting';

/**
 * One FETCH: it sends what there is, within its limits, and FETCHED behind it; or, if there is nothing, waits for the
 * next append (a long poll) until its time is up.
 */
export class PendingFetch implements WheelItem {
  wheelSlot = -1;
  readonly #subscriber: Subscriber;
  readonly #topic: Topic;
  readonly #requestId: number;
  readonly #wheel: TimerWheel;
  readonly #deadlineMs: number;
  #offset: number;
  #records: number;
  #bytes: number;
  #state: State;

  constructor(subscriber: Subscriber, topic: Topic, request: Fetch, begin: Beginning, wheel: TimerWheel) {
    this.#subscriber = subscriber;
    this.#topic = topic;
    this.#requestId = request.requestId;
    this.#wheel = wheel;
    this.#offset = begin.offset;
    this.#state = begin.gap === undefined ? 'nothing' : 'gap';
    this.#records = request.maxRecords === 0 ? FETCH_RECORDS_DEFAULT : request.maxRecords;
    this.#bytes = Math.min(FETCH_BYTES_MAX, request.maxBytes === 0 ? FETCH_BYTES_MAX : request.maxBytes);
    const waitMs = Math.min(FETCH_WAIT_MS_MAX, request.waitMs);
    this.#deadlineMs = waitMs === 0 ? 0 : subscriber.delivery.env.clock.monotonicMs() + waitMs;
    topic.fetches.add(this);
    subscriber.fetches.set(topic, this);
  }

  /** Something was appended to the topic. */
  wake(): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'nothing';
    this.#subscriber.wake();
  }

  /** Its time is up: an empty answer, unless one with records is on its way. */
  expire(): number {
    if (this.#state === 'waiting') {
      contain(this.#subscriber, (subscriber) => {
        this.finish();
        subscriber.flush();
      });
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Sends the next slice, or the end of the answer. Returns the bytes gathered. */
  advance(): number {
    if (this.#state === 'waiting') return 0;
    const { log } = this.#topic;
    let bytes = this.#declareEvicted();
    const slice = log.read(this.#offset, Math.min(SLICE_BYTES_MAX, this.#bytes), this.#offset + this.#records);
    // A first batch is sent whatever its size, or nobody would get on.
    if (slice !== undefined && (slice.bytes.length <= this.#bytes || this.#state !== 'records')) {
      this.#subscriber.out.data(slice.bytes);
      this.#subscriber.countDelivered(slice.records, slice.frames, slice.timestampUs);
      this.#state = 'records';
      this.#offset = slice.next;
      this.#records -= slice.records;
      this.#bytes -= slice.bytes.length;
      bytes += slice.bytes.length;
      if (this.#records > 0 && this.#bytes > 0 && this.#offset <= log.head) return bytes;
    }
    if (this.#state !== 'nothing' || this.#deadlineMs === 0) return bytes + this.finish();
    this.#state = 'waiting';
    this.#wheel.schedule(this, this.#deadlineMs);
    return 0;
  }

  /** Ends it without an answer: the connection is gone. */
  cancel(): void {
    this.#wheel.remove(this);
    this.#topic.fetches.delete(this);
    this.#subscriber.fetches.delete(this.#topic);
    this.#subscriber.delivery.topics.releaseTopic(this.#topic);
  }

  /** Sends the end of the answer. A subscription that comes to cover the topic has it end early. */
  finish(): number {
    const { log } = this.#topic;
    const more = this.#offset <= log.head;
    this.cancel();
    return this.#subscriber.out.inOrder({
      type: 'fetched',
      requestId: this.#requestId,
      epoch: log.epoch,
      nextOffset: this.#offset,
      more,
    });
  }

  #declareEvicted(): number {
    const { log } = this.#topic;
    if (this.#offset >= log.first) return 0;
    const from = this.#offset;
    this.#offset = log.first;
    if (this.#state === 'nothing') this.#state = 'gap';
    return this.#subscriber.declareGap(this.#topic, from, log.first - 1, GapReason.EVICTED);
  }
}

/** Begins a FETCH; returns the error that answers it if it cannot be granted. */
export function beginFetch(
  subscriber: Subscriber,
  topic: Topic,
  request: Fetch,
  wheel: TimerWheel,
): ErrorFrame | undefined {
  const refuse = (code: number, message: string): ErrorFrame => ({
    type: 'error',
    requestId: request.requestId,
    code,
    message,
  });
  if (subscriber.fetches.size >= FETCHES_MAX) {
    return refuse(CODES.RATE_LIMITED.code, `no more than ${FETCHES_MAX} fetches at the same time`);
  }
  // Messages name their topic and no request, so two ways of getting them could not be told apart.
  if (subscriber.fetches.has(topic) || subscriber.listensTo(topic)) {
    return refuse(CODES.ALREADY_SUBSCRIBED.code, `${topic.name} is subscribed to, or being fetched, already`);
  }
  const at = { start: request.start, epoch: request.epoch, offset: request.offset, lastN: 0, sinceUs: 0 };
  const begin = beginning(topic.log, at.start === Start.LAST_N ? { ...at, lastN: request.maxRecords } : at);
  if (begin === undefined) return offsetInFuture(request.requestId, topic.name);
  if (begin.gap !== undefined) subscriber.declareGap(topic, begin.gap.from, begin.gap.to, begin.gap.reason);
  new PendingFetch(subscriber, topic, request, begin, wheel);
  subscriber.wake();
  return undefined;
}
