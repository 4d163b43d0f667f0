import { ClientCore } from '../../src/client/core.js';
import { ClientError } from '../../src/client/errors.js';
import type { LinkEvent, PublishResult } from '../../src/client/events.js';
import type { FetchResult } from '../../src/client/fetches.js';
import { AT_EARLIEST, atPosition } from '../../src/client/start.js';
import type { Transport } from '../../src/session/index.js';
import type { OnLag, Record } from '../../src/wire/index.js';
import { Host } from './host.js';
import { Listening, type ListeningPlan, type Siblings } from './listening.js';
import type { Network } from './network.js';
import { type Oracle, serialOf } from './oracle.js';
import type { SeededRandom } from './random.js';
import { type Retained, StreamChecker } from './stream-checker.js';
import { must, type World } from './world.js';

const PUBLISH_LIMITS = { records: 2_000, bytes: 4 * 1024 * 1024 };
const CLOSE_DEADLINE_MS = 5_000;

/** Everything that an application shares with the others. */
export interface Surroundings {
  readonly world: World;
  readonly network: Network;
  readonly oracle: Oracle;
  readonly retained: Retained;
  /** What a look at the clock costs a client, in milliseconds. */
  readonly costMs: number;
  /** Do links damage bytes? Then a client may be told that it broke the rules. */
  readonly noisy: () => boolean;
}

/** One life of the application's process. */
interface Process {
  readonly host: Host;
  readonly core: ClientCore;
  readonly transports: Set<Transport>;
  link: LinkEvent['type'];
  /** Publishes that were not settled. */
  unsettled: number;
  fetching: number;
  state: 'running' | 'closing' | 'gone';
}

/**
 * A program that uses the client, over several lives of its process: what it listens to and where it stands outlives
 * them, as with an application that keeps its positions.
 */
export class Application implements Siblings {
  readonly name: string;
  readonly address: string;
  readonly listenings = new Map<string, Listening>();
  readonly #around: Surroundings;
  readonly #random: SeededRandom;
  #process: Process | undefined;
  /** All subscriptions that there ever were. */
  readonly #ever: Listening[] = [];
  /** Of processes that came to their end in good order. */
  readonly #past: Host[] = [];
  #lives = 0;
  #records = 0;

  constructor(name: string, address: string, around: Surroundings, random: SeededRandom) {
    this.name = name;
    this.address = address;
    this.#around = around;
    this.#random = random;
  }

  get state(): 'running' | 'closing' | 'gone' {
    return this.#process?.state ?? 'gone';
  }

