import {
  DecodeStep,
  decodePayload,
  type Frame,
  FrameDecoder,
  type FrameName,
  FrameType,
  frameTag,
  type OnCorrupt,
  type Ping,
  type Pong,
  type StreamFault,
} from '../wire/index.js';
import { type CloseCause, type LocalCause, linkLost, localCause, peerCause } from './cause.js';
import { StreamContext } from './context.js';
import { Deadlines } from './deadlines.js';
import { Liveness, type LivenessNote } from './liveness.js';
import type { Phase, Transitions } from './transitions.js';

/**
 * What a link must take within one write deadline to count as making progress. Less is a peer that reads a byte now
 * and then so as to hold the memory that waits for it.
 */
const WRITE_PROGRESS_BYTES_MIN = 1024;

/** What a session is told at its beginning. Times in milliseconds, sizes in bytes. */
export interface SessionOptions {
  readonly transitions: Transitions;
  readonly maxPayload: number;
  readonly onCorrupt: OnCorrupt;
  /** `auto`: 5 to 15 s by the measured round trip; a number: that interval. A client follows its WELCOME. */
  readonly heartbeat: 'auto' | number;
  readonly handshakeTimeoutMs: number;
  /** A frame that has begun must be whole within this time. */
  readonly frameTimeoutMs: number;
  /** Of bytes that wait to be written, at least 1 KiB must be taken within this time. */
  readonly writeTimeoutMs: number;
  /** How long a link that is being closed may linger until its peer lets go. */
  readonly lingerTimeoutMs: number;
}

/** What happened to a session that only observers care about. */
export type SessionNote =
  | LivenessNote
  | { readonly type: 'corrupt' }
  | { readonly type: 'discarded'; readonly bytes: number };

/** The owner of a session: it has the link, and knows what the frames are about. */
export interface SessionHost {
  /** A frame that the table lets through. PING and PONG stay inside. */
  frame(frame: Exclude<Frame, Ping | Pong>): void;
  /** The payload of a PUBLISH, undecoded because it is the hot path; returns what is wrong with it. */
  publish(bytes: Uint8Array, start: number, end: number): string | undefined;
  frameReceived(type: FrameName): void;
  /** A frame over the limit is being discarded by its length. */
  tooLarge(): void;
  send(frame: Frame): void;
  /** Called once: say CLOSE if the cause is local, and end this direction of the link behind it. */
  ending(cause: CloseCause): void;
  /** The link was to be gone by now. */
  destroy(): void;
  /** Bytes that the link has taken so far: tells a slow write from a stuck one. */
  bytesTaken(): number;
  note(note: SessionNote): void;
}

/**
 * One end of a session, with no socket and no clock: bytes and the time come in, and what must happen goes to the
 * host. `receive` takes bytes, `advance` acts on a bounded number of the frames in them, `expire` acts on deadlines.
 */
export class Session {
  readonly context = new StreamContext();
  readonly deadlines = new Deadlines();
  readonly liveness: Liveness;
  readonly #options: SessionOptions;
  readonly #host: SessionHost;
  readonly #decoder: FrameDecoder;
  #phase: Phase = 'handshaking';
  #holding = false;
  #discarded = 0;
  /** Bytes that the link had taken at the last look, and when the write deadline was set. */
  #taken = 0;
  #takenAtWrite = 0;

