import type { TopicEvent, TopicGap, TopicMessage } from '../../client/index.js';
import { printable } from '../text.js';
import { toMs } from '../units.js';

/** The bytes of a record as text, or undefined if they are no UTF-8. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
};

const NEWLINE = Buffer.from('\n');

/** The data alone, as it was published, on a line. */
export const asData = ({ data }: TopicMessage): Uint8Array => Buffer.concat([data, NEWLINE]);

/** The data on a line of a terminal, which must not obey what somebody else has published. */
export const asPrintable = ({ data }: TopicMessage): string => {
  const lines = Buffer.from(data).toString().split(/\r?\n/);
  return `${lines.map((line) => line.split('\t').map(printable).join('\t')).join('\n')}\n`;
};

/** One JSON object on a line. Data and ids that are no text stand as base64, which `encoding` tells. */
export const asJson = (event: TopicEvent, nowUs: number): string =>
  `${JSON.stringify(event.type === 'message' ? messageObject(event, nowUs) : gapObject(event))}\n`;

const messageObject = (message: TopicMessage, nowUs: number): object => {
  const { type, topic, epoch, offset, timestampUs, key, headers } = message;
  const data = textOf(message.data);
  return {
    type,
    topic,
    epoch,
    offset,
    timestamp: new Date(timestampUs / 1_000).toISOString(),
    ageMs: toMs(nowUs - timestampUs),
    key,
    headers: Object.fromEntries(headers),
    id: textOf(message.id) ?? Buffer.from(message.id).toString('base64'),
    data: data ?? Buffer.from(message.data).toString('base64'),
    ...(data === undefined && { encoding: 'base64' }),
  };
};

const gapObject = ({ type, topic, epoch, fromOffset, toOffset, reason }: TopicGap): object => ({
  type,
  topic,
  epoch,
  fromOffset,
  toOffset,
  reason,
});

/** `gap in machine.cpu: 5 to 9 (EVICTED)`, and what a lost history means. */
export const describeGap = ({ topic, fromOffset, toOffset, reason }: TopicGap): string => {
  const range = toOffset < fromOffset ? undefined : `${fromOffset} to ${toOffset}`;
  const what =
    reason === 'EPOCH_CHANGED'
      ? `its history was lost, as the daemon was restarted or had forgotten the topic; ` +
        `what had not been received by then cannot be known${range === undefined ? '' : `, and ${range} of the new one is gone`}`
      : (range ?? 'nothing known to be missing');
  return `gap in ${printable(topic)}: ${what} (${reason})`;
};
