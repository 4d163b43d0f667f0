import type { Socket } from 'node:net';
import type { Transport, TransportEvents } from '../session/index.js';

/**
 * Options for sockets that are to become transports: half-open, because either end may finish what it has to say, and
 * with a high-water mark of one byte, so that `drain` comes whenever bytes had to wait, however few.
 */
export const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true, highWaterMark: 1 } as const;

/** A TCP or TLS socket as a transport. */
export class SocketTransport implements Transport {
  readonly remote: string;
  readonly #socket: Socket;
  /** Bytes had to wait, and `drained` has not been said since. */
  #waiting = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.remote = socket.remoteAddress ?? 'unknown';
  }

  /** Begins to tell what happens. To be called in the turn in which the socket has come. */
  open(events: TransportEvents): void {
    const socket = this.#socket;
    let reason = 'the link was closed';
    socket.on('data', (bytes: Buffer) => events.received(bytes));
    socket.on('end', () => events.ended());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      reason = error.code ?? error.message;
    });
    socket.on('close', () => events.closed(reason));
    socket.on('drain', () => {
      if (!this.#waiting) return;
      this.#waiting = false;
      events.drained();
    });
  }

  get pending(): number {
    return this.#socket.writableLength;
  }

  get taken(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  write(bytes: Uint8Array): void {
    if (!this.#socket.writable) return;
    this.#socket.write(bytes);
    this.#notePending();
  }

  writeAll(pieces: readonly Uint8Array[]): void {
    if (!this.#socket.writable) return;
    this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.uncork();
    this.#notePending();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #notePending(): void {
    if (this.#socket.writableLength > 0) this.#waiting = true;
  }
}
