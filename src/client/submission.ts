import { FRAME_OVERHEAD, frameBytes, type Record, WireValueError } from '../wire/index.js';
import { ClientError, invalid } from './errors.js';
import type { PublishResult } from './events.js';
import { REQUEST_ID_MAX } from './request-ids.js';

/** What became of a publish: one result for each record, in order, or why it failed. */
export type Settle = (outcome: readonly PublishResult[] | ClientError) => void;

/** The records of one call, which may travel in several batches: settles once, when all are in the topic or one failed. */
export class Submission {
  readonly #results: PublishResult[] = [];
  #left: number;
  /** Undefined once it was called. */
  #settle: Settle | undefined;

  constructor(records: number, settle: Settle) {
    this.#left = records;
    this.#settle = settle;
  }

  get settled(): boolean {
    return this.#settle === undefined;
  }

  /** @param index which of the call's records it was, from 0 */
  acked(index: number, result: PublishResult): void {
    this.#results[index] = result;
    this.#left -= 1;
    if (this.#left === 0) this.#settleOnce(this.#results);
  }

  fail(error: ClientError): void {
    this.#settleOnce(error);
  }

  #settleOnce(outcome: readonly PublishResult[] | ClientError): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(outcome);
  }
}

/** One record on its way. */
export interface Item {
  readonly topic: string;
  readonly record: Record;
  /** The size of a PUBLISH payload with this record alone, and so an upper bound of its share in any batch. */
  readonly bytes: number;
  readonly submission: Submission;
  /** Which of the submission's records it is, from 0. */
  readonly index: number;
}

/** Throws INVALID_ARGUMENT for a record that the wire cannot carry. */
export const itemsOf = (submission: Submission, topic: string, records: readonly Record[]): Item[] =>
  records.map((record, index) => ({ topic, record, bytes: payloadBytes(topic, record), submission, index }));

/** The size with the request id that takes the most bytes, so that it never turns out larger. */
function payloadBytes(topic: string, record: Record): number {
  try {
    return frameBytes({ type: 'publish', requestId: REQUEST_ID_MAX, topic, records: [record] }) - FRAME_OVERHEAD;
  } catch (error) {
    if (error instanceof WireValueError) throw invalid(error.message);
    throw error;
  }
}

/** Why a record cannot be sent to a server that takes payloads of up to `payloadMax` bytes. */
export const tooLarge = ({ topic, bytes }: Item, payloadMax: number): ClientError =>
  new ClientError(
    'PAYLOAD_TOO_LARGE',
    `a record for ${topic} takes ${bytes} bytes of payload, and the server allows ${payloadMax}`,
  );
