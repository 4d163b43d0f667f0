import type { LabelLists } from '../observe/index.js';
import { type CloseName, CODES, type CodeName, type FrameName, FrameType, GapReason } from '../wire/index.js';

const lower = <N extends string>(name: N): Lowercase<N> => name.toLowerCase() as Lowercase<N>;
const keysOf = <T extends object>(table: T): readonly (keyof T & string)[] =>
  Object.keys(table) as (keyof T & string)[];
const closes = (name: CodeName): name is CloseName => CODES[name].scope === 'close';

/** The label values of the metrics that are names of the wire's tables. */
export const METRIC_LABELS = {
  /**
   * `peer_gone`: the connection was lost without a CLOSE from either side; `unknown`: the peer closed it with a code
   * that this version has no name for.
   */
  causes: [...keysOf(CODES).filter(closes).map(lower), 'peer_gone' as const, 'unknown' as const],
  /** All of them both ways: a frame that its sender may not send is received all the same. */
  frames: keysOf(FrameType) satisfies readonly FrameName[],
  gapReasons: keysOf(GapReason).map(lower),
} as const satisfies LabelLists;
