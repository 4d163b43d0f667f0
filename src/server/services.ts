import type { SessionOptions, TimerWheel } from '../session/index.js';
import type { Admission } from './admission.js';
import type { Connection } from './connection.js';
import type { Environment } from './environment.js';
import type { Ingest } from './ingest.js';
import type { Delivery } from './subscriber.js';

/** What every connection shares. */
export interface Services {
  readonly env: Environment;
  readonly wheel: TimerWheel;
  readonly admission: Admission;
  readonly ingest: Ingest;
  readonly delivery: Delivery;
  readonly connections: Set<Connection>;
  /** As configured now: a connection takes what holds when it comes. */
  readonly session: SessionOptions;
  readonly maxSubscriptions: number;
  /** What WELCOME calls this server. */
  readonly serverName: string;
}
