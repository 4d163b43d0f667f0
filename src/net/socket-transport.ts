import type { Socket } from 'node:net';
import type { Transport, TransportEvents } from '../session/index.js';

/**
 * Options for sockets that are to become transports: half-open, because either end may finish what it has to say, and
 * with a high-water mark of one byte, so that `drain` comes whenever bytes had to wait, however few.
 */
export const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true, highWaterMark: 1 } as const;

/**
 * What a socket that keeps up is handed at a time: as much as a connection may have in flight, for every call costs.
 */
const HANDED_BYTES_MAX = 256 * 1024;
/**
 * What one that has not taken its last write at once is handed at a time; the rest waits here. A socket tells of no
 * progress until it has got rid of all of that, so a peer must take this much within its write deadline to be seen to
 * read at all: 2.2 kB/s with 30 s, and four times that for the first write that has to wait. The system's own send
 * buffer comes on top: Linux takes more only when a third of it is free.
 */
const HANDED_BYTES_SLOW = 64 * 1024;

/** A TCP or TLS socket as a transport. */
export class SocketTransport implements Transport {
  readonly remote: string;
  readonly #socket: Socket;
  /** What the socket has not been handed yet, oldest first. */
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #handedBytesMax = HANDED_BYTES_MAX;
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
      this.#feed();
      if (!this.#waiting || this.pending > 0) return;
      this.#waiting = false;
      events.drained();
    });
  }

  get pending(): number {
    return this.#socket.writableLength + this.#queuedBytes;
  }

  get taken(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  write(bytes: Uint8Array): void {
    if (!this.#socket.writable) return;
    // Nothing to put together and nothing to take apart, which is the rule: the socket is given it as it stands.
    if (this.pending === 0 && bytes.length <= HANDED_BYTES_MAX) this.#socket.write(bytes);
    else this.#enqueue(bytes);
    this.#feed();
    this.#judge();
  }

  writeAll(pieces: readonly Uint8Array[]): void {
    if (!this.#socket.writable) return;
    for (const piece of pieces) this.#enqueue(piece);
    this.#feed();
    this.#judge();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    // Nobody watches for progress any more: the socket is handed all that is left, so that its end comes behind it.
    if (this.#queuedBytes > 0) this.#hand(this.#queuedBytes);
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Behind a write: was it taken at once? */
  #judge(): void {
    const tookAll = this.pending === 0;
    this.#handedBytesMax = tookAll ? HANDED_BYTES_MAX : HANDED_BYTES_SLOW;
    if (!tookAll) this.#waiting = true;
  }

  #enqueue(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
  }

  /** Hands over what is queued for as long as the socket gets rid of it at once. */
  #feed(): void {
    while (this.#queuedBytes > 0 && this.#socket.writableLength === 0) this.#hand(this.#handedBytesMax);
  }

  /** Hands over the next so many bytes, or what there is, as one write. */
  #hand(most: number): void {
    this.#socket.cork();
    for (let left = most; left > 0; ) {
      const piece = this.#queue.shift();
      if (piece === undefined) break;
      const part = piece.length <= left ? piece : piece.subarray(0, left);
      if (part !== piece) this.#queue.unshift(piece.subarray(left));
      this.#socket.write(part);
      this.#queuedBytes -= part.length;
      left -= part.length;
    }
    this.#socket.uncork();
  }
}
