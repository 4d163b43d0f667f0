/** What a caller of the log can do wrong. Stable: tests and callers may switch over it. */
export type LogErrorCode =
  /** `commit` of more bytes than the last `reserve` made room for. */
  | 'NOT_RESERVED'
  /** `commit` of an offset that is not above the head, or of no records. */
  | 'OFFSET_NOT_RISING'
  /** `commit` of a timestamp below that of the frame before. */
  | 'TIMESTAMP_FALLING'
  /** An id longer than 64 bytes. */
  | 'ID_TOO_LONG';

/** The caller misused the log. Nothing that a peer sends leads here unless a check in front of the log is missing. */
export class LogError extends Error {
  override readonly name = 'LogError';
  readonly code: LogErrorCode;

  constructor(code: LogErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
