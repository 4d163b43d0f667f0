import type { Deadlines } from './deadlines.js';
import type { Liveness } from './liveness.js';
import type { SessionHost } from './session-host.js';

/**
 * What a link must take within one write deadline to count as making progress. Less is a peer that reads a byte now
 * and then so as to hold the memory that waits for it.
 */
const WRITE_PROGRESS_BYTES_MIN = 1024;

/**
 * Tells a slow write from a stuck one by what the link takes while bytes wait for it; progress is a sign of life, too,
 * for then the peer reads. What is taken while nothing waits says nothing: the system's buffers take a PING to a dead
 * peer as readily.
 */
export class WriteWatch {
  readonly #timeoutMs: number;
  readonly #deadlines: Deadlines;
  readonly #liveness: Liveness;
  readonly #host: Pick<SessionHost, 'bytesTaken'>;
  /** Bytes that the link had taken at the last look, and when the deadline was set. */
  #taken = 0;
  #takenAtStart = 0;

  constructor(timeoutMs: number, deadlines: Deadlines, liveness: Liveness, host: Pick<SessionHost, 'bytesTaken'>) {
    this.#timeoutMs = timeoutMs;
    this.#deadlines = deadlines;
    this.#liveness = liveness;
    this.#host = host;
  }

  /** So many bytes wait for the link now. That there are more of them than before is no progress. */
  waiting(bytes: number, nowMs: number): void {
    if (bytes === 0) {
      this.#deadlines.clear('write');
      this.#liveness.heard(nowMs);
    } else if (!this.#deadlines.isSet('write')) {
      this.#taken = this.#host.bytesTaken();
      this.#start(nowMs);
    }
  }

  /** Has a write that was waiting moved since the last look? If so the peer lives. */
  look(nowMs: number): void {
    if (this.#deadlines.isSet('write')) this.#notice(nowMs);
  }

  /** The write deadline has come and is cleared: sets it anew after enough progress, or returns false. */
  judge(nowMs: number): boolean {
    this.#notice(nowMs);
    if (this.#taken - this.#takenAtStart < WRITE_PROGRESS_BYTES_MIN) return false;
    this.#start(nowMs);
    return true;
  }

  #start(nowMs: number): void {
    this.#takenAtStart = this.#taken;
    this.#deadlines.set('write', nowMs + this.#timeoutMs);
  }

  #notice(nowMs: number): void {
    const taken = this.#host.bytesTaken();
    if (taken > this.#taken) this.#liveness.heard(nowMs);
    this.#taken = taken;
  }
}
