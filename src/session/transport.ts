/**
 * One end of a byte stream, and all that either end of a session knows of sockets. The real one is a TCP socket; the
 * simulator's is a virtual link.
 */
export interface Transport {
  /** The peer's address, for limits and log lines. */
  readonly remote: string;
  /** Bytes handed over and not yet taken by the link. While there are any, data waits; `drained` says when there are none. */
  readonly pending: number;
  /** Bytes taken by the link so far. */
  readonly taken: number;
  /** Hands over whole frames. The bytes must never change afterwards: they may be sent later. */
  write(bytes: Uint8Array): void;
  /** The same for several pieces, as one write to the link. */
  writeAll(pieces: readonly Uint8Array[]): void;
  pause(): void;
  resume(): void;
  /** Ends this direction behind what is pending. `closed` follows when the peer has ended its own. */
  end(): void;
  /** Lets go at once. */
  destroy(): void;
}

/** What a transport tells its owner. Nothing comes after `closed`, which comes exactly once. */
export interface TransportEvents {
  received(bytes: Uint8Array): void;
  drained(): void;
  /** The peer has ended its direction: nothing more will be received. */
  ended(): void;
  closed(reason: string): void;
}
