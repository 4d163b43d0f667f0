import type { PublishResult } from '../../src/client/events.js';
import type { FetchResult } from '../../src/client/fetches.js';
import { AT_EARLIEST, atPosition } from '../../src/client/start.js';
import type { OnLag, Record } from '../../src/wire/index.js';
import { Listening, type ListeningPlan, type Siblings } from './listening.js';
import { type Oracle, type Place, serialOf } from './oracle.js';
import { TOPICS } from './plan.js';
import { ClientProcess, type Outside } from './process.js';
import type { SeededRandom } from './random.js';
import { type Retained, StreamChecker } from './stream-checker.js';
import { must } from './world.js';

/** Everything that an application shares with the others. */
export interface Surroundings extends Outside {
  readonly oracle: Oracle;
  readonly retained: Retained;
}

/**
 * A program that uses the client, over several lives of its process: what it listens to and where it stands outlives
 * them, as with an application that keeps its positions.
 */
export class Application implements Siblings {
  readonly name: string;
  readonly listenings = new Map<string, Listening>();
  readonly #address: string;
  readonly #around: Surroundings;
  readonly #random: SeededRandom;
  #process: ClientProcess | undefined;
  /** All subscriptions that there ever were. */
  readonly #ever: Listening[] = [];
  #lives = 0;
  #records = 0;

  constructor(name: string, address: string, around: Surroundings, random: SeededRandom) {
    this.name = name;
    this.#address = address;
    this.#around = around;
    this.#random = random;
  }

  get state(): 'running' | 'closing' | 'gone' {
    return this.#process?.state ?? 'gone';
  }

  /** What it still waits for; undefined: nothing, and it is connected. */
  get waitsFor(): string | undefined {
    return this.#process?.waitsFor;
  }

  /** How often the present process has lost its link. */
  get losses(): number {
    return this.#process?.losses ?? 0;
  }

  /** Begins a life of the process: everything is subscribed to again, from where it stands. */
  start(): void {
    this.#lives += 1;
    const rest = () => {
      for (const listening of this.listenings.values()) listening.rest();
    };
    this.#process = new ClientProcess(`${this.name}.${this.#lives}`, this.#address, this.#around, this.#random, rest);
    for (const listening of this.listenings.values()) listening.begin(this.#process.core);
  }

  kill(): void {
    this.#process?.kill();
  }

  close(): void {
    if (this.state === 'running') this.#process?.close();
  }

  /** The event loop of the process is busy with something else. */
  stall(ms: number): void {
    this.#process?.host.stall(ms);
  }

  listen(plan: ListeningPlan): void {
    const { oracle, retained, world } = this.#around;
    const listening = new Listening(`${this.name} on ${plan.topic}`, plan, oracle, retained, world, this);
    this.listenings.set(plan.topic, listening);
    this.#ever.push(listening);
    listening.begin(this.#running.core);
  }

  unlisten(name: string): void {
    this.listenings.get(name)?.end();
    this.listenings.delete(name);
  }

  cover(topic: string, except: Listening): boolean {
    for (const listening of this.listenings.values()) if (listening !== except && listening.covers(topic)) return true;
    return false;
  }

  covered(topic: string, except: Listening): boolean {
    return this.#ever.some((listening) => listening !== except && listening.covers(topic));
  }

  answer(settled: () => void): void {
    this.#publish(this.#random.pick(TOPICS), 1, () => 10, settled);
  }

  asked(topic: string, onLag: OnLag): boolean {
    return this.#ever.some((listening) => listening.plan.onLag === onLag && listening.covers(topic));
  }

  publish(topic: string, count: number, bytes: () => number): void {
    this.#publish(topic, count, bytes, () => {});
  }

  /** Reads a part of a topic, from a place or from its beginning. */
  fetch(topic: string, place: Place | undefined, maxRecords: number, waitMs: number): void {
    const { oracle, retained } = this.#around;
    const checker = new StreamChecker(`${this.name} fetching`, oracle, retained);
    const start = place === undefined ? AT_EARLIEST : atPosition({ epoch: place.epoch, offset: place.next });
    if (place !== undefined) checker.expect(topic, place);
    this.#running.fetch({ topic, start, maxRecords, maxBytes: 0, waitMs }, (result) => {
      this.#fetched(topic, checker, result);
    });
  }

  get #running(): ClientProcess {
    const process = this.#process;
    must(process?.state === 'running', () => `${this.name} is not running`);
    return process;
  }

  #publish(topic: string, count: number, bytes: () => number, settled: () => void): void {
    const records = Array.from({ length: count }, () => this.#record(bytes()));
    for (const record of records) this.#around.oracle.publishing(topic, record);
    this.#running.publish(topic, records, (results) => {
      this.#published(topic, records, results);
      settled();
    });
  }

  #published(topic: string, records: readonly Record[], results: readonly PublishResult[]): void {
    must(results.length === records.length, () => `${results.length} results for ${records.length} records`);
    records.forEach((record, i) => {
      const { epoch, offset } = results[i] as PublishResult;
      const place = this.#around.oracle.find(topic, epoch)?.places.get(serialOf(record.data));
      must(place === offset, () => `${this.name}: ${topic} ${epoch}:${offset} is acknowledged, and is at ${place}`);
    });
  }

  #fetched(topic: string, checker: StreamChecker, { events, next }: FetchResult): void {
    for (const event of events) {
      if (event.type === 'message') checker.message(event);
      else checker.gap(event);
    }
    const place = checker.places.get(topic);
    must(place === undefined || (place.epoch === next.epoch && place.next === next.offset), () => {
      return `${this.name}: a fetch ends at ${place?.epoch}:${place?.next} and says ${next.epoch}:${next.offset}`;
    });
  }

  #record(bytes: number): Record {
    this.#records += 1;
    const serial = `${this.name}-${this.#lives}.${this.#records}|`;
    const data = Buffer.alloc(Math.max(bytes, serial.length), this.#random.int(256));
    data.write(serial, 'latin1');
    const key = `k${this.#random.int(4)}`;
    return { data, id: Buffer.from(serial), key, headers: new Map([['n', serial]]) };
  }
}
