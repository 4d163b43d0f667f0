import type { Transport } from '../session/index.js';
import { encodeFrame, type Frame } from '../wire/index.js';
import type { Telemetry } from './environment.js';
import { CONTROL_BYTES_MAX, IN_FLIGHT_BYTES_MAX } from './limits.js';

/**
 * What waits to be written to one connection, in two lanes: control frames, and behind them data with all that has its
 * place among the data. Whatever tells of the topics that the peer listens to or fetches is in the second lane, so it
 * keeps its order. Everything leaves in one write, at the end of whatever produced it. Data is not queued here: while the link holds bytes that the peer has not taken, the
 * outbox is full, and who wants to send data keeps a cursor instead.
 */
export class Outbox {
  readonly #transport: Transport;
  readonly #telemetry: Telemetry;
  #control: Uint8Array[] = NOTHING;
  #controlBytes = 0;
  #data: Uint8Array[] = NOTHING;
  #dataBytes = 0;
  /** Of both lanes, the frames that were made for this peer: what its requests have this end hold. */
  #ownBytes = 0;

  constructor(transport: Transport, telemetry: Telemetry) {
    this.#transport = transport;
    this.#telemetry = telemetry;
  }

  /** No data may be added: the link is not keeping up, or enough is gathered for one write. */
  get full(): boolean {
    return this.#dataBytes >= IN_FLIGHT_BYTES_MAX || this.#transport.pending > 0;
  }

  /** The peer does not take the answers to its requests: no more requests are read until it does. */
  get clogged(): boolean {
    return this.#ownBytes > CONTROL_BYTES_MAX;
  }

  /** Adds a control frame, which goes ahead of all data that is not yet on its way. */
  control(frame: Frame): void {
    const bytes = encodeFrame(frame);
    if (this.#control === NOTHING) this.#control = [];
    this.#control.push(bytes);
    this.#controlBytes += bytes.length;
    this.#ownBytes += bytes.length;
    this.#telemetry.frameSent(frame.type);
  }

  /** Adds a frame that must stay in its place among the data; returns its size. */
  inOrder(frame: Frame): number {
    const bytes = encodeFrame(frame);
    this.data(bytes);
    this.#ownBytes += bytes.length;
    this.#telemetry.frameSent(frame.type);
    return bytes.length;
  }

  /** Adds shared bytes: whole frames that will never change. */
  data(bytes: Uint8Array): void {
    if (this.#data === NOTHING) this.#data = [];
    this.#data.push(bytes);
    this.#dataBytes += bytes.length;
  }

  /** Writes what is there, as far as the link takes any. */
  flush(): void {
    if (this.#transport.pending === 0) this.flushAll();
  }

  /** Writes what is there, whether or not the link takes any: for the last words. */
  flushAll(): void {
    const pieces = this.#controlBytes === 0 ? this.#data : this.#control.concat(this.#data);
    const bytes = this.#controlBytes + this.#dataBytes;
    if (bytes === 0) return;
    this.#control = NOTHING;
    this.#data = NOTHING;
    this.#controlBytes = 0;
    this.#dataBytes = 0;
    this.#ownBytes = 0;
    this.#telemetry.bytesSent(bytes);
    if (pieces.length === 1) this.#transport.write(pieces[0] as Uint8Array);
    else this.#transport.writeAll(pieces);
  }
}

/** Shared by all that have nothing to send, so that an idle connection has no arrays of its own. Never pushed to. */
const NOTHING: Uint8Array[] = [];
