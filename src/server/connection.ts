import {
  type CloseCause,
  closeFrame,
  type LinkClass,
  type LocalCause,
  localCause,
  Session,
  type SessionHost,
  type SessionNote,
  type Transport,
  type TransportEvents,
} from '../session/index.js';
import { CODES, type Frame, type FrameName, type Hello } from '../wire/index.js';
import type { Slot } from './admission.js';
import { Alarm } from './alarm.js';
import { type Contained, contain } from './containment.js';
import { refusal, welcome } from './greeting.js';
import { Intake } from './intake.js';
import { CLIENT_NAME_MAX, CONNECT_MS_MAX } from './limits.js';
import { Outbox } from './outbox.js';
import { Requests } from './requests.js';
import type { Services } from './services.js';
import type { ConnectionStatus } from './status.js';
import { Subscriber } from './subscriber.js';

/**
 * One client's connection: joins its link to its session, its session to its requests, and their answers to the link.
 * It decides nothing that one of those could decide.
 */
export class Connection implements SessionHost, TransportEvents, Contained {
  readonly #id: string;
  readonly #transport: Transport;
  readonly #slot: Slot;
  readonly #services: Services;
  readonly #session: Session;
  readonly #out: Outbox;
  readonly #intake: Intake;
  readonly #alarm: Alarm;
  /** Made with the first request: one who only publishes, or idles, does without. */
  #requests: Requests | undefined;
  #client = '';
  #maxPayload: number;

  constructor(transport: Transport, slot: Slot, services: Services) {
    const { env, session } = services;
    this.#id = env.random.unique();
    this.#transport = transport;
    this.#slot = slot;
    this.#services = services;
    this.#maxPayload = session.maxPayload;
    this.#out = new Outbox(transport, env.telemetry);
    this.#session = new Session(session, this, env.clock.monotonicMs());
    this.#intake = new Intake(transport, this.#session, this.#out, env, this);
    this.#alarm = new Alarm(this.#session, services.wheel, this);
    this.#alarm.arm();
    services.connections.add(this);
  }

  // The link tells:

