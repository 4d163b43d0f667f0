import type { Session, Transport } from '../session/index.js';
import type { AnswerWatch } from './answer-watch.js';
import type { ClientWorld } from './world.js';

/** Frames acted on before others have their turn of the event loop. */
const FRAMES_PER_TURN = 512;
/**
 * The reading side of a link: acts on what has been received frame by frame, because any of them may fill the
 * application's buffer, and reads no more than is acted on. It stops for others to have their turn (`busy`), and while
 * the application does not take what was received (`held`).
 */
export class Intake {
  readonly #world: ClientWorld;
  readonly #transport: Transport;
  readonly #session: Session;
  readonly #answers: AnswerWatch;
  readonly #worked: () => void;
  #reading: 'yes' | 'busy' | 'held' = 'yes';
  #peerEnded = false;

  /** @param worked told when frames have been acted on, which may have moved deadlines */
  constructor(world: ClientWorld, transport: Transport, session: Session, answers: AnswerWatch, worked: () => void) {
    this.#world = world;
    this.#transport = transport;
    this.#session = session;
    this.#answers = answers;
    this.#worked = worked;
  }

  received(bytes: Uint8Array): void {
    this.#session.receive(bytes, this.#now);
    if (this.#reading === 'yes') this.#work();
  }

  /** The server has ended its direction. The session is over when all that it sent has been acted on. */
  ended(): void {
    this.#peerEnded = true;
    if (this.#reading === 'yes') this.#work();
  }

  /** Stops reading, and holds the server's silence against it no longer. `awaited`: an answer is waited for. */
  hold(awaited: () => void): void {
    if (this.#reading === 'held') return;
    if (this.#reading === 'yes') this.#transport.pause();
    this.#reading = 'held';
    this.#session.hold(this.#now);
    this.#answers.hold(awaited);
  }

  /** Reads on, after this turn. */
  release(): void {
    if (this.#reading !== 'held') return;
    this.#answers.release();
    this.#session.release(this.#now);
    this.#goOnSoon();
  }

  get #now(): number {
    return this.#world.clock.monotonicMs();
  }

  #work(): void {
    for (let steps = 0; this.#reading !== 'held' && this.#session.advance(1, this.#now); steps++) {
      if (steps < FRAMES_PER_TURN) continue;
      if (this.#reading === 'yes') this.#transport.pause();
      return this.#goOnSoon();
    }
    this.#worked();
    if (this.#reading === 'held') return;
    const paused = this.#reading === 'busy';
    this.#reading = 'yes';
    if (paused) this.#transport.resume();
    if (this.#peerEnded) this.#session.ended(this.#now);
  }

  #goOnSoon(): void {
    this.#reading = 'busy';
    this.#world.scheduler.soon(() => {
      if (this.#reading === 'busy') this.#work();
    });
  }
}