  constructor(options: SessionOptions, host: SessionHost, nowMs: number) {
    this.#options = options;
    this.#host = host;
    this.#decoder = new FrameDecoder(options.onCorrupt);
    this.liveness = new Liveness(options.heartbeat, this.deadlines, host, nowMs);
    this.deadlines.set('handshake', nowMs + options.handshakeTimeoutMs);
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Takes bytes from the link; `advance` acts on them. The chunk must not be changed afterwards. */
  receive(chunk: Uint8Array, nowMs: number): void {
    if (this.#phase === 'closed' || this.#phase === 'draining') return;
    this.liveness.heard(nowMs);
    this.#decoder.push(chunk);
  }

  /**
   * Acts on at most `budget` frames, so that one hot connection starves nobody. Returns true when the budget was used
   * up and more may be waiting.
   */
  advance(budget: number, nowMs: number): boolean {
    let steps = 0;
    while (steps < budget && (this.#phase === 'active' || this.#phase === 'handshaking')) {
      if (!this.#step(nowMs)) break;
      steps += 1;
    }
    this.#watchFrame(steps > 0, nowMs);
    this.#noteDiscarded();
    return steps === budget;
  }

  /** HELLO is accepted: from now on frames of the full size are taken, and the peer is watched. */
  accept(heartbeatWishMs: number, nowMs: number): void {
    this.#move('accepted');
    this.#activate(this.#options.maxPayload);
    this.liveness.start(heartbeatWishMs, nowMs);
  }

  /** WELCOME, the first or a later one, says what holds on this connection. */
  welcomed(maxPayload: number, heartbeatMs: number, nowMs: number): void {
    this.#activate(maxPayload);
    this.liveness.follow(heartbeatMs, nowMs);
  }

  #activate(maxPayload: number): void {
    this.#decoder.setMaxPayload(maxPayload);
    this.deadlines.clear('handshake');
  }

  /** Ends the session from this side. The first cause wins; what comes later is ignored. */
  close(cause: LocalCause, nowMs: number, lingerMs = this.#options.lingerTimeoutMs): void {
    this.#end(cause, nowMs, lingerMs);
  }

  #end(cause: CloseCause, nowMs: number, lingerMs = this.#options.lingerTimeoutMs): void {
    if (!this.context.end(cause)) return;
    this.#move('closing');
    this.deadlines.clearAll();
    this.deadlines.set('linger', nowMs + lingerMs);
    this.#host.ending(cause);
  }

  /** The peer has ended its direction without a word. */
  ended(nowMs: number): void {
    this.#end(linkLost('the peer ended the stream'), nowMs);
  }

  /** The link is gone, whoever began it. */
  lost(reason: string): void {
    if (this.#phase === 'closed') return;
    this.#move('lost');
    this.deadlines.clearAll();
    const cause = linkLost(reason);
    if (this.context.end(cause)) this.#host.ending(cause);
  }

  /** Tells how many bytes wait for the link, after each write and each drain. */
  waiting(bytes: number, nowMs: number): void {
    if (this.#phase === 'closed' || this.#phase === 'draining') return;
    if (bytes === 0) {
      this.deadlines.clear('write');
      this.liveness.heard(nowMs);
    } else if (this.deadlines.at('write') === Number.POSITIVE_INFINITY) {
      this.#taken = this.#host.bytesTaken();
      this.#watchWrite(nowMs);
    }
  }

  #watchWrite(nowMs: number): void {
    this.#takenAtWrite = this.#taken;
    this.deadlines.set('write', nowMs + this.#options.writeTimeoutMs);
  }

  /** This end stops reading: what the peer does not say meanwhile is not held against it. */
  hold(nowMs: number): void {
    this.#holding = true;
    this.deadlines.clear('frame');
    this.liveness.hold(nowMs);
  }

  /** This end reads again. */
  release(nowMs: number): void {
    this.#holding = false;
    this.#watchFrame(true, nowMs);
    this.liveness.release(nowMs);
  }

  /** Acts on every deadline that is due and returns the next one; Infinity: none. */
  expire(nowMs: number): number {
    for (let due = this.deadlines.due(nowMs); due !== undefined; due = this.deadlines.due(nowMs)) {
      this.deadlines.clear(due);
      switch (due) {
        case 'handshake':
          this.close(localCause('HANDSHAKE_TIMEOUT', 'no HELLO in time'), nowMs);
          break;
        case 'frame':
          this.close(localCause('HEARTBEAT_TIMEOUT', 'a frame was begun and not finished in time'), nowMs);
          break;
        case 'heartbeat':
          if (this.deadlines.at('write') !== Number.POSITIVE_INFINITY) this.#noticeProgress(nowMs);
          if (!this.liveness.judge(nowMs)) {
            this.close(localCause('HEARTBEAT_TIMEOUT', 'nothing heard for 3 heartbeat intervals'), nowMs);
          }
          break;
        case 'write':
          this.#noticeProgress(nowMs);
          if (this.#taken - this.#takenAtWrite >= WRITE_PROGRESS_BYTES_MIN) this.#watchWrite(nowMs);
          else this.close(localCause('SLOW_CONSUMER', 'no write progress by the deadline'), nowMs);
          break;
        case 'linger':
          this.#host.destroy();
          break;
      }
    }
    return this.deadlines.earliest;
  }

  /**
   * Has a write that was waiting moved since we last looked? If so the peer reads, and so it lives. What the link takes
   * while nothing waits says nothing: the system's buffers take a PING to a dead peer as readily.
   */
  #noticeProgress(nowMs: number): void {
    const taken = this.#host.bytesTaken();
    if (taken > this.#taken) this.liveness.heard(nowMs);
    this.#taken = taken;
  }

  /** One step of the decoder; false when there is nothing more to do for now. */
  #step(nowMs: number): boolean {
    const decoder = this.#decoder;
    switch (decoder.next()) {
      case DecodeStep.NEED_MORE:
        return false;
      case DecodeStep.FRAME:
        this.#take(decoder.bytes, decoder.start, decoder.end, nowMs);
        return true;
      case DecodeStep.CORRUPT:
        this.#host.note({ type: 'corrupt' });
        return true;
      case DecodeStep.TOO_LARGE:
        this.#host.note({ type: 'corrupt' });
        this.#host.tooLarge();
        return true;
      case DecodeStep.FATAL:
        this.#fatal(decoder.fault as StreamFault, nowMs);
        return false;
    }
  }

  #fatal({ code, reason }: StreamFault, nowMs: number): void {
    this.close(localCause(code, reason), nowMs);
  }

  /** A whole frame has come. */
  #take(bytes: Uint8Array, start: number, end: number, nowMs: number): void {
    if (this.#phase === 'active' && frameTag(bytes, start, end) === FrameType.publish) {
      if (this.#options.transitions.active.publish === undefined) return this.#outOfOrder('publish', nowMs);
      this.#host.frameReceived('publish');
      const fault = this.#host.publish(bytes, start, end);
      if (fault !== undefined) this.close(localCause('PROTOCOL_ERROR', fault), nowMs);
      return;
    }
    const frame = decodePayload(bytes, start, end);
    if (frame.type === 'fault') return this.close(localCause('PROTOCOL_ERROR', frame.reason), nowMs);
    this.#host.frameReceived(frame.type);
    const next = this.#options.transitions[this.#phase][frame.type];
    if (next === undefined) return this.#outOfOrder(frame.type, nowMs);
    if (frame.type === 'close') return this.#end(peerCause(frame), nowMs);
    this.#phase = next;
    switch (frame.type) {
      case 'ping':
        if (!this.liveness.onPing(frame, nowMs)) {
          this.close(localCause('RATE_LIMITED', 'more PINGs than the budget allows'), nowMs);
        }
        break;
      case 'pong':
        this.liveness.onPong(frame, nowMs);
        break;
      default:
        this.#host.frame(frame);
    }
  }

  /** A frame that has begun has a deadline of its own; each whole frame is progress. */
  #watchFrame(progressed: boolean, nowMs: number): void {
    if (this.#phase === 'closed' || this.#phase === 'draining') return;
    if (!this.#decoder.midFrame || this.#holding) this.deadlines.clear('frame');
    else if (progressed || this.deadlines.at('frame') === Number.POSITIVE_INFINITY) {
      this.deadlines.set('frame', nowMs + this.#options.frameTimeoutMs);
    }
  }

  #noteDiscarded(): void {
    const { resyncBytes } = this.#decoder;
    if (resyncBytes === this.#discarded) return;
    this.#host.note({ type: 'discarded', bytes: resyncBytes - this.#discarded });
    this.#discarded = resyncBytes;
  }

  #outOfOrder(type: FrameName, nowMs: number): void {
    this.close(localCause('PROTOCOL_ERROR', `${type} is out of order while ${this.#phase}`), nowMs);
  }

  #move(event: 'accepted' | 'closing' | 'lost'): void {
    const next = this.#options.transitions[this.#phase][event];
    if (next === undefined) throw new Error(`invariant: no transition for ${event} while ${this.#phase}`);
    this.#phase = next;
  }
}
