import { ClientCore } from '../../src/client/core.js';
import { ClientError } from '../../src/client/errors.js';
import type { LinkEvent, PublishResult } from '../../src/client/events.js';
import type { FetchRequest, FetchResult } from '../../src/client/fetches.js';
import type { DialEvents } from '../../src/client/world.js';
import type { Transport } from '../../src/session/index.js';
import type { Record } from '../../src/wire/index.js';
import { Host } from './host.js';
import type { Network } from './network.js';
import type { SeededRandom } from './random.js';
import { tapWire } from './wire-tap.js';
import { must, type World } from './world.js';

const PUBLISH_LIMITS = { records: 2_000, bytes: 4 * 1024 * 1024 };
const CLOSE_DEADLINE_MS = 5_000;
/** When a client says that nothing is left of it, the turn in which it does so may still have an end. */
const LAST_TURN_MS = 1_000;
/** Refusals that are nobody's fault. */
const ORDINARY_REFUSALS = ['TOO_MANY_SUBSCRIPTIONS', 'ALREADY_SUBSCRIBED', 'RATE_LIMITED'];

/** What a process has of the world outside. */
export interface Outside {
  readonly world: World;
  readonly network: Network;
  /** What a look at the clock costs, in milliseconds. */
  readonly costMs: number;
  /** Do links damage bytes? Then a client may be told that it broke the rules. */
  readonly noisy: boolean;
}

/** One life of an application's process: a real client, and what it waits for. */
export class ClientProcess {
  readonly core: ClientCore;
  readonly host: Host;
  readonly #name: string;
  readonly #outside: Outside;
  readonly #rest: () => void;
  readonly #transports = new Set<Transport>();
  #link: LinkEvent['type'] = 'connecting';
  #losses = 0;
  #publishing = 0;
  #fetching = 0;
  #state: 'running' | 'closing' | 'gone' = 'running';

  /** @param rest is called when nothing more can be asked of the process, whoever ended it */
  constructor(name: string, address: string, outside: Outside, random: SeededRandom, rest: () => void) {
    const { world, network, costMs, noisy } = outside;
    this.#name = name;
    this.#outside = outside;
    this.#rest = rest;
    this.host = new Host(name, world, costMs);
    const dial = (_endpoint: string, events: DialEvents) => {
      const transport = network.dial(this.host, address, noisy ? events : tapWire(name, events));
      this.#transports.add(transport);
      return transport;
    };
    const clientWorld = { dial, clock: this.host.clock, scheduler: this.host.scheduler, random };
    const options = { endpoints: ['server'], name, publishLimits: PUBLISH_LIMITS };
    this.core = new ClientCore(clientWorld, options, (event) => this.#linked(event));
    this.core.start();
  }

  get state(): 'running' | 'closing' | 'gone' {
    return this.#state;
  }

  /** How often it has lost its link. */
  get losses(): number {
    return this.#losses;
  }

  /** What it still waits for; undefined: nothing, and it is connected. */
  get waitsFor(): string | undefined {
    if (this.#state === 'gone') return undefined;
    if (this.#state === 'closing') return `${this.#name} is closing`;
    if (this.#link !== 'connected') return `${this.#name} is ${this.#link}`;
    if (this.#publishing + this.#fetching === 0) return undefined;
    return `${this.#name} waits for ${this.#publishing} publishes and ${this.#fetching} fetches`;
  }

  /** It dies, as by SIGKILL: the kernel ends its links. */
  kill(): void {
    this.#note('is killed');
    this.host.kill();
    for (const transport of this.#transports) transport.destroy();
    this.#state = 'gone';
    this.#rest();
  }

  /** Closes in good order; then nothing may be left of it. */
  close(): void {
    this.#note('closes');
    this.#close(CLOSE_DEADLINE_MS);
  }

  publish(topic: string, records: readonly Record[], settled: (results: readonly PublishResult[]) => void): void {
    let times = 0;
    this.#ask(['PUBLISH_BUFFER_FULL', 'NOT_RETRYABLE'], () => {
      this.core.publish(topic, records, (outcome) => {
        times += 1;
        must(times === 1, () => `${this.#name}: a publish settles ${times} times`);
        this.#publishing -= 1;
        if (!this.#failed(outcome)) settled(outcome);
      });
      this.#publishing += 1;
    });
  }

  fetch(request: FetchRequest, settled: (result: FetchResult) => void): void {
    this.#ask(['NOT_RETRYABLE'], () => {
      this.core.fetch(request, (outcome) => {
        this.#fetching -= 1;
        if (!this.#failed(outcome)) settled(outcome);
      });
      this.#fetching += 1;
    });
  }

  #linked(event: LinkEvent): void {
    this.#link = event.type;
    this.#note(event.type === 'disconnected' ? `is disconnected: ${event.cause}` : `is ${event.type}`);
    if (event.type === 'disconnected') this.#losses += 1;
    if (event.type !== 'closed' || event.error === undefined) return;
    this.#mayFail(event.error, ['NOT_RETRYABLE']);
    if (this.#state === 'running') this.#close(0);
  }

  #close(deadlineMs: number): void {
    this.#state = 'closing';
    this.core.close(deadlineMs, () => {
      this.#state = 'gone';
      this.#leavesNothing();
    });
    this.#rest();
  }

  #leavesNothing(): void {
    must(this.#publishing === 0, () => `${this.#name} is gone with ${this.#publishing} publishes unsettled`);
    must(this.#fetching === 0, () => `${this.#name} is gone with ${this.#fetching} fetches unsettled`);
    this.#outside.world.after(LAST_TURN_MS, () =>
      this.host.scheduler.soon(() => {
        must(this.host.pending === 0, () => `${this.#name} is gone, and leaves ${this.host.pending} timers`);
      }),
    );
  }

  #ask(mayFailWith: readonly string[], ask: () => void): void {
    try {
      ask();
    } catch (error) {
      this.#mayFail(error, mayFailWith);
    }
  }

  #failed(outcome: object): outcome is ClientError {
    if (!(outcome instanceof ClientError)) return false;
    this.#mayFail(outcome, ['CLOSED', 'NOT_RETRYABLE', 'REFUSED']);
    return true;
  }

  #mayFail(error: unknown, codes: readonly string[]): void {
    if (!(error instanceof ClientError)) throw error;
    must(codes.includes(error.code), () => `${this.#name}: ${error.code}, ${error.message}`);
    if (error.code === 'REFUSED') {
      must(ORDINARY_REFUSALS.includes(error.reason ?? ''), () => `${this.#name} is refused: ${error.message}`);
    }
    if (error.code === 'NOT_RETRYABLE') {
      must(this.#outside.noisy, () => `${this.#name} is sent away: ${error.message}`);
    }
  }

  #note(text: string): void {
    this.#outside.world.note(`${this.#name} ${text}`);
  }
}
