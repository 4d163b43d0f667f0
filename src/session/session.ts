import { DecodeStep, decodePayload, type FrameName, FrameType, frameTag, type OnCorrupt } from '../wire/index.js';
import { type CloseCause, type LocalCause, linkLost, localCause, peerCause } from './cause.js';
import { StreamContext } from './context.js';
import { Deadlines } from './deadlines.js';
import { Inbound } from './inbound.js';
import { Liveness } from './liveness.js';
import type { SessionHost } from './session-host.js';
import type { OwnEvent, Phase, Transitions } from './transitions.js';
import { WriteWatch } from './write-watch.js';

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
  readonly #inbound: Inbound;
  readonly #writes: WriteWatch;
  #phase: Phase = 'handshaking';

  constructor(options: SessionOptions, host: SessionHost, nowMs: number) {
    const { onCorrupt, heartbeat, frameTimeoutMs, writeTimeoutMs, handshakeTimeoutMs } = options;
    this.#options = options;
    this.#host = host;
    this.#inbound = new Inbound(onCorrupt, frameTimeoutMs, this.deadlines, host);
    this.liveness = new Liveness(heartbeat, this.deadlines, host, nowMs);
    this.#writes = new WriteWatch(writeTimeoutMs, this.deadlines, this.liveness, host);
    this.deadlines.set('handshake', nowMs + handshakeTimeoutMs);
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Takes bytes from the link; `advance` acts on them. The chunk must not be changed afterwards. */
  receive(chunk: Uint8Array, nowMs: number): void {
    if (this.#over) return;
    this.liveness.heard(nowMs);
    this.#inbound.push(chunk);
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
    this.#inbound.settle(steps > 0, nowMs);
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

  /** Ends the session from this side. The first cause wins; what comes later is ignored. */
  close(cause: LocalCause, nowMs: number, lingerMs = this.#options.lingerTimeoutMs): void {
    this.#end(cause, nowMs, lingerMs);
  }

  /** The peer has ended its direction without a word. */
  ended(nowMs: number): void {
    this.#end(linkLost('the peer ended the stream'), nowMs);
  }

  /** The link is gone, whoever began it. */
  lost(reason: string): void {
    if (this.#phase === 'closed') return;
    this.#move('lost');
    this.#stopWatching();
    const cause = linkLost(reason);
    if (this.context.end(cause)) this.#host.ending(cause);
  }

  /** Tells how many bytes wait for the link, after each write and each drain. */
  waiting(bytes: number, nowMs: number): void {
    if (!this.#over) this.#writes.waiting(bytes, nowMs);
  }

  /** This end stops reading: what the peer does not say meanwhile is not held against it. */
  hold(nowMs: number): void {
    this.#inbound.hold();
    this.liveness.hold(nowMs);
  }

  /** This end reads again. */
  release(nowMs: number): void {
    this.#inbound.release(nowMs);
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
          this.close(localCause('HEARTBEAT_TIMEOUT', 'a frame was begun, and was not whole in time'), nowMs);
          break;
        case 'heartbeat':
          this.#writes.look(nowMs);
          if (!this.liveness.judge(nowMs)) {
            this.close(localCause('HEARTBEAT_TIMEOUT', 'nothing heard for 3 heartbeat intervals'), nowMs);
          }
          break;
        case 'write':
          if (!this.#writes.judge(nowMs)) {
            this.close(localCause('SLOW_CONSUMER', 'no write progress by the deadline'), nowMs);
          }
          break;
        case 'linger':
          this.#host.destroy();
          break;
      }
    }
    return this.deadlines.earliest;
  }

  /** Has a cause been found? What comes behind it is ignored. */
  get #over(): boolean {
    return this.context.cause !== undefined;
  }

  #activate(maxPayload: number): void {
    this.#inbound.setMaxPayload(maxPayload);
    this.deadlines.clear('handshake');
  }

  #end(cause: CloseCause, nowMs: number, lingerMs = this.#options.lingerTimeoutMs): void {
    if (!this.context.end(cause)) return;
    this.#move('closing');
    this.#stopWatching();
    this.deadlines.set('linger', nowMs + lingerMs);
    this.#host.ending(cause);
  }

  #stopWatching(): void {
    this.#inbound.stop();
    this.deadlines.clearAll();
  }

  /** One step of the decoder; false when there is nothing more to do for now. */
  #step(nowMs: number): boolean {
    switch (this.#inbound.next()) {
      case DecodeStep.FRAME: {
        const { payload } = this.#inbound;
        this.#take(payload.bytes, payload.start, payload.end, nowMs);
        return true;
      }
      case DecodeStep.FATAL: {
        const { code, reason } = this.#inbound.fault;
        this.close(localCause(code, reason), nowMs);
        return false;
      }
      case DecodeStep.NEED_MORE:
        return false;
      default:
        return true;
    }
  }

  /** A whole frame has come. */
  #take(bytes: Uint8Array, start: number, end: number, nowMs: number): void {
    if (this.#phase === 'active' && frameTag(bytes, start, end) === FrameType.publish) {
      // By its name, because a look-up by a variable was measured to cost a tenth of this path.
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

  #outOfOrder(type: FrameName, nowMs: number): void {
    this.close(localCause('PROTOCOL_ERROR', `${type} is out of order while ${this.#phase}`), nowMs);
  }
  /** Goes where the table leads; every event of this end's own has its place there. */
  #move(event: OwnEvent): void {
    const next = this.#options.transitions[this.#phase][event];
    if (next === undefined) throw new Error(`invariant: no transition for ${event} while ${this.#phase}`);
    this.#phase = next;
  }
}
