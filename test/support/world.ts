import { deepEqual } from 'node:assert/strict';
import {
  type Environment,
  type Log,
  PushServer,
  type ServerOptions,
  type ServerStats,
  type Telemetry,
} from '../../src/server/index.js';
import { GapReason, type Hello } from '../../src/wire/index.js';
import { ProtocolClient } from './protocol-client.js';
import { SeededRandom, VirtualTime } from './virtual-time.js';

const KIB = 1024;
const MIB = 1024 * KIB;

export const OPTIONS: ServerOptions = {
  serverName: 'push-daemon/test',
  maxConns: 1_000,
  maxConnsPerIp: 0,
  reserveResume: 0,
  maxPayload: MIB,
  handshakeTimeoutMs: 5_000,
  frameTimeoutMs: 30_000,
  writeTimeoutMs: 30_000,
  heartbeat: 5_000,
  onCorrupt: 'skip',
  retention: { bytes: 64 * MIB, records: Infinity, ageMs: Infinity },
  retainTotal: 512 * MIB,
  lagLimit: 8 * MIB,
  maxSubscriptions: 1_000,
  maxTopics: 262_144,
};

const GAP_NAMES = new Map<number, string>(Object.entries(GapReason).map(([name, value]) => [value, name]));

/** What the server counted, by a name such as `closed.busy`. */
export class Counts {
  readonly #counts = new Map<string, number>();

  get(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  add(name: string, by = 1): void {
    this.#counts.set(name, this.get(name) + by);
  }

  /** All whose name begins so, without that. */
  under(prefix: string): { [name: string]: number } {
    const found = [...this.#counts].filter(([name]) => name.startsWith(`${prefix}.`));
    return Object.fromEntries(found.map(([name, count]) => [name.slice(prefix.length + 1), count]));
  }
}

const telemetryInto = (counts: Counts): Telemetry => ({
  accepted: () => counts.add('accepted'),
  rejected: (reason) => counts.add(`rejected.${reason}`),
  closed: (cause) => counts.add(`closed.${cause}`),
  internalError: () => counts.add('internalError'),
  frameReceived: (type) => counts.add(`frameReceived.${type}`),
  frameSent: (type) => counts.add(`frameSent.${type}`),
  bytesReceived: (bytes) => counts.add('bytesReceived', bytes),
  bytesSent: (bytes) => counts.add('bytesSent', bytes),
  corruptFrame: () => counts.add('corruptFrames'),
  resyncBytes: (bytes) => counts.add('resyncBytes', bytes),
  jitter: () => counts.add('jitter'),
  rtt: () => counts.add('rtt'),
  connectTime: () => counts.add('connectTime'),
  published: (records) => counts.add('published', records),
  duplicates: (records) => counts.add('duplicates', records),
  delivered: (records) => counts.add('delivered', records),
  gap: (reason) => counts.add(`gap.${GAP_NAMES.get(reason)}`),
});

/** A line of the log, with its fields. */
export interface Line {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

const logInto = (lines: Line[]): Log => {
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, message, ...fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};

/** A real server in a world without sockets and without time of its own. */
export class World {
  readonly time = new VirtualTime();
  readonly counts = new Counts();
  readonly lines: Line[] = [];
  readonly server: PushServer;
  readonly env: Environment;
  #clients = 0;

  constructor(options: Partial<ServerOptions> = {}, seed = 1) {
    this.env = {
      clock: this.time,
      scheduler: this.time,
      random: new SeededRandom(seed),
      log: logInto(this.lines),
      telemetry: telemetryInto(this.counts),
    };
    this.server = new PushServer({ ...OPTIONS, ...options }, this.env);
  }

  /** Opens a link, and says nothing yet. Every client has an address of its own unless one is given. */
  dial(remote = `10.0.0.${++this.#clients}`): ProtocolClient {
    const client = new ProtocolClient(remote, this.time, () => this.time.run());
    client.link.open(this.server.accept(client.link));
    this.time.run();
    return client;
  }

  /** A client that is greeted already, and whose WELCOME has been heard. */
  client(hello: Partial<Hello> = {}): ProtocolClient {
    const client = this.dial().hello(hello);
    client.heard();
    return client;
  }

  advance(ms: number): void {
    this.time.advance(ms);
  }

  get stats(): ServerStats {
    return this.server.stats();
  }

  /** Throws if anything of those who have left is still there. */
  assertDeserted(): void {
    this.time.run();
    const { connections, laggingCursors, timers } = this.stats;
    const listeners = this.server.topics().reduce((sum, topic) => sum + topic.subscribers, 0);
    deepEqual(
      { connections, laggingCursors, timers, listeners },
      { connections: 0, laggingCursors: 0, timers: 0, listeners: 0 },
    );
    deepEqual(this.server.connections(), []);
    const closed = Object.values(this.counts.under('closed')).reduce((sum, count) => sum + count, 0);
    deepEqual(closed, this.counts.get('accepted'), 'one cause for each connection');
  }
}
