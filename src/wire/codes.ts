/**
 * The one table of codes. It drives the CLOSE and ERROR frames, what the SDK does about them, the label values of
 * `push_daemon_closes_total`, and the table in docs/PROTOCOL.md. The thousands tell the family: 1 ordinary ends,
 * 2 load, 3 the peer broke the rules, 4 identity and permission, 5 the server's own trouble.
 */

interface CodeEntry {
  readonly code: number;
  /** May the same client try again by itself? */
  readonly retry: boolean;
  /** `close`: ends a connection (and may fail one request); `error`: only ever fails one request. */
  readonly scope: 'close' | 'error';
  readonly meaning: string;
}

export const CODES = {
  BYE: { code: 1000, retry: false, scope: 'close', meaning: 'the peer was done' },
  DRAINING: {
    code: 1001,
    retry: true,
    scope: 'close',
    meaning: 'the server is going away; retry_after_ms spreads the herd',
  },
  HEARTBEAT_TIMEOUT: {
    code: 1002,
    retry: true,
    scope: 'close',
    meaning: 'silent for 3 times the heartbeat interval, or a frame begun and not whole in time',
  },
  HANDSHAKE_TIMEOUT: { code: 1003, retry: true, scope: 'close', meaning: 'no HELLO in time' },
  BUSY: { code: 2000, retry: true, scope: 'close', meaning: 'connection limit; retry_after_ms says when' },
  RATE_LIMITED: { code: 2001, retry: true, scope: 'close', meaning: 'more requests than the budget allows' },
  SLOW_CONSUMER: {
    code: 2002,
    retry: true,
    scope: 'close',
    meaning: 'asked for with on_lag DISCONNECT, or no write progress by the deadline',
  },
  CORRUPT: { code: 2003, retry: true, scope: 'close', meaning: 'too many corrupt frames' },
  PROTOCOL_ERROR: { code: 3000, retry: false, scope: 'close', meaning: 'undecodable payload, frame out of order' },
  FRAME_TOO_LARGE: { code: 3001, retry: false, scope: 'close', meaning: 'a frame over the limit' },
  UNSUPPORTED_VERSION: { code: 3002, retry: false, scope: 'close', meaning: 'the server does not speak this version' },
  BAD_TOPIC: { code: 3003, retry: false, scope: 'error', meaning: 'not a legal topic, or a pattern where none may be' },
  UNKNOWN_SUBSCRIPTION: {
    code: 3004,
    retry: false,
    scope: 'error',
    meaning: 'unsubscribe from what is not subscribed',
  },
  ALREADY_SUBSCRIBED: { code: 3005, retry: false, scope: 'error', meaning: 'the same topic or pattern a second time' },
  OFFSET_IN_FUTURE: { code: 3006, retry: false, scope: 'error', meaning: 'a position beyond the head of the topic' },
  TOO_MANY_SUBSCRIPTIONS: {
    code: 3007,
    retry: false,
    scope: 'error',
    meaning: 'the limit of subscriptions or topics is reached',
  },
  UNAUTHENTICATED: { code: 4000, retry: false, scope: 'close', meaning: 'no identity, or not a valid one' },
  FORBIDDEN: { code: 4001, retry: false, scope: 'close', meaning: 'this identity may not do that' },
  TOKEN_EXPIRED: { code: 4002, retry: true, scope: 'close', meaning: 'come back with a fresh token' },
  INTERNAL: { code: 5000, retry: true, scope: 'close', meaning: 'a fault of the server' },
  STORE_UNAVAILABLE: { code: 5001, retry: true, scope: 'close', meaning: 'the store does not answer' },
} as const satisfies { readonly [name: string]: CodeEntry };

export type CodeName = keyof typeof CODES;
/** The codes that end a connection. */
export type CloseName = { [N in CodeName]: (typeof CODES)[N]['scope'] extends 'close' ? N : never }[CodeName];

const names = new Map<number, CodeName>(
  (Object.keys(CODES) as CodeName[]).map((name) => [CODES[name].code, name] as const),
);

/** The name of a code, or undefined for one that this version does not know. */
export const codeName = (code: number): CodeName | undefined => names.get(code);
