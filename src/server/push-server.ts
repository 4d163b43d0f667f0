import type { Retention } from '../log/index.js';
import {
  SERVER_TRANSITIONS,
  type SessionOptions,
  TimerWheel,
  type Transport,
  type TransportEvents,
} from '../session/index.js';
import type { OnCorrupt } from '../wire/index.js';
import { Admission, type AdmissionOptions, Slot } from './admission.js';
import { Conflator } from './conflator.js';
import { Connection } from './connection.js';
import { Drain } from './drain.js';
import type { Environment } from './environment.js';
import { Fanout } from './fanout.js';
import { Ingest } from './ingest.js';
import { LINGER_MS, WHEEL_RESOLUTION_MS } from './limits.js';
import { Rejections } from './rejections.js';
import type { Services } from './services.js';
import type { ConnectionStatus, ServerStats, TopicStatus } from './status.js';
import { TopicTable } from './topic-table.js';

/** What operators set. Times in milliseconds, sizes in bytes. */
export interface ServerOptions extends AdmissionOptions {
  readonly serverName: string;
  readonly maxPayload: number;
  readonly handshakeTimeoutMs: number;
  readonly frameTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly heartbeat: 'auto' | number;
  readonly onCorrupt: OnCorrupt;
  readonly retention: Retention;
  readonly retainTotal: number;
  readonly lagLimit: number;
  readonly maxSubscriptions: number;
  readonly maxTopics: number;
}

/** How often topics are looked through for what is over age. */
const SWEEP_MS = 1_000;

/** The push server, but for sockets and timers: those are handed in, so that a simulator can run all of it. */
export class PushServer {
  readonly #env: Environment;
  readonly #wheel: TimerWheel;
  readonly #admission: Admission;
  readonly #rejections: Rejections;
  readonly #connections = new Set<Connection>();
  readonly #fanout: Fanout;
  readonly #topics: TopicTable;
  readonly #conflator = new Conflator();
  #services: Services;
  #sweptMs: number;
  #cancelTick: () => void;
  #state: 'open' | 'draining' | 'stopped' = 'open';

  constructor(options: ServerOptions, env: Environment) {
    const nowMs = env.clock.monotonicMs();
    this.#env = env;
    this.#wheel = new TimerWheel(WHEEL_RESOLUTION_MS, nowMs);
    this.#admission = new Admission(options);
    this.#rejections = new Rejections(this.#wheel);
    this.#topics = new TopicTable(options, env.random);
    this.#fanout = new Fanout(env, this.#topics.patterns);
    const ingest = new Ingest(env, this.#topics, this.#fanout);
    this.#services = {
      env,
      wheel: this.#wheel,
      admission: this.#admission,
      ingest,
      connections: this.#connections,
      serverName: options.serverName,
      ...configured(options),
      delivery: {
        env,
        topics: this.#topics,
        fanout: this.#fanout,
        conflator: this.#conflator,
        lagLimit: options.lagLimit,
      },
    };
    this.#sweptMs = nowMs;
    this.#cancelTick = env.scheduler.after(WHEEL_RESOLUTION_MS, this.#tick);
  }

  /** Takes a new link, or turns it away; the answer is to be told what happens to it. */
  accept(transport: Transport): TransportEvents {
    const { telemetry, clock } = this.#env;
    const slot = this.#admission.take(transport.remote);
    if (slot instanceof Slot) {
      telemetry.accepted();
      return new Connection(transport, slot, this.#services);
    }
    return this.#rejections.reject(transport, this.#admission.refuse(slot, this.#env), clock.monotonicMs());
  }

  /** New limits: those of admission at once, those of a connection for connections that come from now on. */
  configure(options: ServerOptions): void {
    this.#admission.configure(options);
    this.#services = { ...this.#services, ...configured(options) };
    this.#services.delivery.lagLimit = options.lagLimit;
    this.#topics.configure(options);
  }

  /** Sends everyone away in good order, and cuts off who is still there after `timeoutMs`. Resolves when nobody is left. */
  async drain(timeoutMs: number): Promise<void> {
    this.#state = 'draining';
    this.#admission.shut();
    this.#fanout.flush();
    await new Drain(this.#env, this.#connections, this.#rejections, timeoutMs).finish();
    this.stop();
  }

  /** Lets go of everything at once. */
  stop(): void {
    this.#state = 'stopped';
    this.#cancelTick();
    this.#rejections.destroyAll();
    for (const connection of this.#connections) connection.destroy();
  }

  stats(): ServerStats {
    let lagging = 0;
    for (const connection of this.#connections) lagging += connection.lagging;
    return {
      connections: this.#admission.used,
      connectionsLimit: this.#admission.limit,
      topics: this.#topics.size,
      logBytes: this.#topics.logBytes,
      laggingCursors: lagging,
      timers: this.#wheel.size,
    };
  }

  /** How many connections there are of each class. The dead are gone. */
  heartbeatClasses(): { healthy: number; jittery: number } {
    let jittery = 0;
    for (const connection of this.#connections) if (connection.linkClass === 'jittery') jittery += 1;
    return { healthy: this.#connections.size - jittery, jittery };
  }

  connections(): ConnectionStatus[] {
    return Array.from(this.#connections, (connection) => connection.status());
  }

  topics(): TopicStatus[] {
    return this.#topics.status();
  }

  readonly #tick = (): void => {
    // Deadlines are judged at the end of the turn, after what has arrived: a daemon that was itself asleep must not
    // take its own silence for that of its clients.
    this.#env.scheduler.soon(() => {
      if (this.#state === 'stopped') return;
      const nowMs = this.#env.clock.monotonicMs();
      this.#wheel.advance(nowMs);
      if (nowMs - this.#sweptMs >= SWEEP_MS) {
        this.#sweptMs = nowMs;
        this.#topics.sweep(this.#env.clock.wallUs());
        this.#conflator.sweep();
      }
      this.#cancelTick = this.#env.scheduler.after(WHEEL_RESOLUTION_MS, this.#tick);
    });
  };
}

function configured(options: ServerOptions): { session: SessionOptions; maxSubscriptions: number } {
  const { maxPayload, onCorrupt, heartbeat, handshakeTimeoutMs, frameTimeoutMs, writeTimeoutMs } = options;
  const session: SessionOptions = {
    transitions: SERVER_TRANSITIONS,
    maxPayload,
    onCorrupt,
    heartbeat,
    handshakeTimeoutMs,
    frameTimeoutMs,
    writeTimeoutMs,
    lingerTimeoutMs: LINGER_MS,
  };
  return { session, maxSubscriptions: options.maxSubscriptions };
}
