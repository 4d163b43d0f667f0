import type { Link } from './link.js';
import type { ClientWorld } from './world.js';

/**
 * How long somebody waits for a link that is held: longer than a reader that keeps up takes for half of its buffer, so
 * that it is not parked again and again, and shorter than anybody would call a stop.
 */
const PATIENCE_MS = 20;
/**
 * To park a subscription, and to resume it, are two changes. At this pace they are 500 a second, which is half of what
 * a server grants; past it the link is held for longer.
 */
const MS_PER_CHANGE = 2;

type State =
  | { readonly phase: 'reading' }
  | { readonly phase: 'holding'; readonly link: Link }
  | { readonly phase: 'awaited'; readonly link: Link; readonly cancel: () => void };

/**
 * What is done about a subscription that has enough: the link is not read, which costs nothing and loses nothing. But
 * what others wait for comes over the same link, so when they have waited for a moment that subscription is parked, and
 * the link is read on.
 *
 *     reading ── enough ──▶ holding ── somebody waits ──▶ awaited ── PATIENCE_MS: park ──▶ reading
 *        ▲                     │                             │
 *        └──── room again ─────┴─────────────────────────────┘
 */
export class Backpressure {
  readonly #world: ClientWorld;
  readonly #park: () => number;
  #state: State = { phase: 'reading' };
  /** Not before this is anything parked again. */
  #pacedMs = 0;

  /** @param park parks what has enough, which releases the link; returns how many changes of subscriptions that is */
  constructor(world: ClientWorld, park: () => number) {
    this.#world = world;
    this.#park = park;
  }

  get holding(): boolean {
    return this.#state.phase !== 'reading';
  }

  /** Somebody has enough. */
  hold(link: Link): void {
    if (this.holding) return;
    this.#state = { phase: 'holding', link };
    link.hold(() => this.awaited());
  }

  /** Somebody else waits for what comes over the link. */
  awaited(): void {
    if (this.#state.phase !== 'holding') return;
    const { link } = this.#state;
    const waitMs = Math.max(PATIENCE_MS, this.#pacedMs - this.#world.clock.monotonicMs());
    this.#state = { phase: 'awaited', link, cancel: this.#world.scheduler.after(waitMs, () => this.#lost()) };
  }

  /** Nobody has enough any more. */
  release(): void {
    const state = this.#state;
    this.forget();
    if (state.phase !== 'reading') state.link.release();
  }

  /** The link is gone. */
  forget(): void {
    if (this.#state.phase === 'awaited') this.#state.cancel();
    this.#state = { phase: 'reading' };
  }

  /** Patience is lost. */
  #lost(): void {
    const changes = this.#park();
    this.#pacedMs = this.#world.clock.monotonicMs() + changes * MS_PER_CHANGE;
  }
}
