import type { ChunkQueue } from './chunk-queue.js';
import { FRAME_OVERHEAD } from './frame.js';
import { isIntact, Look, look } from './look.js';
import { ScanBudget } from './scan-budget.js';

/** What `FrameSearch.advance` answers. */
export const SearchStep = {
  /** Everything that has come is searched, as far as it can be. Go on when there is more. */
  NEED_MORE: 0,
  /** A whole frame with the look and the right CRC stands at the front of the queue. */
  FOUND: 1,
  /** The budget for CRCs is used up. */
  TOO_MUCH_TO_CHECK: 2,
  /** The bytes that may be searched are used up. */
  TOO_FAR: 3,
} as const;
export type SearchStep = (typeof SearchStep)[keyof typeof SearchStep];

/** Looks for the next offset at which a frame stands, within the bounds of `ScanBudget`, and drops what is before it. */
export class FrameSearch {
  readonly #queue: ChunkQueue;
  readonly #budget = new ScanBudget();

  constructor(queue: ChunkQueue) {
    this.#queue = queue;
  }

  /** So many bytes have come, searched or not: they earn the peer credit for CRCs. */
  received(bytes: number, payloadBytesMax: number): void {
    this.#budget.received(bytes, payloadBytesMax);
  }

  /** The place was lost: a new search may go over so many bytes again. */
  begin(payloadBytesMax: number): void {
    this.#budget.begin(payloadBytesMax);
  }

  advance(payloadBytesMax: number): SearchStep {
    const queue = this.#queue;
    for (;;) {
      const seen = look(queue, payloadBytesMax);
      if (seen === Look.UNDECIDED) {
        return SearchStep.NEED_MORE;
      }
      if (seen === Look.FRAME) {
        const length = queue.uint32();
        if (queue.size < length + FRAME_OVERHEAD) {
          return SearchStep.NEED_MORE;
        }
        if (!this.#budget.spendCrc(length)) {
          return SearchStep.TOO_MUCH_TO_CHECK;
        }
        if (isIntact(queue, length)) {
          return SearchStep.FOUND;
        }
      }
      if (!this.#budget.spendByte()) {
        return SearchStep.TOO_FAR;
      }
      queue.skip(1);
    }
  }
}
