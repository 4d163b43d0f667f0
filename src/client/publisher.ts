import { type Ack, BATCH_RECORDS_MAX, type ErrorFrame, type Publish, type Record } from '../wire/index.js';
import { ClientError, refused } from './errors.js';
import type { Link } from './link.js';
import { type Item, itemsOf, type Settle, Submission, tooLarge } from './submission.js';

/** How much may wait to be acknowledged; past it a publish fails with PUBLISH_BUFFER_FULL. */
export interface PublishLimits {
  readonly records: number;
  readonly bytes: number;
}

/**
 * What waits to be published, and what waits to be acknowledged. The records of one turn and topic leave as one batch.
 * When the link is lost, everything that was not acknowledged goes back to the front, and is sent again with the same
 * ids: at least once from here, and once by the daemon's window of ids. Within a topic the order is always kept.
 */
export class Publisher {
  readonly #nextId: () => number;
  readonly #limits: PublishLimits;
  /** Not on its way: by topic, in order; sets, so that any number can be withdrawn without looking at the others. */
  #queues = new Map<string, Set<Item>>();
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
    const submission = new Submission(records.length, settle);
    // Nothing is waited for.
    if (records.length === 0) settle([]);
    const items = itemsOf(submission, topic, records);
    const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
    for (const item of items) if (item.bytes > payloadMax) throw tooLarge(item, payloadMax);
    if (this.#records + items.length > this.#limits.records || this.#bytes + bytes > this.#limits.bytes) {
      const { records, bytes } = this.#limits;
      throw new ClientError('PUBLISH_BUFFER_FULL', `no more than ${records} records or ${bytes} bytes may wait`);
    }
    for (const item of items) enqueue(this.#queues, item);
    this.#records += items.length;
    this.#bytes += bytes;
    return (error) => this.#withdraw(submission, items, error);
  }

  /** Sends what waits, as far as the link takes any. */
  flush(link: Link): void {
    for (const [topic, queue] of this.#queues) {
      while (queue.size > 0) {
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
    const queues = new Map<string, Set<Item>>();
    for (const items of [...this.#inFlight.values(), ...this.#queues.values()]) {
      for (const item of items) {
        // What was given up meanwhile need not be sent a second time.
        if (item.submission.settled) this.#release(item);
        else enqueue(queues, item);
      }
    }
    this.#inFlight = new Map();
    this.#queues = queues;
  }

  acked({ requestId, epoch, baseOffset, results }: Ack): void {
    const items = this.#take(requestId);
    items?.forEach(({ submission, index }, i) => {
      const { offset = baseOffset + i, duplicate = false } = results[i] ?? {};
      submission.acked(index, { epoch, offset, duplicate });
    });
  }

  /** ERROR: fails the calls that had records in the batch; returns false if it is not about a publish. */
  refused(frame: ErrorFrame): boolean {
    const items = this.#take(frame.requestId);
    if (items === undefined) return false;
    for (const { submission } of items) submission.fail(refused(frame));
    return true;
  }

  /** Settles everything with the error. */
  failAll(error: ClientError): void {
    const items = [...this.#inFlight.values(), ...this.#queues.values()].flatMap((some) => [...some]);
    this.#inFlight = new Map();
    this.#queues = new Map();
    for (const item of items) this.#release(item);
    for (const { submission } of items) submission.fail(error);
  }

  /** Cuts the next batch off the queue's front; empty if the record there can never be sent. */
  #cut(queue: Set<Item>, payloadMax: number): Item[] {
    const batch: Item[] = [];
    let bytes = 0;
    for (const item of queue) {
      bytes += item.bytes;
      if (bytes > payloadMax || batch.length === BATCH_RECORDS_MAX) break;
      queue.delete(item);
      batch.push(item);
    }
    if (batch.length > 0) return batch;
    const item = queue.values().next().value as Item;
    queue.delete(item);
    this.#release(item);
    item.submission.fail(tooLarge(item, payloadMax));
    return [];
  }

  #take(requestId: number): Item[] | undefined {
    const items = this.#inFlight.get(requestId);
    this.#inFlight.delete(requestId);
    for (const item of items ?? []) this.#release(item);
    return items;
  }

  #withdraw(submission: Submission, items: readonly Item[], error: ClientError): void {
    if (submission.settled) return;
    for (const item of items) {
      const queue = this.#queues.get(item.topic);
      if (queue?.delete(item) !== true) continue;
      this.#release(item);
      if (queue.size === 0) this.#queues.delete(item.topic);
    }
    submission.fail(error);
  }

  #release(item: Item): void {
    this.#records -= 1;
    this.#bytes -= item.bytes;
  }
}

/** Puts a record behind those of its topic that are there. */
function enqueue(queues: Map<string, Set<Item>>, item: Item): void {
  const queue = queues.get(item.topic);
  if (queue === undefined) queues.set(item.topic, new Set([item]));
  else queue.add(item);
}
