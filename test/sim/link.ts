import type { Transport, TransportEvents } from '../../src/session/index.js';
import { Channel, type LinkConditions, type Segment } from './channel.js';
import type { Host } from './host.js';
import type { SeededRandom } from './random.js';
import type { World } from './world.js';

/** One end of a virtual link, as a TCP socket behaves: a window, half-closing, resets, and a reader that may pause. */
export class LinkEnd implements Transport {
  readonly remote: string;
  readonly name: string;
  readonly #host: Host;
  readonly #world: World;
  readonly #random: SeededRandom;
  /** What this end says. */
  readonly #out: Channel;
  #peer: LinkEnd | undefined;
  #events: TransportEvents | undefined;
  #link: 'connecting' | 'open' | 'closed' = 'connecting';
  #sending: 'open' | 'ending' | 'ended' = 'open';
  #receiving: 'open' | 'paused' | 'ended' = 'open';
  readonly #unread: Segment[] = [];
  readonly #mailbox: (() => void)[] = [];
  #drain: 'none' | 'owed' = 'none';
  /** When bytes last left that had waited, or when none did. */
  #movedMs = 0;
  /** The most that was ever pending, for the bound that there is to be. */
  pendingMax = 0;

  constructor(
    name: string,
    remote: string,
    host: Host,
    world: World,
    random: SeededRandom,
    conditions: LinkConditions,
  ) {
    this.name = name;
    this.remote = remote;
    this.#host = host;
    this.#world = world;
    this.#random = random;
    this.#out = new Channel(world, random, conditions, (segment) => this.#peer?.take(segment));
  }

  get closed(): boolean {
    return this.#link === 'closed';
  }

  get pending(): number {
    return this.#out.pending;
  }

  get taken(): number {
    return this.#out.taken;
  }

  /** For how long it has had bytes to send and could send none, in milliseconds. */
  get stuckMs(): number {
    return this.#link === 'open' && this.pending > 0 ? this.#world.nowMs - this.#movedMs : 0;
  }

  join(peer: LinkEnd): void {
    this.#peer = peer;
  }

  /** From now on `events` is told what happens. */
  attend(events: TransportEvents): void {
    this.#events = events;
  }

  /** The host takes the link up when it gets round to it; what happens to the link until then is told after. */
  accept(take: () => TransportEvents): void {
    this.#post(() => {
      this.attend(take());
      this.open();
    });
  }

  /** Bytes flow from now on. */
  open(): void {
    if (this.#link !== 'connecting') return;
    this.#link = 'open';
    this.#pump();
    this.#post(() => this.#read());
  }

  /** The link could not be made. */
  refuse(reason: string): void {
    this.#close(reason);
  }

  write(bytes: Uint8Array): void {
    this.writeAll([bytes]);
  }

  writeAll(pieces: readonly Uint8Array[]): void {
    if (this.#link === 'closed' || this.#sending !== 'open') return;
    if (this.pending === 0) this.#movedMs = this.#world.nowMs;
    for (const piece of pieces) this.#out.push(piece);
    this.pendingMax = Math.max(this.pendingMax, this.pending);
    this.#pump();
    if (this.pending > 0) this.#drain = 'owed';
  }

  pause(): void {
    if (this.#receiving === 'open') this.#receiving = 'paused';
  }

  resume(): void {
    if (this.#receiving !== 'paused') return;
    this.#receiving = 'open';
    this.#post(() => this.#read());
  }

  end(): void {
    if (this.#sending === 'open') this.#sending = 'ending';
    this.#pump();
  }

  destroy(): void {
    if (this.#link === 'closed') return;
    const rude = this.#unread.length > 0 || this.#random.chance(0.5);
    if (this.#sending !== 'ended') this.#out.say(rude ? 'reset' : 'fin');
    this.#close('the link was closed');
  }

  // What the world does to it:

  /** Both ends are told that the other has ended, and what they still say is lost. */
  sever(): void {
    if (this.#sending !== 'ended') this.#out.say('fin');
    this.#out.sever();
    this.#pump();
  }

  reset(): void {
    this.#unread.length = 0;
    this.#close('ECONNRESET');
  }

  /** Nothing that is sent arrives before that time. */
  darken(untilMs: number): void {
    this.#out.darken(untilMs);
  }

  change(conditions: LinkConditions): void {
    this.#out.change(conditions);
    this.#pump();
  }

  /** A segment has come from the other end. */
  take(segment: Segment): void {
    if (this.#link === 'closed') {
      if (segment.type === 'bytes' && !this.#peer?.closed) this.#out.say('reset');
      return;
    }
    if (segment.type === 'reset') return this.reset();
    this.#unread.push(segment);
    this.#post(() => this.#read());
  }

  /** The other end has read so much: this one may send on. */
  acknowledge(bytes: number): void {
    if (this.#out.read(bytes)) this.#pump();
  }

  #pump(): void {
    if (this.#link !== 'open') return;
    const { taken } = this;
    this.#out.pump();
    if (this.taken > taken || this.pending === 0) this.#movedMs = this.#world.nowMs;
    if (this.pending > 0) return;
    if (this.#drain === 'owed') {
      this.#drain = 'none';
      this.#post(() => this.#events?.drained());
    }
    if (this.#sending !== 'ending') return;
    this.#sending = 'ended';
    this.#out.say('fin');
    this.#closeIfOver();
  }

  #read(): void {
    while (this.#link === 'open' && this.#receiving === 'open' && this.#unread.length > 0) {
      const segment = this.#unread.shift() as Segment;
      if (segment.type === 'bytes') this.#deliver(segment.bytes);
      else this.#hearEnd();
    }
  }

  /** What has come close together is often read as one. */
  #deliver(first: Uint8Array): void {
    const parts = [first];
    while (this.#unread[0]?.type === 'bytes' && this.#random.chance(0.5)) {
      parts.push((this.#unread.shift() as { readonly bytes: Uint8Array }).bytes);
    }
    const bytes = parts.length === 1 ? first : Buffer.concat(parts);
    this.#world.note(`${this.name} receives ${bytes.length}`);
    this.#peer?.acknowledge(bytes.length);
    this.#events?.received(bytes);
  }

  #hearEnd(): void {
    if (this.#receiving === 'ended') return;
    this.#receiving = 'ended';
    this.#world.note(`${this.name} is told of the end`);
    this.#events?.ended();
    this.#closeIfOver();
  }

  #closeIfOver(): void {
    if (this.#receiving === 'ended' && this.#sending === 'ended') this.#close('the link was closed');
  }

  #close(reason: string): void {
    if (this.#link === 'closed') return;
    this.#link = 'closed';
    this.#out.clear();
    this.#unread.length = 0;
    this.#post(() => {
      this.#world.note(`${this.name} is closed: ${reason}`);
      this.#events?.closed(reason);
      this.#events = undefined;
    });
  }

  /** In the host's own time and in order, and never while the host is in the middle of something. */
  #post(letter: () => void): void {
    this.#mailbox.push(letter);
    this.#world.after(0, () => this.#host.tell(() => this.#mailbox.shift()?.()));
  }
}
