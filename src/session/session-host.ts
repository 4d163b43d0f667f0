import type { Close, Frame, FrameName, Ping, Pong } from '../wire/index.js';
import type { CloseCause } from './cause.js';
import type { LivenessNote } from './liveness.js';

/**
 * What happened to a session that only observers care about.
 *
 * - `corrupt`: a frame was damaged, or too long, and is discarded.
 * - `discarded`: so many bytes belonged to such frames, or stood between frames.
 */
export type SessionNote =
  | LivenessNote
  | { readonly type: 'corrupt' }
  | { readonly type: 'discarded'; readonly bytes: number };

/** The owner of a session: it has the link, and knows what the frames are about. */
export interface SessionHost {
  /** A frame that the table lets through. PING, PONG and CLOSE are the session's own affair. */
  frame(frame: Exclude<Frame, Ping | Pong | Close>): void;
  /** The payload of a PUBLISH, undecoded because it is the hot path; returns what is wrong with it. */
  publish(bytes: Uint8Array, start: number, end: number): string | undefined;
  /** Called for every frame that could be decoded, before anything is done about it, for counting. */
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
