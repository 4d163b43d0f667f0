import type { CloseCause } from '../session/index.js';
import type { Ping, Pong, ServerFrame, Welcome } from '../wire/index.js';

/** What a server may send that is not about the link itself. */
export type Reply = Exclude<ServerFrame, Ping | Pong | Welcome | { readonly type: 'close' }>;

/** What a link tells whoever dialled it. */
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
