import type { Log, Rejection, Scheduler } from '../server/index.js';

/** A crowd at the door is told of no more often than this. */
const TOLD_EVERY_MS = 60_000;

/** What the operator is told. A daemon that drains turns everybody away as it should, and that is no news. */
const MESSAGES: { readonly [R in Rejection]: string | undefined } = {
  busy: 'connections refused: at max-conns',
  per_ip: 'connections refused: at max-conns-per-ip',
  reserved: 'connections refused: the slots that are left are kept by reserve-resume',
  draining: undefined,
};

/** Warns of connections that are refused: of the first at once, of all that follow once a minute, with their number. */
export class RefusalWarnings {
  readonly #log: Pick<Log, 'warn'>;
  readonly #scheduler: Pick<Scheduler, 'after'>;
  /** By message: how many were refused since it was told last, less than a minute ago. */
  readonly #untold = new Map<string, number>();
  readonly #cancels = new Map<string, () => void>();

  constructor(log: Pick<Log, 'warn'>, scheduler: Pick<Scheduler, 'after'>) {
    this.#log = log;
    this.#scheduler = scheduler;
  }

  refused(reason: Rejection): void {
    const message = MESSAGES[reason];
    if (message === undefined) return;
    const untold = this.#untold.get(message);
    if (untold === undefined) this.#tell(message, 1);
    else this.#untold.set(message, untold + 1);
  }

  /** Nothing more is told. */
  stop(): void {
    for (const cancel of this.#cancels.values()) cancel();
  }

  #tell(message: string, refused: number): void {
    this.#log.warn({ refused }, message);
    this.#untold.set(message, 0);
    this.#cancels.set(
      message,
      this.#scheduler.after(TOLD_EVERY_MS, () => this.#aMinuteLater(message)),
    );
  }

  #aMinuteLater(message: string): void {
    const untold = this.#untold.get(message) ?? 0;
    this.#untold.delete(message);
    if (untold > 0) this.#tell(message, untold);
  }
}
