import type { FrameName, GapReason } from '../wire/index.js';

/** What the server needs from the world, handed in so that a simulator can be the world. */
export interface Clock {
  /** Monotonic milliseconds, with a fraction. Deadlines and round trips are judged by it alone. */
  monotonicMs(): number;
  /** Wall clock in microseconds since 1970. It stamps records and judges nothing. */
  wallUs(): number;
}

export interface Scheduler {
  /** Runs `work` after what has arrived by now was handled: the end of this turn of the event loop. */
  soon(work: () => void): void;
  /** Runs `work` after so many milliseconds; the returned function cancels it. */
  after(ms: number, work: () => void): () => void;
}

export interface Randomness {
  /** Uniform in [0, 1). */
  next(): number;
  /** A string that nobody has had before: names of epochs and connections. */
  unique(): string;
  /** 64 bits, for hash tables in which hostile input must not be able to foresee its places. */
  seed(): { readonly low: number; readonly high: number };
}

/** One line of the log; fields are plain values. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface Environment {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Randomness;
  readonly log: Log;
  readonly telemetry: Telemetry;
}

/** Why a connection was turned away: `reserved` at its HELLO, the others at the door. */
export const REJECTIONS = ['busy', 'per_ip', 'reserved', 'draining'] as const;
export type Rejection = (typeof REJECTIONS)[number];

/** What the server counts. The daemon turns these into metrics; a test reads them. */
export interface Telemetry {
  accepted(): void;
  rejected(reason: Rejection): void;
  closed(cause: string): void;
  /** A connection failed through a fault of this program. */
  internalError(): void;
  frameReceived(type: FrameName): void;
  frameSent(type: FrameName): void;
  bytesReceived(bytes: number): void;
  bytesSent(bytes: number): void;
  corruptFrame(): void;
  resyncBytes(bytes: number): void;
  jitter(): void;
  rtt(seconds: number): void;
  connectTime(seconds: number): void;
  published(records: number): void;
  duplicates(records: number): void;
  /** Records handed to sockets in so many `messages` frames, the oldest of them `ageSeconds` after its append. */
  delivered(records: number, frames: number, ageSeconds: number): void;
  gap(reason: GapReason): void;
}
