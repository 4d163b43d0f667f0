import { localCause } from '../session/index.js';
import type { Connection } from './connection.js';
import { contain } from './containment.js';
import type { Environment } from './environment.js';
import type { Rejections } from './rejections.js';

/** Clients sent away come back at this rate, to whoever takes over. */
const RETURNS_PER_SECOND = 500;
const RETURN_MS_MIN = 100;
/** How often it is looked at who has caught up, and who is left. */
const LOOK_MS = 50;
/** Of the time that a drain has, what those who are owed something get for that; the rest is for taking it and leaving. */
const CATCH_UP_SHARE = 0.5;

/**
 * Sends everyone away: those who have been sent everything at once, those who are owed something (records, topics of a
 * pattern, the rest of a FETCH) when they have been sent it or half of the time has passed. Nobody is waited for who only
 * waits himself: long polls are answered with what there is. Each is told when to come back, at random within a time that spreads them.
 */
export class Drain {
  readonly #env: Environment;
  readonly #connections: ReadonlySet<Connection>;
  readonly #rejections: Rejections;
  readonly #spreadMs: number;
  readonly #catchUpByMs: number;
  readonly #deadlineMs: number;
  /** Those who have not been told to go. */
  readonly #staying: Set<Connection>;

  constructor(env: Environment, connections: ReadonlySet<Connection>, rejections: Rejections, timeoutMs: number) {
    const nowMs = env.clock.monotonicMs();
    this.#env = env;
    this.#connections = connections;
    this.#rejections = rejections;
    this.#spreadMs = (connections.size / RETURNS_PER_SECOND) * 1000;
    this.#catchUpByMs = nowMs + timeoutMs * CATCH_UP_SHARE;
    this.#deadlineMs = nowMs + timeoutMs;
    this.#staying = new Set(connections);
  }

  /** Resolves when nobody is left, or nobody should be. */
  finish(): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        const nowMs = this.#env.clock.monotonicMs();
        this.#sendAway(nowMs);
        const left = this.#connections.size + this.#rejections.size;
        if (left === 0 || nowMs >= this.#deadlineMs) resolve();
        else this.#env.scheduler.after(LOOK_MS, look);
      };
      look();
    });
  }

  #sendAway(nowMs: number): void {
    for (const connection of this.#staying) {
      contain(connection, () => connection.endWaits());
      if (connection.owed && nowMs < this.#catchUpByMs) continue;
      const retryAfterMs = Math.round(RETURN_MS_MIN + this.#spreadMs * this.#env.random.next());
      const cause = localCause('DRAINING', 'the server is going away', retryAfterMs);
      contain(connection, () => connection.close(cause, this.#deadlineMs - nowMs));
      this.#staying.delete(connection);
    }
  }
}
