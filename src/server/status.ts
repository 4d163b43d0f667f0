import type { LinkClass, Phase } from '../session/index.js';

/** The server as a whole. */
export interface ServerStats {
  /** Slots taken. */
  readonly connections: number;
  readonly connectionsLimit: number;
  readonly topics: number;
  /** Memory held by all logs. */
  readonly logBytes: number;
  readonly laggingCursors: number;
  /** Items on the timer wheel. */
  readonly timers: number;
}

/** A connection as `/status` shows it. */
export interface ConnectionStatus {
  readonly id: string;
  readonly client: string;
  readonly remote: string;
  readonly phase: Phase;
  readonly linkClass: LinkClass;
  /** null: not measured yet. */
  readonly rttMs: number | null;
  readonly subscriptions: number;
  /** In how many topics it is behind. */
  readonly lagging: number;
  /** Bytes handed to the link that it has not taken. */
  readonly pendingBytes: number;
}

/** A topic as `/status` shows it. */
export interface TopicStatus {
  readonly name: string;
  readonly epoch: string;
  /** The first offset retained. */
  readonly first: number;
  /** The last offset appended; 0: none yet. */
  readonly head: number;
  readonly bytes: number;
  readonly subscribers: number;
  /** How many of them are behind. */
  readonly lagging: number;
}
