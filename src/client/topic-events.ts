import { type Gap, GapReason, type Messages } from '../wire/index.js';
import type { GapReasonName, TopicEvent, TopicGap, TopicMessage } from './events.js';

const REASONS = new Map(Object.entries(GapReason).map(([name, number]) => [number, name as GapReasonName]));

/** The event that a GAP frame is. */
export const gapEvent = ({ topic, epoch, fromOffset, toOffset, reason }: Gap): TopicGap => ({
  type: 'gap',
  topic,
  epoch,
  fromOffset,
  toOffset,
  // A reason that this version has no name for still says that records were left out.
  reason: REASONS.get(reason) ?? 'SKIPPED',
});

/** The records of a MESSAGES frame from `index` on, as events. */
export function* messageEvents(frame: Messages, epoch: string, index = 0): Generator<TopicMessage> {
  const { topic, baseOffset, timestampUs, records } = frame;
  for (let i = index; i < records.length; i++) {
    const { data, id, key, headers } = records[i] as (typeof records)[number];
    yield { type: 'message', topic, epoch, offset: baseOffset + i, data, key, headers, id, timestampUs };
  }
}

/** What an event holds of memory, about: a character counts as a byte. */
export function eventBytes(event: TopicEvent): number {
  if (event.type === 'gap') return 0;
  let bytes = event.data.length + event.key.length + event.id.length;
  for (const [name, value] of event.headers) bytes += name.length + value.length;
  return bytes;
}
