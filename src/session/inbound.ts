import { DecodeStep, FrameDecoder, type OnCorrupt, type StreamFault } from '../wire/index.js';
import type { Deadlines } from './deadlines.js';
import type { SessionHost } from './session-host.js';

type DamageHost = Pick<SessionHost, 'note' | 'tooLarge'>;

/**
 * What comes in: bytes become payloads, damage is reported to the host, and a frame that has begun must be whole in
 * time, so that nobody holds a connection with one that is never finished.
 */
export class Inbound {
  /** After FRAME: where the payload lies, until `next` is asked again. */
  readonly payload: Pick<FrameDecoder, 'bytes' | 'start' | 'end'>;
  readonly #decoder: FrameDecoder;
  readonly #frameTimeoutMs: number;
  readonly #deadlines: Deadlines;
  readonly #host: DamageHost;
  /** `held`: this end does not read for now, so a frame that is not whole is not the peer's fault. */
  #state: 'reading' | 'held' | 'stopped' = 'reading';
  /** Corrupt frames, and bytes discarded, that the host knows of. */
  #corruptNoted = 0;
  #discardedNoted = 0;

  constructor(onCorrupt: OnCorrupt, frameTimeoutMs: number, deadlines: Deadlines, host: DamageHost) {
    this.#decoder = new FrameDecoder(onCorrupt);
    this.payload = this.#decoder;
    this.#frameTimeoutMs = frameTimeoutMs;
    this.#deadlines = deadlines;
    this.#host = host;
  }

  /** After FATAL: why the stream cannot go on. */
  get fault(): StreamFault {
    return this.#decoder.fault as StreamFault;
  }

  setMaxPayload(bytes: number): void {
    this.#decoder.setMaxPayload(bytes);
  }

  /** Takes a chunk over: it must not be changed afterwards. */
  push(chunk: Uint8Array): void {
    this.#decoder.push(chunk);
  }

  /** One step of the decoder. The host is told of damage here, so that only FRAME and FATAL are left to act on. */
  next(): DecodeStep {
    const step = this.#decoder.next();
    switch (step) {
      case DecodeStep.TOO_LARGE:
        this.#host.note({ type: 'corrupt' });
        this.#host.tooLarge();
        break;
      case DecodeStep.CORRUPT:
      case DecodeStep.FATAL:
        this.#noteCorrupt();
        break;
    }
    return step;
  }

  /** Behind the steps of one turn: each whole frame among them is progress, and gives the next one its full time. */
  settle(progressed: boolean, nowMs: number): void {
    this.#watch(progressed, nowMs);
    const { resyncBytes } = this.#decoder;
    if (resyncBytes === this.#discardedNoted) return;
    this.#host.note({ type: 'discarded', bytes: resyncBytes - this.#discardedNoted });
    this.#discardedNoted = resyncBytes;
  }

  /** This end stops reading. */
  hold(): void {
    if (this.#state === 'reading') this.#state = 'held';
    this.#deadlines.clear('frame');
  }

  /** This end reads again. */
  release(nowMs: number): void {
    if (this.#state === 'held') this.#state = 'reading';
    this.#watch(true, nowMs);
  }

  /** The session is over: no frame has a deadline any more. */
  stop(): void {
    this.#state = 'stopped';
  }

  /** The last step met a corrupt frame, unless the stream ended for another reason. */
  #noteCorrupt(): void {
    if (this.#decoder.corruptFrames === this.#corruptNoted) return;
    this.#corruptNoted = this.#decoder.corruptFrames;
    this.#host.note({ type: 'corrupt' });
  }

  #watch(progressed: boolean, nowMs: number): void {
    if (this.#state !== 'reading') return;
    if (!this.#decoder.midFrame) this.#deadlines.clear('frame');
    else if (progressed || !this.#deadlines.isSet('frame')) {
      this.#deadlines.set('frame', nowMs + this.#frameTimeoutMs);
    }
  }
}
