import type { Frame, Ping, Pong } from '../wire/index.js';
import type { Deadlines } from './deadlines.js';
import { Heartbeat, type LinkClass } from './heartbeat.js';
import { HEARTBEAT_MAX_MS, HEARTBEAT_MIN_MS, heartbeatInterval, RttEstimator } from './rtt.js';
import { TokenBucket } from './token-bucket.js';

/** PINGs that a peer may send: ten a second for ever, a hundred at once. A healthy one sends one an interval. */
const PINGS_PER_SECOND = 10;
const PINGS_BURST = 100;
/**
 * A longer round trip than this is not believed, claimed or measured: its PONG says that the peer lives and no more. No
 * silence is borne for longer by default, and in microseconds it fits `rtt_us` many times over.
 */
const RTT_MS_MAX = 60_000;

/** What happened on the link that only observers care about. */
export type LivenessNote =
  | { readonly type: 'rtt'; readonly ms: number }
  | { readonly type: 'class'; readonly from: LinkClass; readonly to: LinkClass; readonly silenceMs: number }
  | { readonly type: 'interval'; readonly ms: number };

interface LivenessHost {
  send(frame: Frame): void;
  note(note: LivenessNote): void;
}

/** Keeps watch over the peer: PING and PONG, the round trip, the class of the link, the interval that follows from it. */
export class Liveness {
  readonly #heartbeat: Heartbeat;
  readonly #rtt = new RttEstimator();
  readonly #deadlines: Deadlines;
  readonly #host: LivenessHost;
  readonly #adaptive: boolean;
  #holding = false;
  #floorMs = HEARTBEAT_MIN_MS;
  #pings: TokenBucket | undefined;
  #nonce = 0n;
  #outstanding: { readonly nonce: bigint; readonly sentMs: number } | undefined;
  #linkClass: LinkClass = 'healthy';

  constructor(heartbeat: 'auto' | number, deadlines: Deadlines, host: LivenessHost, nowMs: number) {
    this.#adaptive = heartbeat === 'auto';
    this.#heartbeat = new Heartbeat(heartbeat === 'auto' ? HEARTBEAT_MIN_MS : heartbeat, nowMs);
    this.#deadlines = deadlines;
    this.#host = host;
  }

  get intervalMs(): number {
    return this.#heartbeat.intervalMs;
  }

  get linkClass(): LinkClass {
    return this.#linkClass;
  }

  /** The smoothed round trip in milliseconds; 0: none measured yet. */
  get rttMs(): number {
    return this.#rtt.smoothedMs;
  }

  /** Begins the watch. `wishMs` is the interval that the peer asked for; 0: none. It can only lengthen an adaptive one. */
  start(wishMs: number, nowMs: number): void {
    if (this.#adaptive && wishMs > 0) {
      this.#floorMs = Math.min(HEARTBEAT_MAX_MS, Math.max(HEARTBEAT_MIN_MS, wishMs));
      this.#heartbeat.intervalMs = this.#floorMs;
    }
    this.#heartbeat.heard(nowMs);
    this.#deadlines.set('heartbeat', this.#heartbeat.nextMs);
  }

  /** The interval is the other end's to say. */
  follow(intervalMs: number, nowMs: number): void {
    this.#heartbeat.intervalMs = intervalMs;
    this.#heartbeat.heard(nowMs);
    this.#deadlines.set('heartbeat', this.#heartbeat.nextMs);
  }

  /** A sign of life: inbound bytes, or progress of a stuck write. The deadline stays as it is: finding it early is a no-op. */
  heard(nowMs: number): void {
    if (this.#heartbeat.heard(nowMs)) this.#reclassify('healthy', 0);
  }

  /** This end stops reading, so the silence is its own doing: it goes on showing that it lives, and judges nobody. */
  hold(nowMs: number): void {
    this.#holding = true;
    this.heard(nowMs);
  }

  release(nowMs: number): void {
    this.#holding = false;
    this.heard(nowMs);
  }

  /** Looks at the silence when its deadline has come. Returns false when the peer is to be given up. */
  judge(nowMs: number): boolean {
    if (this.#holding) {
      this.#ping(nowMs);
      this.#deadlines.set('heartbeat', nowMs + this.#heartbeat.intervalMs);
      return true;
    }
    const silenceMs = this.#heartbeat.silenceMs(nowMs);
    switch (this.#heartbeat.judge(nowMs)) {
      case 'dead':
        this.#reclassify('dead', silenceMs);
        return false;
      case 'probe':
        this.#reclassify('jittery', silenceMs);
        this.#ping(nowMs);
        break;
      case 'ping':
        this.#ping(nowMs);
        break;
      case 'wait':
        break;
    }
    const { nextMs } = this.#heartbeat;
    // Rounding can find a silence a hair too short at the very moment it is due; a deadline set for now stays due for ever.
    this.#deadlines.set('heartbeat', nextMs > nowMs ? nextMs : nowMs + 1);
    return true;
  }

  /** Answers a PING at once. Returns false when the peer sends more of them than its budget allows. */
  onPing(ping: Ping, nowMs: number): boolean {
    this.#pings ??= new TokenBucket(PINGS_PER_SECOND, PINGS_BURST, nowMs);
    if (!this.#pings.take(nowMs)) return false;
    this.#host.send({ type: 'pong', nonce: ping.nonce, sentUs: ping.sentUs });
    if (ping.rttUs > 0) this.#sample(ping.rttUs / 1000);
    return true;
  }

  /** Takes the answer to the last PING; any other PONG is a sign of life and nothing more. */
  onPong(pong: Pong, nowMs: number): void {
    if (this.#outstanding === undefined || pong.nonce !== this.#outstanding.nonce) return;
    const ms = nowMs - this.#outstanding.sentMs;
    this.#outstanding = undefined;
    if (this.#sample(ms)) this.#host.note({ type: 'rtt', ms });
  }

  #ping(nowMs: number): void {
    this.#nonce += 1n;
    this.#outstanding = { nonce: this.#nonce, sentMs: nowMs };
    this.#host.send({
      type: 'ping',
      nonce: this.#nonce,
      sentUs: BigInt(Math.round(nowMs * 1000)),
      rttUs: Math.round(this.#rtt.smoothedMs * 1000),
    });
  }

  /** Lets a round trip count. Returns false for one that is not believed. */
  #sample(rttMs: number): boolean {
    if (rttMs > RTT_MS_MAX) return false;
    this.#rtt.sample(rttMs);
    if (this.#adaptive) this.#adapt();
    return true;
  }

  #adapt(): void {
    const current = this.#heartbeat.intervalMs;
    const ms = Math.max(this.#floorMs, heartbeatInterval(this.#rtt, current));
    if (ms === current) return;
    this.#heartbeat.intervalMs = ms;
    this.#deadlines.set('heartbeat', this.#heartbeat.nextMs);
    this.#host.note({ type: 'interval', ms });
  }

  #reclassify(to: LinkClass, silenceMs: number): void {
    const from = this.#linkClass;
    if (from === to) return;
    this.#linkClass = to;
    this.#host.note({ type: 'class', from, to, silenceMs });
  }
}
