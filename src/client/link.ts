import {
  type CloseCause,
  closeFrame,
  type LocalCause,
  linkLost,
  localCause,
  Session,
  type SessionHost,
  type SessionNote,
  type Transport,
} from '../session/index.js';
import {
  type Close,
  CODES,
  encodeFrame,
  type Fetch,
  type Frame,
  MESSAGES_SLACK_BYTES,
  PAYLOAD_BYTES_DEFAULT,
  type Ping,
  type Pong,
  type Publish,
  type Subscribe,
  type Unsubscribe,
  type Welcome,
  WIRE_VERSION,
} from '../wire/index.js';
import { AnswerWatch } from './answer-watch.js';
import { DeadlineTimer } from './deadline-timer.js';
import { Intake } from './intake.js';
import type { LinkOwner } from './link-owner.js';
import { SESSION } from './session-options.js';
import type { ClientWorld, DialEvents } from './world.js';

/** Bytes that may wait for the link before no more publishes are handed to it: they gather into larger batches. */
const PENDING_BYTES_MAX = 256 * 1024;
/** A server that announces a shorter heartbeat interval is taken at this; the specification's least is 5 s. */
const HEARTBEAT_FLOOR_MS = 50;

type Request = Subscribe | Unsubscribe | Publish | Fetch;

/** Who the client says it is. */
export interface Introduction {
  /** Its name, for the server's log lines; may be empty. */
  readonly client: string;
  /** Tries since a link was last stable, from 0. */
  readonly attempt: number;
  /** Did this client have a link before? */
  readonly resuming: boolean;
}

/** One dial and the connection it leads to: joins a transport to a session, and the session to the client. */
export class Link implements SessionHost, DialEvents {
  readonly #world: ClientWorld;
  readonly #owner: LinkOwner;
  readonly #introduction: Introduction;
  readonly #transport: Transport;
  readonly #dialledMs: number;
  readonly #answers: AnswerWatch;
  readonly #timer: DeadlineTimer;
  /** These two are undefined until the transport is connected. */
  #session: Session | undefined;
  #intake: Intake | undefined;
  #state: 'dialling' | 'greeting' | 'welcomed' | 'ended' = 'dialling';
  #connectMs = 0;
  #maxPayload = PAYLOAD_BYTES_DEFAULT;

  constructor(world: ClientWorld, endpoint: string, introduction: Introduction, owner: LinkOwner) {
    this.#world = world;
    this.#owner = owner;
    this.#introduction = introduction;
    this.#answers = new AnswerWatch(world, () => this.close(localCause('CORRUPT', 'a request was never answered')));
    this.#timer = new DeadlineTimer(world, (nowMs) => this.#session?.expire(nowMs) ?? Number.POSITIVE_INFINITY);
    this.#dialledMs = this.#now;
    this.#transport = world.dial(endpoint, this);
  }

  /** The largest payload that the server takes. */
  get maxPayload(): number {
    return this.#maxPayload;
  }

  /** Does so much wait for the link that publishes had better wait for it? */
  get full(): boolean {
    return this.#transport.pending >= PENDING_BYTES_MAX;
  }

  // The transport tells:

