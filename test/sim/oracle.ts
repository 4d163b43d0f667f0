import type { Messages, Record } from '../../src/wire/index.js';
import type { SeededRandom } from './random.js';
import { must } from './world.js';

/** Where somebody stands in a topic: the next offset that must come. */
export interface Place {
  readonly epoch: string;
  readonly next: number;
}

/** A record as it was appended. */
export interface Appended {
  readonly record: Record;
  readonly timestampUs: number;
}

/** One history of a topic, from its first record on, retained or not. */
export interface History {
  readonly topic: string;
  readonly epoch: string;
  /** Rises with every history of any topic. */
  readonly serial: number;
  readonly records: Appended[];
  /** Where each published record is, by its serial. */
  readonly places: Map<string, number>;
  /** The number of each publisher's last record. */
  readonly last: Map<string, number>;
}

/** A record's data begins with the name of its publisher's process, a number that rises, and a bar. */
const SERIAL = /^([a-z0-9-]+)\.(\d+)\|/;
const SERIAL_BYTES_MAX = 32;

/** Names a record: in a simulation no other one has it. */
export const serialOf = (data: Uint8Array): string =>
  SERIAL.exec(Buffer.from(data.subarray(0, SERIAL_BYTES_MAX)).toString('latin1'))?.[0] ?? '';

/** What was really published and appended. It is told by the publishers and by the logs, and asked by the checkers. */
export class Oracle {
  readonly #published = new Map<string, { readonly topic: string; readonly record: Record }>();
  readonly #histories = new Map<string, History>();
  readonly #latest = new Map<string, History>();
  readonly #everAppended = new Set<string>();
  readonly #order: 'in order' | 'any order';

  /** @param order whether a publisher's records must be appended in the order in which it published them */
  constructor(order: 'in order' | 'any order') {
    this.#order = order;
  }

  /** A publisher is about to publish this. */
  publishing(topic: string, record: Record): void {
    this.#published.set(serialOf(record.data), { topic, record });
  }

  /** A log has taken this. */
  appended(epoch: string, { topic, baseOffset, prevOffset, timestampUs, records }: Messages): void {
    const history = this.#history(topic, epoch);
    const { length } = history.records;
    must(baseOffset === length + 1, () => `${topic} was appended to at ${baseOffset}, behind ${length}`);
    must(prevOffset === length, () => `${topic} at ${baseOffset} says that ${prevOffset} is before it`);
    must(
      timestampUs >= (history.records.at(-1)?.timestampUs ?? 0),
      () => `${topic}: the timestamp falls at ${baseOffset}`,
    );
    for (const record of records) {
      const key = serialOf(record.data);
      const published = this.#published.get(key);
      must(published?.topic === topic, () => `${topic} was given a record that nobody published there`);
      must(sameRecord(published.record, record), () => `${topic}: a record was changed on its way into the log`);
      must(!history.places.has(key), () => `${topic}: the record at ${history.places.get(key)} was appended again`);
      // One whose acknowledgement was lost with an earlier history is published again, and may come late.
      if (this.#order === 'in order' && !this.#everAppended.has(key)) this.#inOrder(history, key);
      this.#everAppended.add(key);
      history.records.push({ record, timestampUs });
      history.places.set(key, history.records.length);
    }
  }

  find(topic: string, epoch: string): History | undefined {
    return this.#histories.get(`${topic} ${epoch}`);
  }

  /** The history of the topic that began last; undefined: nothing was ever appended to it. */
  latest(topic: string): History | undefined {
    return this.#latest.get(topic);
  }

  /** A place in what was appended to the topic last: at any record, or behind them all. */
  somewhere(topic: string, random: SeededRandom): Place | undefined {
    const history = this.latest(topic);
    return history && { epoch: history.epoch, next: 1 + random.int(history.records.length + 1) };
  }

  /** The place behind everything that was appended to the topic last. */
  end(topic: string): Place | undefined {
    const history = this.latest(topic);
    return history && { epoch: history.epoch, next: history.records.length + 1 };
  }

  #inOrder(history: History, serial: string): void {
    const [, publisher = '', number] = SERIAL.exec(serial) ?? [];
    const last = history.last.get(publisher) ?? 0;
    must(Number(number) > last, () => `${history.topic}: ${serial} is appended behind ${last} of the same publisher`);
    history.last.set(publisher, Number(number));
  }

  #history(topic: string, epoch: string): History {
    const known = this.find(topic, epoch);
    if (known !== undefined) return known;
    const history: History = {
      topic,
      epoch,
      serial: this.#histories.size + 1,
      records: [],
      places: new Map(),
      last: new Map(),
    };
    this.#histories.set(`${topic} ${epoch}`, history);
    this.#latest.set(topic, history);
    return history;
  }
}

export function sameRecord(a: Record, b: Record): boolean {
  if (a.key !== b.key || Buffer.compare(a.data, b.data) !== 0 || a.headers.size !== b.headers.size) return false;
  // A publisher that gave no id has had one made for it.
  if (a.id.length > 0 && Buffer.compare(a.id, b.id) !== 0) return false;
  for (const [name, value] of a.headers) if (b.headers.get(name) !== value) return false;
  return true;
}
