import { type LocalCause, localCause } from '../session/index.js';
import { addressBlock } from './address-block.js';
import type { Environment, Rejection } from './environment.js';

export interface AdmissionOptions {
  readonly maxConns: number;
  /** From one IPv4 address, or one /64 of IPv6. 0: no limit. */
  readonly maxConnsPerIp: number;
  /** Of the `maxConns` slots, how many only clients that resume may take. */
  readonly reserveResume: number;
}

/** Retries that the herd is spread to: with so many a second coming back, the door is never the bottleneck. */
const RETRIES_PER_SECOND = 200;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 60_000;
/** Rejections are remembered for about this long. */
const MEMORY_MS = 10_000;

/** What those who are turned away are told. */
const REASONS = {
  busy: ['BUSY', 'all connections are taken'],
  per_ip: ['BUSY', 'all connections of this address are taken'],
  reserved: ['BUSY', 'the slots that are left are kept for clients that resume'],
  draining: ['DRAINING', 'the server is going away'],
} as const satisfies { readonly [R in Rejection]: readonly ['BUSY' | 'DRAINING', string] };

/**
 * A counting semaphore. Nobody ever queues: a slot is taken at once or not at all, and given back exactly once,
 * whatever happens to the connection that holds it.
 */
export class Admission {
  #options: AdmissionOptions;
  /** By block of addresses. */
  readonly #perIp = new Map<string, number>();
  #used = 0;
  #open = true;
  #recentRejections = 0;
  #rejectedMs = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get used(): number {
    return this.#used;
  }

  get limit(): number {
    return this.#options.maxConns;
  }

  /** New limits hold for those who come; nobody is put out. */
  configure(options: AdmissionOptions): void {
    this.#options = options;
  }

  /** Shuts the door for good. */
  shut(): void {
    this.#open = false;
  }

  take(address: string): Slot | Rejection {
    const ip = addressBlock(address);
    const { maxConns, maxConnsPerIp, reserveResume } = this.#options;
    if (!this.#open) return 'draining';
    if (this.#used >= maxConns) return 'busy';
    const fromIp = this.#perIp.get(ip) ?? 0;
    if (maxConnsPerIp > 0 && fromIp >= maxConnsPerIp) return 'per_ip';
    this.#used += 1;
    this.#perIp.set(ip, fromIp + 1);
    return new Slot(this.#used > maxConns - reserveResume, () => this.#giveBack(ip));
  }

  /**
   * When one who is turned away now should come again: at random within the time that all who were turned away
   * lately need at a rate that the door can bear. So it grows with the rate of rejections, and a crowd spreads itself.
   */
  retryAfterMs(nowMs: number, random: number): number {
    this.#recentRejections = this.#recentRejections * Math.exp((this.#rejectedMs - nowMs) / MEMORY_MS) + 1;
    this.#rejectedMs = nowMs;
    const spreadMs = Math.max(RETRY_MS_MIN, (this.#recentRejections / RETRIES_PER_SECOND) * 1000);
    return Math.round(Math.min(RETRY_MS_MAX, RETRY_MS_MIN + spreadMs * random));
  }

  /** Counts one who is turned away, and finds what it is told: why, and when to come again. */
  refuse(why: Rejection, { clock, random, telemetry }: Environment): LocalCause {
    telemetry.rejected(why);
    const [name, reason] = REASONS[why];
    return localCause(name, reason, this.retryAfterMs(clock.monotonicMs(), random.next()));
  }

  #giveBack(ip: string): void {
    this.#used -= 1;
    const left = (this.#perIp.get(ip) ?? 0) - 1;
    if (left > 0) this.#perIp.set(ip, left);
    else this.#perIp.delete(ip);
  }
}

/** The right to be connected. */
export class Slot {
  /** Only a client that resumes may keep it. */
  readonly reserved: boolean;
  #giveBack: (() => void) | undefined;

  constructor(reserved: boolean, giveBack: () => void) {
    this.reserved = reserved;
    this.#giveBack = giveBack;
  }

  /** Gives the slot back; a second time is a no-op. */
  release(): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    giveBack?.();
  }
}