  received(bytes: Uint8Array): void {
    contain(this, () => this.#intake.received(bytes));
  }

  drained(): void {
    contain(this, () => {
      this.#session.waiting(0, this.#now);
      this.flush();
      this.#intake.drained();
      if (this.owed) this.#requests?.subscriber.wake();
    });
  }

  ended(): void {
    contain(this, () => this.#intake.ended());
  }

  closed(reason: string): void {
    // What others would miss goes first, so that it is given back whatever happens.
    this.#alarm.disarm();
    this.#services.connections.delete(this);
    this.#slot.release();
    contain(this, () => this.#session.lost(reason));
  }

  // The session asks:

  frame(frame: Frame): void {
    switch (frame.type) {
      case 'hello':
        return this.#greet(frame);
      case 'subscribe':
        return this.#asked().subscribe(frame, this.#now);
      case 'unsubscribe':
        return this.#asked().unsubscribe(frame, this.#now);
      case 'fetch':
        return this.#asked().fetch(frame, this.#now);
      default:
        throw new Error(`invariant: the table lets no ${frame.type} through`);
    }
  }

  publish(bytes: Uint8Array, start: number, end: number): string | undefined {
    return this.#services.ingest.publish(bytes, start, end, this.#intake.workedUs, this.#out);
  }

  frameReceived(type: FrameName): void {
    this.#services.env.telemetry.frameReceived(type);
  }

  tooLarge(): void {
    const { code } = CODES.FRAME_TOO_LARGE;
    this.#out.control({ type: 'error', requestId: 0, code, message: 'a frame over the limit was discarded' });
  }

  send(frame: Frame): void {
    this.#out.control(frame);
  }

  bytesTaken(): number {
    return this.#transport.taken;
  }

  ending(cause: CloseCause): void {
    this.#requests?.subscriber.leave();
    this.#services.env.telemetry.closed(cause.name.toLowerCase());
    this.#logEnd(cause);
    // Behind the data: a CLOSE that overtook what has been gathered would not be the last word.
    if (cause.by === 'local') this.#out.inOrder(closeFrame(cause));
    this.#out.flushAll();
    // What still arrives is read and ignored: an unread byte would turn the end into a reset, and lose the last words.
    this.#transport.resume();
    this.#transport.end();
    this.#alarm.arm();
  }

  destroy(): void {
    this.#transport.destroy();
  }

  note(note: SessionNote): void {
    const { telemetry, log } = this.#services.env;
    switch (note.type) {
      case 'rtt':
        return telemetry.rtt(note.ms / 1000);
      case 'class':
        if (note.to !== 'jittery') return;
        telemetry.jitter();
        return log.info({ connection: this.#id, silenceMs: Math.round(note.silenceMs) }, 'jitter');
      case 'interval':
        return this.#welcome();
      case 'corrupt':
        return telemetry.corruptFrame();
      case 'discarded':
        return telemetry.resyncBytes(note.bytes);
    }
  }

  // The server asks:

  /** Ends the connection; a second time, or after another cause, is a no-op. */
  close(cause: LocalCause, lingerMs?: number): void {
    this.#session.close(cause, this.#now, lingerMs);
  }

  /** Ends the connection because its reader does not keep up, and has asked for that. */
  disconnect(reason: string): void {
    this.close(localCause('SLOW_CONSUMER', reason));
  }

  /** Ends the connection because something of its own has thrown; if that was its very ending, cuts it off. */
  failed(error: unknown): void {
    const { log, telemetry } = this.#services.env;
    telemetry.internalError();
    log.error({ connection: this.#id, err: error }, 'connection failed');
    if (this.#session.context.cause !== undefined) return this.destroy();
    contain(this, () => this.close(localCause('INTERNAL', 'a fault of the server')));
  }

  flush(): void {
    this.#out.flush();
    if (this.#transport.pending > 0) this.#session.waiting(this.#transport.pending, this.#now);
    this.#alarm.arm();
  }

  get linkClass(): LinkClass {
    return this.#session.liveness.linkClass;
  }

  /** Is there anything that it has asked for and not been sent? */
  get owed(): boolean {
    return this.#requests?.subscriber.owed === true;
  }

  /** Answers the long polls that wait: nothing more is to be waited for. */
  endWaits(): void {
    this.#requests?.subscriber.endWaits();
  }

  /** In how many topics it is behind. */
  get lagging(): number {
    return this.#requests?.subscriber.cursors.size ?? 0;
  }

  status(): ConnectionStatus {
    return {
      id: this.#id,
      client: this.#client,
      remote: this.#transport.remote,
      phase: this.#session.phase,
      linkClass: this.linkClass,
      rttMs: this.#session.liveness.rttMs || null,
      subscriptions: this.#requests?.subscriber.subscriptions.size ?? 0,
      lagging: this.lagging,
      pendingBytes: this.#transport.pending,
    };
  }

  get #now(): number {
    return this.#services.env.clock.monotonicMs();
  }

  #greet(hello: Hello): void {
    this.#client = hello.client.slice(0, CLIENT_NAME_MAX);
    const { connectMs } = hello;
    if (connectMs > 0 && connectMs <= CONNECT_MS_MAX) this.#services.env.telemetry.connectTime(connectMs / 1000);
    const cause = refusal(hello, this.#slot, this.#services);
    if (cause !== undefined) return this.close(cause);
    this.#session.accept(hello.heartbeatMs, this.#now);
    this.#welcome();
  }

  #welcome(): void {
    const { intervalMs } = this.#session.liveness;
    this.#out.control(welcome(this.#id, this.#services.serverName, intervalMs, this.#maxPayload));
  }

  #asked(): Requests {
    if (this.#requests === undefined) {
      const { delivery, wheel, maxSubscriptions } = this.#services;
      const subscriber = new Subscriber(this.#out, delivery, this);
      this.#requests = new Requests(subscriber, maxSubscriptions, wheel, this.#now);
    }
    return this.#requests;
  }

  #logEnd({ name, by, reason }: CloseCause): void {
    const { remote } = this.#transport;
    const fields = { connection: this.#id, client: this.#client, remote, cause: name, by, reason };
    this.#services.env.log.info(fields, 'connection ended');
  }
}
