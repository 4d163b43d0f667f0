import { counted, humanCount } from '../units.js';

/** Failures that are told one by one; the rest are only counted, so that a long input does not fill the terminal. */
const TOLD_MAX = 10;
const PROGRESS_MS = 1_000;

/** How a publish goes: what was acknowledged, and what was not. Tells of it on standard error. */
export class Tally {
  readonly #stderr: NodeJS.WriteStream = process.stderr;
  readonly #startMs = performance.now();
  #acknowledged = 0;
  #duplicates = 0;
  #failed = 0;
  #progress: NodeJS.Timeout | undefined;

  get failed(): number {
    return this.#failed;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  acknowledge(duplicate: boolean): void {
    this.#acknowledged += 1;
    if (duplicate) this.#duplicates += 1;
  }

  fail(number: number, reason: string): void {
    this.#failed += 1;
    if (this.#failed <= TOLD_MAX) this.#tell(`record ${number}: ${reason}`);
    if (this.#failed === TOLD_MAX) this.#tell('further failures are only counted');
  }

  /** Shows how it goes every second, where there is a terminal to show it on. */
  showProgress(): void {
    if (!this.#stderr.isTTY) return;
    this.#progress = setInterval(() => {
      const perSecond = this.#acknowledged / ((performance.now() - this.#startMs) / 1_000);
      this.#stderr.write(`\r${humanCount(this.#acknowledged)} acknowledged, ${humanCount(perSecond)}/s\x1b[K`);
    }, PROGRESS_MS);
  }

  /** The end; `unsettled` were sent, and nobody knows what became of them; `unsent` never were. */
  conclude(unsettled: number, unsent: number): void {
    clearInterval(this.#progress);
    const notes = [`${counted(this.#acknowledged, 'record')} acknowledged`];
    if (this.#duplicates > 0) notes.push(`${humanCount(this.#duplicates)} of them there before`);
    if (this.#failed + unsettled > 0) notes.push(`${humanCount(this.#failed + unsettled)} not acknowledged`);
    if (unsent > 0) notes.push(`${humanCount(unsent)} not sent`);
    this.#tell(notes.join(', '));
  }

  #tell(line: string): void {
    this.#stderr.write(this.#progress === undefined ? `${line}\n` : `\r${line}\x1b[K\n`);
  }
}
