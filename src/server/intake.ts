import type { Session, Transport } from '../session/index.js';
import { type Contained, contain } from './containment.js';
import type { Environment } from './environment.js';
import { FRAMES_PER_TURN } from './limits.js';
import type { Outbox } from './outbox.js';

interface IntakeOwner extends Contained {
  /** Writes what acting on the frames has put into the outbox. */
  flush(): void;
}

/**
 * The reading side of a connection: what has been received is acted on a bounded number of frames at a time, and no
 * more is read than is acted on. It stops for its turn (`busy`), and while the peer does not take the answers to what
 * it has asked (`clogged`).
 */
export class Intake {
  readonly #transport: Transport;
  readonly #session: Session;
  readonly #out: Outbox;
  readonly #env: Environment;
  readonly #owner: IntakeOwner;
  #reading: 'yes' | 'busy' | 'clogged' = 'yes';
  #ended = false;
  #workedUs = 0;

  constructor(transport: Transport, session: Session, out: Outbox, env: Environment, owner: IntakeOwner) {
    this.#transport = transport;
    this.#session = session;
    this.#out = out;
    this.#env = env;
    this.#owner = owner;
  }

  /** The wall clock when what has been received was last acted on: the time of all appends that came of it. */
  get workedUs(): number {
    return this.#workedUs;
  }

  received(bytes: Uint8Array): void {
    this.#env.telemetry.bytesReceived(bytes.length);
    this.#session.receive(bytes, this.#now);
    if (this.#reading === 'yes') this.#work();
  }

  /** The peer has ended its direction. The session is over when all that it sent has been acted on. */
  ended(): void {
    this.#ended = true;
    if (this.#reading === 'yes') this.#work();
  }

  /** The link has taken what was pending. */
  drained(): void {
    if (this.#reading === 'clogged' && !this.#out.clogged) this.#work();
  }

  get #now(): number {
    return this.#env.clock.monotonicMs();
  }

  #work(): void {
    this.#workedUs = this.#env.clock.wallUs();
    const more = this.#session.advance(FRAMES_PER_TURN, this.#now);
    this.#owner.flush();
    if (this.#out.clogged) return this.#stop('clogged');
    if (more) {
      this.#stop('busy');
      return this.#env.scheduler.soon(() => contain(this.#owner, () => this.#work()));
    }
    if (this.#reading !== 'yes') this.#readOn();
    if (this.#ended) this.#session.ended(this.#now);
  }

  #stop(why: 'busy' | 'clogged'): void {
    if (this.#reading === 'yes') this.#transport.pause();
    if (why === 'clogged') this.#session.hold(this.#now);
    else this.#unclog();
    this.#reading = why;
  }

  #readOn(): void {
    this.#unclog();
    this.#reading = 'yes';
    this.#transport.resume();
  }

  #unclog(): void {
    if (this.#reading === 'clogged') this.#session.release(this.#now);
  }
}
