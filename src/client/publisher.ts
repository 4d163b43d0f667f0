import {
  type Ack,
  BATCH_RECORDS_MAX,
  type ErrorFrame,
  FRAME_OVERHEAD,
  frameBytes,
  type Publish,
  type Record,
  WireValueError,
} from '../wire/index.js';
import { ClientError, invalid, refused } from './errors.js';
import type { PublishResult } from './events.js';
import type { Link } from './link.js';

/** How much may wait to be acknowledged; past it a publish fails with PUBLISH_BUFFER_FULL. */
export interface PublishLimits {
  readonly records: number;
  readonly bytes: number;
}

/** What became of a publish: one result for each record, in order, or why it failed. */
export type Settle = (outcome: readonly PublishResult[] | ClientError) => void;

/** The records of one call, which may travel in several batches. `settle` is undefined once it was called. */
interface Submission {
  readonly results: PublishResult[];
  left: number;
  settle: Settle | undefined;
}

interface Item {
  readonly topic: string;
  readonly record: Record;
  /** The size of a PUBLISH payload with this record alone, and so an upper bound of its share in any batch. */
  readonly bytes: number;
  readonly submission: Submission;
  readonly index: number;
}

/** Large enough to take the most bytes on the wire, so that sizes never turn out larger. */
const REQUEST_ID_MAX = 0xffff_ffff;

/**
 * What waits to be published, and what waits to be acknowledged. The records of one turn and topic leave as one batch.
 * When the link is lost, everything that was not acknowledged goes back to the front, and is sent again with the same
 * ids: at least once from here, and once by the daemon's window of ids. Within a topic the order is always kept.
 */
export class Publisher {
  readonly #nextId: () => number;
  readonly #limits: PublishLimits;
  /** Not on its way: by topic, in order. */
  #queues = new Map<string, Item[]>();
  /** On its way and not acknowledged: by request, in the order in which it was sent. */
  #inFlight = new Map<number, Item[]>();
  #records = 0;
  #bytes = 0;

  constructor(nextId: () => number, limits: PublishLimits) {
    this.#nextId = nextId;
    this.#limits = limits;
  }

  /** Records that are not settled. */
  get pending(): number {
    return this.#records;
  }

  /**
   * Takes the records of one call, which settle once. Returns what withdraws them, with the error to settle with: those
   * that were sent may be in the topic. Throws PUBLISH_BUFFER_FULL, PAYLOAD_TOO_LARGE and INVALID_ARGUMENT, and has
   * taken nothing then.
   */
  submit(topic: string, records: readonly Record[], payloadMax: number, settle: Settle): (error: ClientError) => void {
    const submission: Submission = { results: [], left: records.length, settle };
    const items = records.map((record, index) => ({
      topic,
      record,
      bytes: payloadBytes(topic, record),
      submission,
      index,
    }));
    const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
    for (const item of items) if (item.bytes > payloadMax) throw tooLarge(item, payloadMax);
    if (this.#records + items.length > this.#limits.records || this.#bytes + bytes > this.#limits.bytes) {
      const { records, bytes } = this.#limits;
      throw new ClientError('PUBLISH_BUFFER_FULL', `no more than ${records} records or ${bytes} bytes may wait`);
    }
    const queue = this.#queues.get(topic);
    if (queue === undefined) this.#queues.set(topic, items);
    else for (const item of items) queue.push(item);
    this.#records += items.length;
    this.#bytes += bytes;
    return (error) => this.#withdraw(topic, submission, error);
  }

  /** Sends what waits, as far as the link takes any. */
  flush(link: Link): void {
    for (const [topic, queue] of this.#queues) {
      while (queue.length > 0) {
        if (link.full) return;
        const items = this.#cut(queue, link.maxPayload);
        if (items.length === 0) continue;
        const requestId = this.#nextId();
        this.#inFlight.set(requestId, items);
        const publish: Publish = { type: 'publish', requestId, topic, records: items.map(({ record }) => record) };
        link.ask([publish]);
      }
      this.#queues.delete(topic);
    }
  }

