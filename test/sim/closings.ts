import type { Log, Telemetry } from '../../src/server/index.js';
import { must, type World } from './world.js';

/** The fields of the line that the server logs for each connection that has ended. */
interface Ended {
  readonly connection: string;
  readonly client: string;
  readonly cause: string;
  readonly by: string;
  readonly reason: string;
}

const nothing = (): void => {};

/** What a server counts and logs: every connection that was accepted has one cause in the end, and not a wrong one. */
export class Closings {
  readonly #world: World;
  readonly #attentive: boolean;
  readonly #causes = new Map<string, string>();
  #accepted = 0;
  #closed = 0;

  /** @param attentive no client is ever silent, so none may be taken for dead */
  constructor(world: World, attentive: boolean) {
    this.#world = world;
    this.#attentive = attentive;
  }

  readonly log: Log = {
    debug: nothing,
    info: (fields, message) => {
      if (message === 'connection ended') this.#ended(fields as Ended);
    },
    warn: nothing,
    // A fault of the server, or a rule of the simulator that it broke: either ends the run.
    error: (fields) => {
      throw (fields as { readonly err: unknown }).err;
    },
  };

  readonly telemetry: Telemetry = {
    accepted: () => {
      this.#accepted += 1;
    },
    closed: (cause) => {
      this.#closed += 1;
      this.#world.note(`the server closes: ${cause}`);
    },
    internalError: nothing,
    rejected: (reason) => this.#world.note(`the server rejects: ${reason}`),
    rtt: (seconds) => must(seconds >= 0, () => `a round trip of ${seconds} s`),
    frameReceived: nothing,
    frameSent: nothing,
    bytesReceived: nothing,
    bytesSent: nothing,
    corruptFrame: nothing,
    resyncBytes: nothing,
    jitter: nothing,
    connectTime: nothing,
    published: nothing,
    duplicates: nothing,
    delivered: nothing,
    gap: nothing,
  };

  /** Everybody has left: whoever came in has gone out once. */
  checkAll(): void {
    const { size } = this.#causes;
    const counts = `${this.#accepted} accepted, ${this.#closed} closes counted, ${size} logged`;
    must(this.#accepted === this.#closed && this.#accepted === size, () => counts);
  }

  #ended({ connection, client, cause, by, reason }: Ended): void {
    const known = this.#causes.get(connection);
    must(known === undefined, () => `${connection} ends with ${known} and with ${cause}`);
    this.#causes.set(connection, cause);
    const dead = cause === 'HEARTBEAT_TIMEOUT' && by === 'local' && reason.startsWith('nothing heard');
    must(!dead || client === 'stranger' || !this.#attentive, () => `${client} is taken for dead, and was never silent`);
  }
}