  /** Begins a life of the process: everything is subscribed to again, from where it stands. */
  start(): void {
    const { world, network, costMs } = this.#around;
    this.#lives += 1;
    const host = new Host(`${this.name}.${this.#lives}`, world, costMs);
    const transports = new Set<Transport>();
    const clientWorld = {
      dial: (_endpoint: string, events: Parameters<Network['dial']>[2]) => {
        const transport = network.dial(host, this.address, events);
        transports.add(transport);
        return transport;
      },
      clock: host.clock,
      scheduler: host.scheduler,
      random: this.#random,
    };
    const options = { endpoints: ['server'], name: host.name, publishLimits: PUBLISH_LIMITS };
    const core = new ClientCore(clientWorld, options, (event) => this.#linked(process, event));
    const process: Process = {
      host,
      core,
      transports,
      link: 'connecting',
      unsettled: 0,
      fetching: 0,
      state: 'running',
    };
    this.#process = process;
    core.start();
    for (const listening of this.listenings.values()) listening.begin(core);
  }

  /** The process dies, as by SIGKILL: the kernel ends its links. */
  kill(): void {
    const process = this.#process;
    if (process === undefined) return;
    this.#note('is killed');
    process.host.kill();
    for (const transport of process.transports) transport.destroy();
    process.state = 'gone';
    this.#rest();
  }

  /** Closes in good order; then nothing may be left of it. */
  close(): void {
    const process = this.#process;
    if (process?.state !== 'running') return;
    this.#note('closes');
    process.state = 'closing';
    process.core.close(CLOSE_DEADLINE_MS, () => {
      process.state = 'gone';
      this.#checkGone(process);
    });
    this.#rest();
  }

  listen(plan: ListeningPlan): void {
    const { core } = this.#running;
    const { oracle, retained, world } = this.#around;
    const listening = new Listening(`${this.name} on ${plan.topic}`, plan, oracle, retained, world, this);
    this.listenings.set(plan.topic, listening);
    this.#ever.push(listening);
    listening.begin(core);
  }

  unlisten(name: string): void {
    this.listenings.get(name)?.end();
    this.listenings.delete(name);
  }

  cover(topic: string, except: Listening): boolean {
    for (const listening of this.listenings.values()) if (listening !== except && listening.covers(topic)) return true;
    return false;
  }

  asked(topic: string, onLag: OnLag): boolean {
    return this.#ever.some((listening) => listening.plan.onLag === onLag && listening.covers(topic));
  }

  publish(topic: string, count: number, bytes: () => number): void {
    const process = this.#running;
    const records = Array.from({ length: count }, () => this.#record(bytes()));
    for (const record of records) this.#around.oracle.publishing(topic, record);
    let settled = 0;
    try {
      process.core.publish(topic, records, (outcome) => {
        settled += 1;
        must(settled === 1, () => `${this.name}: a publish settles ${settled} times`);
        process.unsettled -= 1;
        this.#published(topic, records, outcome);
      });
      process.unsettled += 1;
    } catch (error) {
      this.#mayFail(error, ['PUBLISH_BUFFER_FULL', 'NOT_RETRYABLE']);
    }
  }

  /** Reads a part of a topic, from its beginning or from where a subscription stands. */
  fetch(topic: string, maxRecords: number, waitMs: number): void {
    const process = this.#running;
    const { oracle, retained } = this.#around;
    const checker = new StreamChecker(`${this.name} fetching`, oracle, retained);
    const history = oracle.latest(topic);
    const place = history && { epoch: history.epoch, next: 1 + this.#random.int(history.records.length) };
    const start = place === undefined ? AT_EARLIEST : atPosition({ epoch: place.epoch, offset: place.next });
    if (place !== undefined) checker.expect(topic, place);
    try {
      process.core.fetch({ topic, start, maxRecords, maxBytes: 0, waitMs }, (outcome) => {
        process.fetching -= 1;
        this.#fetched(topic, checker, outcome);
      });
      process.fetching += 1;
    } catch (error) {
      this.#mayFail(error, ['NOT_RETRYABLE']);
    }
  }

  /** The event loop of the process is busy with something else. */
  stall(ms: number): void {
    this.#process?.host.stall(ms);
  }

  /** What it still waits for; undefined: nothing, and it is connected. */
  get waitsFor(): string | undefined {
    const process = this.#process;
    if (process === undefined || process.state === 'gone') return undefined;
    if (process.state === 'closing') return `${this.name} is closing`;
    if (process.link !== 'connected') return `${this.name} is ${process.link}`;
    if (process.unsettled > 0 || process.fetching > 0) {
      return `${this.name} waits for ${process.unsettled} publishes and ${process.fetching} fetches`;
    }
    return undefined;
  }

  /** Timers and turns that are left of processes which have come to their end in good order. */
  get leftovers(): number {
    return this.#past.reduce((sum, { pending }) => sum + pending, 0);
  }

  get #running(): Process {
    const process = this.#process;
    must(process?.state === 'running', () => `${this.name} is not running`);
    return process;
  }

  #linked(process: Process, event: LinkEvent): void {
    process.link = event.type;
    this.#note(event.type === 'disconnected' ? `is disconnected: ${event.cause}` : `is ${event.type}`);
    if (event.type !== 'closed' || event.error === undefined) return;
    this.#mayFail(event.error, ['NOT_RETRYABLE']);
    process.state = 'closing';
    process.core.close(0, () => {
      process.state = 'gone';
      this.#checkGone(process);
    });
    this.#rest();
  }

  #published(topic: string, records: readonly Record[], outcome: readonly PublishResult[] | ClientError): void {
    if (outcome instanceof ClientError) return this.#mayFail(outcome, ['CLOSED', 'NOT_RETRYABLE', 'REFUSED']);
    must(outcome.length === records.length, () => `${outcome.length} results for ${records.length} records`);
    records.forEach((record, i) => {
      const { epoch, offset } = outcome[i] as PublishResult;
      const place = this.#around.oracle.find(topic, epoch)?.places.get(serialOf(record.data));
      must(place === offset, () => `${this.name}: ${topic} ${epoch}:${offset} is acknowledged, and is at ${place}`);
    });
  }

  #fetched(topic: string, checker: StreamChecker, outcome: FetchResult | ClientError): void {
    if (outcome instanceof ClientError) return this.#mayFail(outcome, ['CLOSED', 'NOT_RETRYABLE', 'REFUSED']);
    for (const event of outcome.events) {
      if (event.type === 'message') checker.message(event);
      else checker.gap(event);
    }
    const { epoch, offset } = outcome.next;
    const place = checker.places.get(topic);
    must(place === undefined || (place.epoch === epoch && place.next === offset), () => {
      return `${this.name}: a fetch ends at ${place?.epoch}:${place?.next} and says ${epoch}:${offset}`;
    });
  }

  #mayFail(error: unknown, codes: readonly string[]): void {
    if (!(error instanceof ClientError)) throw error;
    must(codes.includes(error.code), () => `${this.name}: ${error.code}, ${error.message}`);
    const { reason = '' } = error;
    if (error.code === 'REFUSED') {
      const ordinary = ['TOO_MANY_SUBSCRIPTIONS', 'ALREADY_SUBSCRIBED', 'RATE_LIMITED'].includes(reason);
      must(ordinary, () => `${this.name} is refused: ${error.message}`);
    }
    if (error.code === 'NOT_RETRYABLE') must(this.#around.noisy(), () => `${this.name} is sent away: ${error.message}`);
  }

  #record(bytes: number): Record {
    this.#records += 1;
    const serial = `${this.name}-${this.#lives}.${this.#records}|`;
    const data = Buffer.alloc(Math.max(bytes, serial.length), this.#random.int(256));
    data.write(serial, 'latin1');
    const key = `k${this.#random.int(4)}`;
    return { data, id: Buffer.from(serial), key, headers: new Map([['n', serial]]) };
  }

  /** The process does nothing more: what it listened to stands still. */
  #rest(): void {
    for (const listening of this.listenings.values()) listening.rest();
  }

  #checkGone(process: Process): void {
    must(process.unsettled === 0, () => `${this.name} is gone with ${process.unsettled} publishes unsettled`);
    must(process.fetching === 0, () => `${this.name} is gone with ${process.fetching} fetches unsettled`);
    this.#past.push(process.host);
  }

  #note(text: string): void {
    this.#around.world.note(`${this.name} ${text}`);
  }
}
