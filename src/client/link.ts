import {
  CLIENT_TRANSITIONS,
  type CloseCause,
  closeFrame,
  type LocalCause,
  linkLost,
  localCause,
  Session,
  type SessionHost,
  type SessionNote,
  type SessionOptions,
  type Transport,
} from '../session/index.js';
import {
  type ClientFrame,
  encodeFrame,
  type Fetch,
  type Frame,
  MESSAGES_SLACK_BYTES,
  PAYLOAD_BYTES_DEFAULT,
  type Ping,
  type Pong,
  type Publish,
  type ServerFrame,
  type Subscribe,
  type Unsubscribe,
  type Welcome,
  WIRE_VERSION,
} from '../wire/index.js';
import { AnswerWatch } from './answer-watch.js';
import type { ClientWorld, DialEvents } from './world.js';

const SESSION: SessionOptions = {
  transitions: CLIENT_TRANSITIONS,
  maxPayload: PAYLOAD_BYTES_DEFAULT,
  onCorrupt: 'skip',
  heartbeat: 15_000,
  handshakeTimeoutMs: 10_000,
  frameTimeoutMs: 30_000,
  writeTimeoutMs: 30_000,
  lingerTimeoutMs: 2_000,
};

/** Frames acted on before others have their turn of the event loop. */
const FRAMES_PER_TURN = 512;
/** Bytes that may wait for the link before no more publishes are handed to it: they gather into larger batches. */
const PENDING_BYTES_MAX = 256 * 1024;
/** A server that announces a shorter heartbeat interval is taken at this; the specification's least is 5 s. */
const HEARTBEAT_FLOOR_MS = 50;

/** What a server may send that is not about the link itself. */
export type Reply = Exclude<ServerFrame, Ping | Pong | Welcome | { readonly type: 'close' }>;

export interface LinkOwner {
  /** The server has taken this client in. */
  welcomed(welcome: Welcome, connectMs: number): void;
  reply(frame: Reply): void;
  /** A frame was damaged and is discarded: nobody knows what it was. */
  damaged(): void;
  /** There is room for more publishes. */
  writable(): void;
  /** Called once: the link is of no more use. */
  ended(cause: CloseCause): void;
  /** Called once, after `ended`: everything that belonged to the link is given back. */
  gone(): void;
}

/** Who the client says it is. */
export interface Introduction {
  readonly client: string;
  readonly attempt: number;
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
  /** Undefined until the transport is connected. */
  #session: Session | undefined;
  #state: 'dialling' | 'greeting' | 'welcome' | 'ended' = 'dialling';
  /** Why this end does not read on: frames wait for their turn, or the application does not take what was received. */
  #reading: 'yes' | 'busy' | 'held' = 'yes';
  #peerEnded = false;
  #connectMs = 0;
  #maxPayload = PAYLOAD_BYTES_DEFAULT;
  #armedMs = Number.POSITIVE_INFINITY;
  #disarm: () => void = () => {};

