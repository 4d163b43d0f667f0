import { once } from 'node:events';
import { explainCode, Failure } from './failure.js';

/** Bytes that are written at once rather than with the rest of the turn. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Standard output, for data. What is written within a turn goes out together; whoever awaits `write` waits for a slow
 * reader, so that nothing piles up. A reader that goes away (`| head -1`) is no error: it has seen enough.
 */
export class Output {
  readonly #stream: NodeJS.WriteStream = process.stdout;
  readonly #gone = new AbortController();
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #drained: Promise<unknown> | undefined;
  #failure: Failure | undefined;

  constructor() {
    this.#stream.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.message;
      if (code !== 'EPIPE') this.#failure = new Failure('failed', `cannot write the output: ${explainCode(code)}`);
      this.#gone.abort();
    });
  }

  /** Aborted when nothing can be written any more. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  async write(data: string | Uint8Array): Promise<void> {
    if (this.#pending.length === 0) setImmediate(() => this.#flush());
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= CHUNK_BYTES) this.#flush();
    if (this.#stream.writableNeedDrain && !this.gone.aborted) await this.#drain();
  }

  /** Writes what is left. Throws if something could not be written, for any other reason than that the reader left. */
  async end(): Promise<void> {
    this.#flush();
    if (!this.gone.aborted) await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** One wait for all who are waiting. */
  #drain(): Promise<unknown> {
    this.#drained ??= once(this.#stream, 'drain', { signal: this.gone })
      .catch(() => {})
      .finally(() => {
        this.#drained = undefined;
      });
    return this.#drained;
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (pending.length > 0 && !this.gone.aborted) this.#stream.write(Buffer.concat(pending));
  }
}
