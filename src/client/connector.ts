import { type CloseCause, localCause, mayRetry } from '../session/index.js';
import type { Welcome } from '../wire/index.js';
import { Backoff, type LinkFate } from './backoff.js';
import { ClientError } from './errors.js';
import type { LinkEvent } from './events.js';
import { Link } from './link.js';
import type { LinkOwner, Reply } from './link-owner.js';
import type { ClientWorld } from './world.js';

/** What goes over the links belongs to somebody else. */
export interface ConnectorOwner {
  /** There is a link, and the server has taken this client in. */
  linked(link: Link): void;
  /** It is lost; another may follow. */
  unlinked(): void;
  reply(frame: Reply): void;
  /** A frame was damaged and is discarded: nobody knows what it was. */
  damaged(): void;
  /** There is room for more publishes. */
  writable(): void;
  status(event: LinkEvent): void;
  /** Called once, when there will never be a link again; the error is for whatever was still waiting. */
  closed(error: ClientError): void;
}

export interface ConnectorOptions {
  /** `host:port` of the daemon, or of several that share one history: the next is tried when one is lost. At least one. */
  readonly endpoints: readonly string[];
  /** How the client calls itself, for the server's log lines. */
  readonly name: string;
}

type State =
  | { readonly phase: 'idle' }
  | { readonly phase: 'linking'; readonly link: Link }
  | { readonly phase: 'linked'; readonly link: Link; readonly sinceMs: number }
  | { readonly phase: 'waiting'; readonly cancel: () => void }
  | { readonly phase: 'closed'; readonly error: ClientError };

/**
 * Keeps one link alive.
 *
 *     idle ──▶ linking ── WELCOME ──▶ linked
 *                ▲  │ lost              │ lost
 *          timer │  └────▶ waiting ◀────┘
 *                └────────────┘
 *     closed: from everywhere, by `close`, or by a server that does not want this client back
 */
export class Connector {
  readonly #world: ClientWorld;
  readonly #options: ConnectorOptions;
  readonly #owner: ConnectorOwner;
  readonly #backoff: Backoff;
  /** Links of which something is left: one that ends lingers until its last words are out. */
  readonly #links = new Set<Link>();
  #state: State = { phase: 'idle' };
  #dials = 0;
  #welcomes = 0;
  /** Where the server has sent this client, for the next dial; '': nowhere. */
  #redirect = '';
  #whenGone: (() => void)[] = [];

  constructor(world: ClientWorld, options: ConnectorOptions, owner: ConnectorOwner) {
    this.#world = world;
    this.#options = options;
    this.#owner = owner;
    this.#backoff = new Backoff(world.random);
  }

  /** The link, while there is one. */
  get link(): Link | undefined {
    return this.#state.phase === 'linked' ? this.#state.link : undefined;
  }

  /** Why there will never be a link again; undefined while there may be. */
  get error(): ClientError | undefined {
    return this.#state.phase === 'closed' ? this.#state.error : undefined;
  }

  /** Begins to dial. */
  start(): void {
    if (this.#state.phase === 'idle') this.#dial();
  }

  /** Says goodbye to the server if there is one, and does not come back. A second time it is a no-op. */
  close(): void {
    this.#close(new ClientError('CLOSED'), undefined);
  }

  /** Calls back when nothing is left of any link. */
  whenGone(done: () => void): void {
    this.#whenGone.push(done);
    this.#tellGone();
  }

  #dial(): void {
    const { endpoints, name } = this.#options;
    const endpoint = this.#redirect || (endpoints[this.#dials % endpoints.length] as string);
    this.#redirect = '';
    this.#dials += 1;
    const { attempt } = this.#backoff;
    this.#owner.status({ type: 'connecting', endpoint, attempt });
    // Whoever was told may have closed the client.
    if (this.#state.phase === 'closed') return;
    const introduction = { client: name, attempt, resuming: this.#welcomes > 0 };
    const events: LinkOwner = {
      welcomed: (welcome, connectMs) => this.#welcomed(link, endpoint, welcome, connectMs),
      reply: (frame) => this.#owner.reply(frame),
      damaged: () => this.#owner.damaged(),
      writable: () => this.#owner.writable(),
      ended: (cause) => this.#lost(cause),
      gone: () => {
        this.#links.delete(link);
        this.#tellGone();
      },
    };
    const link = new Link(this.#world, endpoint, introduction, events);
    this.#links.add(link);
    this.#state = { phase: 'linking', link };
  }

  #welcomed(link: Link, endpoint: string, { connectionId, server }: Welcome, connectMs: number): void {
    const resumed = this.#welcomes > 0;
    this.#welcomes += 1;
    this.#state = { phase: 'linked', link, sinceMs: this.#world.clock.monotonicMs() };
    this.#owner.linked(link);
    this.#owner.status({ type: 'connected', endpoint, connectionId, server, connectMs, resumed });
  }

  /** The one way out of a link, whoever ended it. */
  #lost(cause: CloseCause): void {
    const state = this.#state;
    if (state.phase === 'closed') return;
    if (state.phase === 'linked') this.#owner.unlinked();
    if (!mayRetry(cause)) return this.#close(notRetryable(cause), cause);
    if (cause.by === 'peer') this.#redirect = cause.endpoint;
    const fate: LinkFate =
      state.phase === 'linked'
        ? { type: 'lost', upMs: this.#world.clock.monotonicMs() - state.sinceMs }
        : { type: 'unreachable' };
    const retryInMs = this.#backoff.next(fate, cause.by === 'link' ? 0 : cause.retryAfterMs);
    this.#state = { phase: 'waiting', cancel: this.#world.scheduler.after(retryInMs, () => this.#dial()) };
    this.#owner.status({ type: 'disconnected', cause: cause.name, reason: cause.reason, retryInMs });
  }

  #close(error: ClientError, cause: CloseCause | undefined): void {
    const state = this.#state;
    if (state.phase === 'closed') return;
    this.#state = { phase: 'closed', error };
    if (state.phase === 'waiting') state.cancel();
    if (state.phase === 'linked' && cause === undefined) this.#owner.unlinked();
    for (const link of this.#links) link.close(localCause('BYE', 'the client is done'));
    this.#owner.closed(error);
    this.#owner.status({ type: 'closed', error: cause === undefined ? undefined : error });
    this.#tellGone();
  }

  #tellGone(): void {
    if (this.#state.phase !== 'closed' || this.#links.size > 0) return;
    const tell = this.#whenGone;
    this.#whenGone = [];
    for (const done of tell) done();
  }
}

/** The server said so, or this end cannot go on with what it was sent. */
const notRetryable = (cause: CloseCause): ClientError =>
  cause.by === 'peer'
    ? new ClientError('NOT_RETRYABLE', cause.reason || undefined, cause.name)
    : new ClientError('NOT_RETRYABLE', `${cause.name}: ${cause.reason}`);