  constructor(world: ClientWorld, endpoint: string, introduction: Introduction, owner: LinkOwner) {
    this.#world = world;
    this.#owner = owner;
    this.#introduction = introduction;
    this.#answers = new AnswerWatch(world, () => this.close(localCause('CORRUPT', 'a request was never answered')));
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
    const { client, attempt, resuming } = this.#introduction;
    // 0 would say that it was not measured.
    const connectMs = Math.max(1, Math.round(this.#connectMs));
    const hello = { type: 'hello', version: WIRE_VERSION, client, token: '', heartbeatMs: 0 } as const;
    this.send({ ...hello, connectMs, attempt, resuming });
  }

  received(bytes: Uint8Array): void {
    this.#session?.receive(bytes, this.#now);
    if (this.#reading === 'yes') this.#work();
  }

  drained(): void {
    this.#session?.waiting(0, this.#now);
    if (this.#state === 'welcome') this.#owner.writable();
  }

  ended(): void {
    this.#peerEnded = true;
    if (this.#reading === 'yes') this.#work();
  }

  closed(reason: string): void {
    if (this.#session === undefined) this.#end(linkLost(reason));
    else this.#session.lost(reason);
    this.#disarm();
    this.#owner.gone();
  }

  // The session asks:

  frame(frame: Exclude<Frame, Ping | Pong>): void {
    switch (frame.type) {
      case 'welcome':
        return this.#welcome(frame);
      case 'hello':
      case 'subscribe':
      case 'unsubscribe':
      case 'publish':
      case 'fetch':
      case 'close':
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

  /** Sends requests, as one write. */
  sendAll(frames: readonly ClientFrame[]): void {
    if (frames.length > 0) this.#write(() => this.#transport.writeAll(frames.map(encodeFrame)));
  }

  /** Sends requests that must be answered in time, as one write. */
  ask(requests: readonly (Subscribe | Unsubscribe | Publish | Fetch)[]): void {
    if (this.#state === 'ended') return;
    for (const request of requests) {
      this.#answers.asked(request.requestId, request.type === 'fetch' ? request.waitMs : 0);
    }
    this.sendAll(requests);
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

  /** Stops reading: the application has enough. The link lives on, and the server's silence is not held against it. */
  hold(): void {
    if (this.#reading === 'held') return;
    if (this.#reading === 'yes') this.#transport.pause();
    this.#reading = 'held';
    this.#answers.hold();
    this.#session?.hold(this.#now);
  }

  /** Reads on, after this turn. */
  release(): void {
    if (this.#reading !== 'held') return;
    this.#answers.release();
    this.#session?.release(this.#now);
    this.#goOnSoon();
  }

  get #now(): number {
    return this.#world.clock.monotonicMs();
  }

  #welcome(welcome: Welcome): void {
    const maxPayload = welcome.maxPayload + MESSAGES_SLACK_BYTES;
    this.#session?.welcomed(maxPayload, Math.max(HEARTBEAT_FLOOR_MS, welcome.heartbeatMs), this.#now);
    this.#maxPayload = welcome.maxPayload;
    if (this.#state !== 'greeting') return;
    this.#state = 'welcome';
    this.#owner.welcomed(welcome, this.#connectMs);
  }

  /** Acts on what has been received, frame by frame, because any of them may fill the application's buffer. */
  #work(): void {
    const session = this.#session;
    if (session === undefined) return;
    for (let steps = 0; this.#reading !== 'held' && session.advance(1, this.#now); steps++) {
      if (steps < FRAMES_PER_TURN) continue;
      if (this.#reading === 'yes') this.#transport.pause();
      return this.#goOnSoon();
    }
    this.#arm();
    if (this.#reading === 'held') return;
    const paused = this.#reading === 'busy';
    this.#reading = 'yes';
    if (paused) this.#transport.resume();
    if (this.#peerEnded) session.ended(this.#now);
  }

  #goOnSoon(): void {
    this.#reading = 'busy';
    this.#world.scheduler.soon(() => {
      if (this.#reading === 'busy') this.#work();
    });
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

  /** Looks at the deadlines in time. One that has moved later needs nothing: it is found early. */
  #arm(): void {
    const earliestMs = this.#session?.deadlines.earliest ?? Number.POSITIVE_INFINITY;
    if (earliestMs >= this.#armedMs) return;
    this.#disarm();
    this.#armedMs = earliestMs;
    this.#disarm = this.#world.scheduler.after(Math.max(0, earliestMs - this.#now), () => this.#due());
  }

  /** After a stall of this process, what has queued up meanwhile is read before anyone is judged. */
  #due(): void {
    this.#world.scheduler.soon(() => {
      this.#armedMs = Number.POSITIVE_INFINITY;
      this.#session?.expire(this.#now);
      this.#arm();
    });
  }
}
