import { CODES, type CodeName, codeName } from '../wire/index.js';

/** Every `code` that an error of the client may have. */
export const CLIENT_ERRORS = {
  /** The `AbortSignal` given to the call was aborted; `cause` is the signal's reason. A publish may have been sent. */
  ABORTED: 'aborted',
  /** The client was closed before this was done, or is closed now. A publish may have been sent. */
  CLOSED: 'the client is closed',
  /** The caller asked for something that cannot be; the message says what, and what is allowed. */
  INVALID_ARGUMENT: 'an argument is not valid',
  /**
   * There is no point in coming back: the server said so, and `reason` is the name of its close code; or, without a
   * `reason`, what it sent was not the protocol, as the message says.
   */
  NOT_RETRYABLE: 'the server does not want this client back',
  /** A record is larger than the server allows; the message says how large it may be. Nothing was sent. */
  PAYLOAD_TOO_LARGE: 'a record is too large',
  /** As many publishes are waiting as may. Nothing of this one was sent: slow down, or wait for earlier ones. */
  PUBLISH_BUFFER_FULL: 'too much is waiting to be published',
  /** The server refused this request; `reason` is the name of its code. Everything else goes on. */
  REFUSED: 'the server refused the request',
} as const;

export type ClientErrorCode = keyof typeof CLIENT_ERRORS;

/** A code of the server's; `UNKNOWN`: one that this version has no name for. */
export type ServerReason = CodeName | 'UNKNOWN';

/** What the client throws and rejects with. Tell errors apart by `code`; messages may change. */
export class ClientError extends Error {
  readonly code: ClientErrorCode;
  /** The server's reason, where it was the server that said no; the message is what it said, and does not repeat it. */
  readonly reason: ServerReason | undefined;
  /** Would the same request, made again later, have a chance? */
  readonly retryable: boolean;

  constructor(code: ClientErrorCode, message: string = CLIENT_ERRORS[code], reason?: ServerReason, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ClientError';
    this.code = code;
    this.reason = reason;
    this.retryable = code === 'PUBLISH_BUFFER_FULL' || (code === 'REFUSED' && isRetryable(reason));
  }
}

const isRetryable = (reason: ServerReason | undefined): boolean =>
  reason !== undefined && reason !== 'UNKNOWN' && CODES[reason].retry;

export const invalid = (message: string): ClientError => new ClientError('INVALID_ARGUMENT', message);

export const aborted = (signal: AbortSignal): ClientError =>
  new ClientError('ABORTED', undefined, undefined, signal.reason);

/** What an ERROR frame makes of the request that it answers. */
export function refused(frame: { readonly code: number; readonly message: string }): ClientError {
  const reason = codeName(frame.code) ?? 'UNKNOWN';
  return new ClientError('REFUSED', frame.message || undefined, reason);
}
