import type { TopicLog } from '../log/index.js';
import { CODES, type ErrorFrame, GapReason, OnLag, Start } from '../wire/index.js';
import type { StartAt } from './subscription.js';

/** Where delivery begins, and what is known to be lost before it. */
export interface Beginning {
  readonly offset: number;
  readonly gap: { readonly from: number; readonly to: number; readonly reason: GapReason } | undefined;
}

/**
 * Finds the place in a log that a subscriber or a fetch asks for. Undefined: a position beyond the head.
 *
 * A position of another epoch says nothing about this one, so everything before the first retained record counts as
 * lost: GAP 1 to first − 1 (to_offset 0 when this epoch is still whole) with EPOCH_CHANGED. A position with no epoch is
 * taken to be of the present one.
 */
export function beginning(log: TopicLog, at: StartAt): Beginning | undefined {
  switch (at.start) {
    case Start.LATEST:
      return { offset: log.head + 1, gap: undefined };
    case Start.EARLIEST:
      return { offset: log.first, gap: undefined };
    case Start.LAST_N:
      return { offset: log.offsetOfLast(at.lastN), gap: undefined };
    case Start.SINCE:
      return { offset: log.offsetAtTime(at.sinceUs), gap: undefined };
    case Start.POSITION: {
      if (at.epoch !== '' && at.epoch !== log.epoch) {
        return { offset: log.first, gap: { from: 1, to: log.first - 1, reason: GapReason.EPOCH_CHANGED } };
      }
      const offset = Math.max(1, at.offset);
      if (offset > log.head + 1) return undefined;
      if (offset >= log.first) return { offset, gap: undefined };
      return { offset: log.first, gap: { from: offset, to: log.first - 1, reason: GapReason.EVICTED } };
    }
  }
}

/**
 * Did the client ask for history, rather than to be kept up to date? Then being far behind at first is no lag. One that
 * resumes goes on as it was, and may be conflated or skip at once; but to be cut off for it would never let it catch up.
 */
export const asksForHistory = (start: Start, onLag: OnLag): boolean =>
  start === Start.EARLIEST ||
  start === Start.LAST_N ||
  start === Start.SINCE ||
  (start === Start.POSITION && onLag === OnLag.DISCONNECT);

/** What answers a request whose place is not there yet. */
export const offsetInFuture = (requestId: number, topic: string): ErrorFrame => ({
  type: 'error',
  requestId,
  code: CODES.OFFSET_IN_FUTURE.code,
  message: `the position is beyond the head of ${topic}`,
});
