import { type Gap, GapReason, type Messages, type Subscribed } from '../wire/index.js';
import type { GapReasonName, TopicGap, TopicPosition } from './events.js';
import { gapEvent } from './topic-events.js';

/** `another link`: asking on this one has not helped, for the server may have a subscription left that it should not. */
interface Hole {
  readonly type: 'hole';
  readonly ask: 'on this link' | 'on another link';
}

/** What to do with a MESSAGES frame or a GAP. */
export type Verdict =
  | { readonly type: 'ignore' }
  /** Something before it is missing and was not declared: it is to be asked for again. */
  | Hole
  /** Deliver the gaps, and behind them the frame's records from `index` on. */
  | { readonly type: 'deliver'; readonly gaps: readonly TopicGap[]; readonly index: number };

const IGNORE: Verdict = { type: 'ignore' };
const NOTHING: readonly TopicGap[] = [];
/** How a hole is asked about, in turn. One that is still there is declared. */
const ASKING: readonly Hole[] = [
  { type: 'hole', ask: 'on this link' },
  { type: 'hole', ask: 'on another link' },
];

/**
 * Where this client stands in one topic, across links: what makes delivery exactly once and in order. Nothing is taken
 * before the server has said where it begins; what was delivered already is skipped; what is missing is declared by
 * the server, or noticed here.
 *
 *     waiting ── SUBSCRIBED ──▶ following ── link lost, or asked again ──▶ waiting
 */
export class TopicCursor {
  readonly topic: string;
  #state: 'waiting' | 'following' = 'waiting';
  /** Undefined: the server is to say. `void`: it was known, and the server has nothing there. */
  #position: TopicPosition | 'void' | undefined;
  /** The place at which something was missing last, and how often it was asked for again. */
  #missed = { offset: 0, asked: 0 };

  constructor(topic: string, position?: TopicPosition) {
    this.topic = topic;
    this.#position = position;
  }

  /** The next record to be received; undefined while it is not known. */
  get position(): TopicPosition | undefined {
    return this.#position === 'void' ? undefined : this.#position;
  }

  /** Does the next subscription begin at the first record there is, because the position turned out to mean nothing? */
  get isVoid(): boolean {
    return this.#position === 'void';
  }

  /** Has the server still to say where it begins? */
  get isWaiting(): boolean {
    return this.#state === 'waiting';
  }

  /** The server is asked anew, on this link or another. */
  wait(): void {
    this.#state = 'waiting';
  }

  /** The server has nothing at this position. */
  forget(): void {
    this.#position = 'void';
  }

  /**
   * SUBSCRIBED: the server has said where it begins. Returns the gap if this is another history than the one that was
   * received; the server's own GAP, which may be lost on a link that damages frames, is then no news.
   *
   * Where the server begins behind this client's place in the same history, nothing is concluded: its GAP says that
   * records are lost. Without one it has not let go of an earlier subscription, and what it sends will not follow.
   */
  begin({ epoch, nextOffset, headOffset }: Subscribed): TopicGap | undefined {
    const known = this.#position;
    // Another subscription covers the topic, and control frames overtake data: this is not news about the stream. A new
    // epoch is: the server forgot the topic when nothing was retained of it, and now it is there again.
    if (this.#state === 'following' && this.position?.epoch === epoch) return undefined;
    this.#state = 'following';
    this.#position = { epoch, offset: nextOffset };
    if (known === undefined) return undefined;
    const otherHistory =
      known === 'void' || (known.epoch !== '' && known.epoch !== epoch) || headOffset + 1 < known.offset;
    if (otherHistory) return this.#gap(1, nextOffset - 1, 'EPOCH_CHANGED');
    this.#position = { epoch, offset: known.offset };
    return undefined;
  }

  /** GAP: decides what is new in it. It begins where what was sent before it ends, or else that was lost. */
  skip(gap: Gap): Verdict {
    const known = this.position;
    if (this.#state === 'waiting' || known === undefined) return IGNORE;
    const newHistory = gap.epoch !== known.epoch;
    if (!newHistory && gap.toOffset < known.offset) return IGNORE;
    const fromOffset = newHistory ? gap.fromOffset : Math.max(known.offset, gap.fromOffset);
    const missing = newHistory ? NOTHING : this.#missing(known.offset, fromOffset - 1);
    if ('type' in missing) return missing;
    this.#position = { epoch: gap.epoch, offset: gap.toOffset + 1 };
    // That the history is new is told once; what else of it is lost by now was evicted.
    const isNews = newHistory || gap.reason !== GapReason.EPOCH_CHANGED;
    const reason = isNews ? gap.reason : GapReason.EVICTED;
    return { type: 'deliver', gaps: [...missing, gapEvent({ ...gap, fromOffset, reason })], index: 0 };
  }

  /** MESSAGES: decides what is new in it. After a resume in the middle of a batch the whole batch comes. */
  take({ baseOffset, prevOffset, records }: Messages): Verdict {
    const known = this.position;
    if (this.#state === 'waiting' || known === undefined) return IGNORE;
    const end = baseOffset + records.length;
    if (end <= known.offset) return IGNORE;
    // Offsets need not be consecutive: what is missing is what `prevOffset` names.
    const gaps = prevOffset < known.offset ? NOTHING : this.#missing(known.offset, baseOffset - 1);
    if ('type' in gaps) return gaps;
    this.#position = { epoch: known.epoch, offset: end };
    return { type: 'deliver', gaps, index: Math.max(0, known.offset - baseOffset) };
  }

  /**
   * Something is missing that the server has not declared, if the range is not empty. The same hole a third time is a
   * gap: the server does not have what is missing, and asking for ever would not help.
   */
  #missing(fromOffset: number, toOffset: number): readonly TopicGap[] | Hole {
    if (toOffset < fromOffset) return NOTHING;
    if (this.#missed.offset !== fromOffset) this.#missed = { offset: fromOffset, asked: 0 };
    const hole = ASKING[this.#missed.asked];
    if (hole === undefined) return [this.#gap(fromOffset, toOffset, 'CORRUPT')];
    this.#missed.asked += 1;
    return hole;
  }

  #gap(fromOffset: number, toOffset: number, reason: GapReasonName): TopicGap {
    return { type: 'gap', topic: this.topic, epoch: this.position?.epoch ?? '', fromOffset, toOffset, reason };
  }
}