  connected(): void {
    if (this.#state !== 'dialling') return;
    this.#state = 'greeting';
    this.#connectMs = this.#now - this.#dialledMs;
    this.#session = new Session(SESSION, this, this.#now);
    this.#intake = new Intake(this.#world, this.#transport, this.#session, this.#answers, () => this.#arm());
    const { client, attempt, resuming } = this.#introduction;
    // 0 would say that it was not measured.
    const connectMs = Math.max(1, Math.round(this.#connectMs));
    const hello = { type: 'hello', version: WIRE_VERSION, client, token: '', heartbeatMs: 0 } as const;
    this.send({ ...hello, connectMs, attempt, resuming });
  }

  received(bytes: Uint8Array): void {
    this.#intake?.received(bytes);
  }

  drained(): void {
    this.#session?.waiting(0, this.#now);
    if (this.#state === 'welcomed') this.#owner.writable();
  }

  ended(): void {
    this.#intake?.ended();
  }

  closed(reason: string): void {
    if (this.#session === undefined) this.#end(linkLost(reason));
    else this.#session.lost(reason);
    this.#timer.stop();
    this.#owner.gone();
  }

  // The session asks:

  frame(frame: Exclude<Frame, Ping | Pong | Close>): void {
    switch (frame.type) {
      case 'welcome':
        return this.#welcome(frame);
      case 'hello':
      case 'subscribe':
      case 'unsubscribe':
      case 'publish':
      case 'fetch':
        throw new Error(`invariant: the table lets no ${frame.type} through`);
      case 'messages':
      case 'gap':
        return this.#owner.reply(frame);
      default:
        this.#answers.answered(frame.requestId);
        this.#owner.reply(frame);
    }
  }

  publish(): never {
    throw new Error('invariant: the table lets no publish through');
  }

  frameReceived(): void {}

  tooLarge(): void {}

  send(frame: Frame): void {
    this.#write(() => this.#transport.write(encodeFrame(frame)));
  }

  bytesTaken(): number {
    return this.#transport.taken;
  }

  ending(cause: CloseCause): void {
    const lost = this.#session?.phase === 'closed';
    if (cause.by === 'local') this.#transport.write(encodeFrame(closeFrame(cause)));
    if (!lost) {
      // What still arrives is read and ignored: an unread byte would turn the end into a reset, and lose the last words.
      this.#transport.resume();
      this.#transport.end();
      this.#arm();
    }
    this.#end(cause);
  }

  destroy(): void {
    this.#transport.destroy();
  }

  note(note: SessionNote): void {
    if (note.type === 'corrupt') this.#owner.damaged();
  }

  // The client asks:

  /** Sends requests that must be answered in time, as one write. */
  ask(requests: readonly Request[]): void {
    if (this.#state === 'ended') return;
    const frames: Uint8Array[] = [];
    for (const request of requests) {
      const frame = this.#encode(request);
      if (frame === undefined) continue;
      this.#answers.asked(request.requestId, request.type === 'fetch' ? request.waitMs : 0);
      frames.push(frame);
    }
    if (frames.length > 0) this.#write(() => this.#transport.writeAll(frames));
  }

  /** Whoever asked has no use any more for the answers to what was asked until now. */
  forget(): void {
    this.#answers.forget();
  }

  /** A part of the answer to a request has come. */
  progressed(requestId: number): void {
    this.#answers.progressed(requestId);
  }

  /** Ends the link; a second time, or after another cause, is a no-op. */
  close(cause: LocalCause): void {
    if (this.#session !== undefined) return this.#session.close(cause, this.#now);
    this.#end(cause);
    this.#transport.destroy();
  }

  /**
   * Stops reading: the application has enough. The link lives on, and the server's silence is not held against it.
   * `awaited`: there is a request, now or later, whose answer cannot come until the link is released.
   */
  hold(awaited: () => void): void {
    this.#intake?.hold(awaited);
  }

  /** Reads on, after this turn. */
  release(): void {
    this.#intake?.release();
  }

  get #now(): number {
    return this.#world.clock.monotonicMs();
  }

  #welcome(welcome: Welcome): void {
    const maxPayload = welcome.maxPayload + MESSAGES_SLACK_BYTES;
    this.#session?.welcomed(maxPayload, Math.max(HEARTBEAT_FLOOR_MS, welcome.heartbeatMs), this.#now);
    this.#maxPayload = welcome.maxPayload;
    if (this.#state !== 'greeting') return;
    this.#state = 'welcomed';
    this.#owner.welcomed(welcome, this.#connectMs);
  }

  /** What cannot be encoded fails that one request, after this turn, as if the server had refused it; undefined then. */
  #encode(request: Request): Uint8Array | undefined {
    try {
      return encodeFrame(request);
    } catch (error) {
      const { requestId } = request;
      const refusal = { type: 'error', requestId, code: CODES.PROTOCOL_ERROR.code, message: String(error) } as const;
      this.#world.scheduler.soon(() => this.#owner.reply(refusal));
      return undefined;
    }
  }

  #write(write: () => void): void {
    if (this.#state === 'ended') return;
    write();
    if (this.#transport.pending > 0) this.#session?.waiting(this.#transport.pending, this.#now);
    this.#arm();
  }

  #end(cause: CloseCause): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#answers.stop();
    this.#owner.ended(cause);
  }

  #arm(): void {
    if (this.#session !== undefined) this.#timer.arm(this.#session.deadlines.earliest);
  }
}
