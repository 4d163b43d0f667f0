import type { Kind, Value } from './kinds.js';

/**
 * The one table of options. The type of the configuration, its parsing and checking, the flags, the environment
 * variables, the keys of the file and the documentation all come from it.
 */

/**
 * When a changed value takes effect on a reload: for everybody at once, for connections accepted from then on, or
 * only by a restart.
 */
export type Reload = 'at once' | 'new connections' | 'restart';

export interface Option {
  readonly value: Kind;
  /** Written as a user would write it. */
  readonly default: string;
  /** Why the default is what it is. */
  readonly reason: string;
  readonly reload: Reload;
  /** One line, without a full stop. */
  readonly description: string;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** All durations stay below 2^31 ms (24.8 days), where timers overflow and fire at once. */
const DURATION_MAX = 24 * 24 * HOUR;
const KIB = 2 ** 10;
const MIB = 2 ** 20;
const TIB = 2 ** 40;
/** More than any process gets descriptors for, so the limit that is met first is the system's. */
const CONNECTIONS_MAX = 1_000_000;

/** Deadlines below this would be missed by the timer that watches them, which is coarser. */
const deadline = { kind: 'duration', min: 50, max: HOUR } as const;
const port = { kind: 'integer', min: 0, max: 65_535 } as const;
const bytes = { kind: 'size', min: 4 * KIB, max: TIB } as const;

export const OPTIONS = {
  host: {
    value: { kind: 'host' },
    default: '127.0.0.1',
    reason: 'nothing is reachable from outside until someone says so',
    reload: 'restart',
    description: 'address to listen on',
  },
  port: {
    value: port,
    default: '9000',
    reason: 'not in the range that the system hands out by itself',
    reload: 'restart',
    description: 'port to listen on; 0 picks a free one',
  },
  maxConns: {
    value: { kind: 'integer', min: 1, max: CONNECTIONS_MAX },
    default: '1024',
    reason: 'fits the usual descriptor limits with room to spare',
    reload: 'at once',
    description: 'most connections at a time; one more is told BUSY and ended',
  },
  maxConnsPerIp: {
    value: { kind: 'integer', min: 0, max: CONNECTIONS_MAX },
    default: '0',
    reason: 'behind a proxy or NAT, one address is many clients',
    reload: 'at once',
    description: 'most connections from one IPv4 address, or one /64 of IPv6; 0 is no limit',
  },
  reserveResume: {
    value: { kind: 'integer', min: 0, max: CONNECTIONS_MAX },
    default: '0',
    reason: 'a reserve is taken from newcomers, so it is asked for',
    reload: 'at once',
    description: 'connection slots, out of max-conns, kept for clients that resume',
  },
  metricsHost: {
    value: { kind: 'host' },
    default: '127.0.0.1',
    reason: 'metrics and status are not for everybody',
    reload: 'restart',
    description: 'address of the side port: metrics, health, status',
  },
  metricsPort: {
    value: port,
    default: '9464',
    reason: 'the customary port of a metrics exporter',
    reload: 'restart',
    description: 'port of the side port; 0 picks a free one',
  },
  maxPayload: {
    value: { kind: 'size', min: KIB, max: 64 * MIB },
    default: '1MiB',
    reason: 'a batch of thousands of small records fits, a file does not',
    reload: 'new connections',
    description: 'largest payload of a frame',
  },
  handshakeTimeout: {
    value: deadline,
    default: '5s',
    reason: 'several round trips of a bad link',
    reload: 'new connections',
    description: 'time a new connection has for its HELLO',
  },
  frameTimeout: {
    value: deadline,
    default: '30s',
    reason: 'the largest frame at 280 kbit/s',
    reload: 'new connections',
    description: 'time in which a frame, once begun, must be whole',
  },
  writeTimeout: {
    value: deadline,
    default: '30s',
    reason: 'a link that takes 256 KiB in that time, or a third of a larger send buffer, is seen to move',
    reload: 'new connections',
    description: 'time without write progress after which a stuck reader is closed',
  },
  heartbeat: {
    value: { kind: 'duration', min: 50, max: 10 * MINUTE, word: 'auto' },
    default: 'auto',
    reason: '5s to 15s, by the measured round trip of each connection',
    reload: 'new connections',
    description: 'heartbeat interval; a connection silent for three is closed',
  },
  drainTimeout: {
    value: { kind: 'duration', min: 0, max: HOUR },
    default: '10s',
    reason: 'well within the 30s that orchestrators give a process to end',
    reload: 'at once',
    description: 'time that connections have to end by themselves on shutdown',
  },
  retainBytes: {
    value: bytes,
    default: '64MiB',
    reason: 'minutes of a busy topic, so that a reconnect finds what it missed',
    reload: 'at once',
    description: 'bytes kept per topic',
  },
  retainRecords: {
    value: { kind: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER },
    default: '0',
    reason: 'bytes are what memory is bounded by',
    reload: 'at once',
    description: 'records kept per topic; 0 is no limit',
  },
  retainAge: {
    value: { kind: 'duration', min: 0, max: DURATION_MAX },
    default: '0',
    reason: 'old records cost nothing until their room is needed',
    reload: 'at once',
    description: 'age up to which records are kept; 0 is no limit',
  },
  retainTotal: {
    value: bytes,
    default: '512MiB',
    reason: 'a machine of 1 GiB holds it beside the process and some 10,000 topics',
    reload: 'at once',
    description:
      'memory for the records of all topics, at least 4 KiB for each that has some; past it, those that hold most give up their oldest first',
  },
  lagLimit: {
    value: { kind: 'size', min: KIB, max: TIB },
    default: '8MiB',
    reason: 'a second of a saturated 64 Mbit/s link',
    reload: 'at once',
    description: 'how far a subscription may fall behind before its on_lag (other than WAIT) acts',
  },
  maxSubscriptions: {
    value: { kind: 'integer', min: 1, max: 1_000_000 },
    default: '1000',
    reason: 'a pattern serves whoever needs more',
    reload: 'new connections',
    description: 'most subscriptions of one connection',
  },
  maxTopics: {
    value: { kind: 'integer', min: 1, max: 16_777_216 },
    default: '262144',
    reason: 'some 4 KiB each, 1 GiB together, beside the records, which retain-total bounds',
    reload: 'at once',
    description: 'most topics that may exist',
  },
  onCorrupt: {
    value: { kind: 'choice', values: ['skip', 'scan', 'close'] },
    default: 'skip',
    reason: 'goes on where that is safe, and never looks inside a discarded frame',
    reload: 'new connections',
    description: 'what follows a corrupt frame: skip it, scan for the next, or close',
  },
  logLevel: {
    value: { kind: 'choice', values: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] },
    default: 'info',
    reason: 'what an operator acts on, and nothing per message',
    reload: 'at once',
    description: 'least severe log lines that are written',
  },
} as const satisfies { readonly [key: string]: Option };

export type Key = keyof typeof OPTIONS;

/** A whole, checked configuration: durations in milliseconds, sizes in bytes. */
export type Config = { readonly [K in Key]: Value<(typeof OPTIONS)[K]['value']> };

/** All keys, in the order of the table. */
export const KEYS = Object.keys(OPTIONS) as readonly Key[];
