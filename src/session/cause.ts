import { type Close, type CloseName, CODES, codeName } from '../wire/index.js';

/**
 * Why a session ended. Every session has exactly one cause, and the first wins: it reaches the log line, the metric
 * label, the peer's CLOSE frame and `signal.reason`.
 *
 * - `local`: this end decided; the peer is told with a CLOSE frame.
 * - `peer`: the peer's CLOSE frame said so.
 * - `link`: the connection broke without a CLOSE frame.
 */
export type LocalCause = {
  readonly by: 'local';
  readonly name: CloseName;
  readonly reason: string;
  readonly retryAfterMs: number;
};

export type CloseCause =
  | LocalCause
  | {
      readonly by: 'peer';
      /** `UNKNOWN`: a code that this version has no name for. */
      readonly name: CloseName | 'UNKNOWN';
      readonly code: number;
      readonly reason: string;
      readonly retryable: boolean;
      readonly retryAfterMs: number;
      readonly endpoint: string;
    }
  | { readonly by: 'link'; readonly name: 'PEER_GONE'; readonly reason: string };

export const localCause = (name: CloseName, reason: string, retryAfterMs = 0): LocalCause => ({
  by: 'local',
  name,
  reason,
  retryAfterMs,
});

export const linkLost = (reason: string): CloseCause => ({ by: 'link', name: 'PEER_GONE', reason });

/** Of the reason that a peer gives, this many characters are kept; the rest would only fill a log. */
const REASON_CHARS_MAX = 1024;

export function peerCause(close: Close): CloseCause {
  const name = codeName(close.code);
  return {
    by: 'peer',
    name: name !== undefined && CODES[name].scope === 'close' ? (name as CloseName) : 'UNKNOWN',
    code: close.code,
    reason: close.reason.slice(0, REASON_CHARS_MAX),
    retryable: close.retryable,
    retryAfterMs: close.retryAfterMs,
    endpoint: close.endpoint,
  };
}

/** The CLOSE frame that tells the peer of a local cause. */
export function closeFrame(cause: LocalCause): Close {
  const { code, retry } = CODES[cause.name];
  return {
    type: 'close',
    code,
    reason: cause.reason,
    retryable: retry,
    retryAfterMs: cause.retryAfterMs,
    endpoint: '',
  };
}

/** May the same client connect again by itself? A broken link may always be tried again. */
export function mayRetry(cause: CloseCause): boolean {
  switch (cause.by) {
    case 'local':
      return CODES[cause.name].retry;
    case 'peer':
      return cause.retryable;
    case 'link':
      return true;
  }
}