  /** The link is lost, or answers are: what was not acknowledged will be sent again, ahead of everything else. */
  unsent(): void {
    const queues = new Map<string, Item[]>();
    for (const items of [...this.#inFlight.values(), ...this.#queues.values()]) {
      for (const item of items) {
        // What was given up meanwhile need not be sent a second time.
        if (item.submission.settle === undefined) this.#release(item);
        else if (!queues.get(item.topic)?.push(item)) queues.set(item.topic, [item]);
      }
    }
    this.#inFlight = new Map();
    this.#queues = queues;
  }

  acked({ requestId, epoch, baseOffset, results }: Ack): void {
    const items = this.#take(requestId);
    items?.forEach(({ submission, index }, i) => {
      submission.results[index] = {
        epoch,
        offset: results[i]?.offset ?? baseOffset + i,
        duplicate: results[i]?.duplicate ?? false,
      };
      submission.left -= 1;
      if (submission.left === 0) settleOnce(submission, submission.results);
    });
  }

  /** ERROR: fails the calls that had records in the batch; returns false if it is not about a publish. */
  refused(frame: ErrorFrame): boolean {
    const items = this.#take(frame.requestId);
    if (items === undefined) return false;
    for (const { submission } of items) settleOnce(submission, refused(frame));
    return true;
  }

  /** Settles everything with the error. */
  failAll(error: ClientError): void {
    const items = [...this.#inFlight.values(), ...this.#queues.values()].flat();
    this.#inFlight = new Map();
    this.#queues = new Map();
    for (const item of items) this.#release(item);
    for (const { submission } of items) settleOnce(submission, error);
  }

  /** Cuts the next batch off the queue's front; empty if the record there can never be sent. */
  #cut(queue: Item[], payloadMax: number): Item[] {
    let bytes = 0;
    let count = 0;
    while (count < queue.length && count < BATCH_RECORDS_MAX) {
      bytes += (queue[count] as Item).bytes;
      if (bytes > payloadMax) break;
      count += 1;
    }
    if (count > 0) return queue.splice(0, count);
    const item = queue.shift() as Item;
    this.#release(item);
    settleOnce(item.submission, tooLarge(item, payloadMax));
    return [];
  }

  #take(requestId: number): Item[] | undefined {
    const items = this.#inFlight.get(requestId);
    this.#inFlight.delete(requestId);
    for (const item of items ?? []) this.#release(item);
    return items;
  }

  #withdraw(topic: string, submission: Submission, error: ClientError): void {
    if (submission.settle === undefined) return;
    const kept: Item[] = [];
    for (const item of this.#queues.get(topic) ?? []) {
      if (item.submission === submission) this.#release(item);
      else kept.push(item);
    }
    if (kept.length > 0) this.#queues.set(topic, kept);
    else this.#queues.delete(topic);
    settleOnce(submission, error);
  }

  #release(item: Item): void {
    this.#records -= 1;
    this.#bytes -= item.bytes;
  }
}

function settleOnce(submission: Submission, outcome: readonly PublishResult[] | ClientError): void {
  const { settle } = submission;
  submission.settle = undefined;
  settle?.(outcome);
}

function payloadBytes(topic: string, record: Record): number {
  try {
    return frameBytes({ type: 'publish', requestId: REQUEST_ID_MAX, topic, records: [record] }) - FRAME_OVERHEAD;
  } catch (error) {
    if (error instanceof WireValueError) throw invalid(error.message);
    throw error;
  }
}

const tooLarge = ({ topic, bytes }: Item, payloadMax: number): ClientError =>
  new ClientError(
    'PAYLOAD_TOO_LARGE',
    `a record for ${topic} takes ${bytes} bytes of payload, and the server allows ${payloadMax}`,
  );
