import { type Gap, GapReason, type Messages } from '../wire/index.js';
import type { TopicEvent } from './events.js';
import type { StartFields } from './start.js';
import { gapEvent, messageEvents } from './topic-events.js';

/** Where something begins: with the offset `base`, and behind that of the record before it, `prev`. */
interface Place {
  readonly prev: number;
  readonly base: number;
}

/** A frame, and what it tells of: from its place up to `last`. */
interface Span extends Place {
  readonly frame: Messages | Gap;
  readonly last: number;
}

/**
 * The answer to a fetch as events, from the frames that came for its topic while it was under way. Whole batches are
 * sent, so what lies before the position asked for is left out, and so are the first of more records than were asked
 * for as the last ones.
 */
export function eventsOf(
  frames: readonly (Messages | Gap)[],
  start: StartFields,
  epoch: string,
  nextOffset: number,
): TopicEvent[] {
  const events: TopicEvent[] = [];
  const sameHistory = start.epoch === '' || start.epoch === epoch;
  const first = sameHistory ? start.offset : 0;
  const isOther = (frame: Messages | Gap) => frame.type === 'gap' && frame.epoch !== epoch;
  const candidates = frames.filter(
    (frame) => !isOther(frame) && !isOfLag(frame) && !(sameHistory && isNewHistory(frame)),
  );
  const isNew = candidates.some(isNewHistory);
  const begins = ({ frame, prev }: Span) => (isNew ? isNewHistory(frame) : first === 0 || prev < first);
  for (const frame of answerIn(candidates, begins, first, nextOffset)) {
    // The GAP of a subscription may begin further ahead.
    if (frame.type === 'gap') events.push(gapEvent({ ...frame, fromOffset: Math.max(first, frame.fromOffset) }));
    else events.push(...messageEvents(frame, epoch, Math.max(0, first - frame.baseOffset)));
  }
  const surplus = start.lastN > 0 ? events.filter(({ type }) => type === 'message').length - start.lastN : 0;
  return surplus > 0 ? events.slice(surplus) : events;
}

/**
 * Which of the frames are the answer: those that lead, one behind the other, from the position asked for to where the
 * answer says that it ends. Others are of a subscription to the same topic that was being ended when this was asked:
 * they come before UNSUBSCRIBED. Where two frames tell of the same records, the records go before a GAP, and what came later
 * before what came earlier.
 */
function answerIn(
  frames: readonly (Messages | Gap)[],
  begins: (span: Span) => boolean,
  first: number,
  nextOffset: number,
): (Messages | Gap)[] {
  const leading = leadingFrom(begins, frames);
  const answer: (Messages | Gap)[] = [];
  let next: Place = { prev: nextOffset - 1, base: nextOffset };
  for (let end = leading.length; next.prev >= first; ) {
    end = placeBefore(next, leading, end);
    const span = leading[end];
    if (span === undefined) break;
    answer.unshift(span.frame);
    // Nothing of an answer is in front of this.
    if (isNewHistory(span.frame)) break;
    next = span;
  }
  return answer;
}

/** The frames with which an answer may begin, and those that others lead up to from there. */
function leadingFrom(begins: (span: Span) => boolean, frames: readonly (Messages | Gap)[]): Span[] {
  const leading: Span[] = [];
  for (const frame of frames) {
    const span = spanOf(frame);
    if (begins(span) || leading.findLast(isBefore(span)) !== undefined) leading.push(span);
  }
  return leading;
}

/** The place of the last MESSAGES frame before `end` that `next` follows, or else of the last GAP; -1: there is none. */
function placeBefore(next: Place, spans: readonly Span[], end: number): number {
  const before = isBefore(next);
  let gap = -1;
  for (let i = end - 1; i >= 0; i--) {
    const span = spans[i] as Span;
    if (!before(span)) continue;
    if (span.frame.type === 'messages') return i;
    if (gap === -1) gap = i;
  }
  return gap;
}

/** Does a span end where `next` begins? Offsets need not be consecutive. */
const isBefore =
  ({ prev, base }: Place) =>
  ({ last }: Span): boolean =>
    prev <= last && last < base;

const spanOf = (frame: Messages | Gap): Span =>
  frame.type === 'gap'
    ? { frame, prev: frame.fromOffset - 1, base: frame.fromOffset, last: frame.toOffset }
    : { frame, prev: frame.prevOffset, base: frame.baseOffset, last: frame.baseOffset + frame.records.length - 1 };

/** What was left out because a subscription asked for it is no part of an answer. */
const isOfLag = (frame: Messages | Gap): boolean =>
  frame.type === 'gap' && (frame.reason === GapReason.SKIPPED || frame.reason === GapReason.CONFLATED);

const isNewHistory = (frame: Messages | Gap): boolean =>
  frame.type === 'gap' && frame.reason === GapReason.EPOCH_CHANGED;
