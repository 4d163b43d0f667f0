import type { FrameName } from '../wire/index.js';

/**
 * Every transition of a session, for both ends. What the table lacks is a PROTOCOL_ERROR.
 *
 *                  HELLO              accepted
 *    handshaking ─────────▶ judging ────────────▶ active ──────────┐ frames
 *         │                    │                  │   ▲────────────┘
 *         │ closing, close     │                  │
 *         ▼                    ▼                  ▼
 *      draining ◀──────────────┴──────────────────┘      CLOSE is said, by either; what still arrives is ignored
 *         │
 *         │ lost (from every phase)
 *         ▼
 *       closed                                           the link is gone
 *
 * The client goes the same way without `judging`: its WELCOME is the acceptance.
 *
 * Frames behind a HELLO that is being judged wait undecoded, so a client may send on without waiting for WELCOME.
 */
export const PHASES = ['handshaking', 'judging', 'active', 'draining', 'closed'] as const;
export type Phase = (typeof PHASES)[number];

/** What moves a session besides the peer's frames. */
export type OwnEvent = 'accepted' | 'closing' | 'lost';
export type Transitions = { readonly [P in Phase]: { readonly [E in FrameName | OwnEvent]?: Phase } };

const CLIENT_FRAMES = ['hello', 'ping', 'pong', 'subscribe', 'unsubscribe', 'publish', 'fetch'] as const;
const SERVER_FRAMES = [
  'welcome',
  'ping',
  'pong',
  'subscribed',
  'unsubscribed',
  'ack',
  'messages',
  'gap',
  'fetched',
  'error',
] as const;

type Row = Transitions[Phase];
const row = (frames: readonly FrameName[], to: Phase): Row => Object.fromEntries(frames.map((name) => [name, to]));
const without = (frames: readonly FrameName[], name: FrameName): FrameName[] => frames.filter((f) => f !== name);

/** Leaving is possible from every phase that is not yet closed. */
const LEAVING = { close: 'draining', closing: 'draining', lost: 'closed' } as const satisfies Row;

export const SERVER_TRANSITIONS: Transitions = {
  handshaking: { hello: 'judging', ...LEAVING },
  judging: { accepted: 'active', ...LEAVING },
  active: { ...row(without(CLIENT_FRAMES, 'hello'), 'active'), ...LEAVING },
  draining: { ...row([...CLIENT_FRAMES, 'close'], 'draining'), lost: 'closed' },
  closed: {},
};

export const CLIENT_TRANSITIONS: Transitions = {
  handshaking: { welcome: 'active', error: 'handshaking', ...LEAVING },
  judging: {},
  active: { ...row(SERVER_FRAMES, 'active'), ...LEAVING },
  draining: { ...row([...SERVER_FRAMES, 'close'], 'draining'), lost: 'closed' },
  closed: {},
};
