import type { ConnectionStatus, TopicStatus } from '../../server/index.js';
import { renderTable } from '../table.js';
import { printable } from '../text.js';
import { counted, humanBytes, humanCount, humanTime } from '../units.js';
import type { DaemonStatus } from './fetch-status.js';

/** The status as text: one line of totals, then the busiest topics and the connections that need a look first. */
export const report = ({ version, stats, topics, connections }: DaemonStatus, rows: number): string => {
  const { connections: used, connectionsLimit, laggingCursors, logBytes } = stats;
  const totals = [
    `push-daemon ${printable(version)}`,
    `${humanCount(used)} of ${counted(connectionsLimit, 'connection')}`,
    `${counted(topics.length, 'topic')} in ${humanBytes(logBytes)}`,
    `${humanCount(laggingCursors)} lagging`,
  ].join(' · ');
  return [`${totals}\n`, topicTable(topics, rows), connectionTable(connections, rows)].join('\n');
};

const topicTable = (topics: readonly TopicStatus[], rows: number): string =>
  limited(
    [
      { title: 'TOPIC' },
      { title: 'FIRST', align: 'right' },
      { title: 'HEAD', align: 'right' },
      { title: 'BYTES', align: 'right' },
      { title: 'SUBSCRIBERS', align: 'right' },
      { title: 'LAGGING', align: 'right' },
    ],
    [...topics].sort((a, b) => b.lagging - a.lagging || b.bytes - a.bytes),
    ({ name, first, head, bytes, subscribers, lagging }) => [
      printable(name),
      String(first),
      String(head),
      humanBytes(bytes),
      String(subscribers),
      String(lagging),
    ],
    rows,
  );

const connectionTable = (connections: readonly ConnectionStatus[], rows: number): string =>
  limited(
    [
      { title: 'CONNECTION' },
      { title: 'CLIENT' },
      { title: 'ADDRESS' },
      { title: 'PHASE' },
      { title: 'LINK' },
      { title: 'RTT', align: 'right' },
      { title: 'SUBSCRIPTIONS', align: 'right' },
      { title: 'LAGGING', align: 'right' },
      { title: 'PENDING', align: 'right' },
    ],
    [...connections].sort((a, b) => b.lagging - a.lagging || b.pendingBytes - a.pendingBytes),
    (connection) => [
      connection.id,
      printable(connection.client),
      connection.remote,
      connection.phase,
      connection.linkClass,
      connection.rttMs === null ? '' : humanTime(connection.rttMs * 1_000),
      String(connection.subscriptions),
      String(connection.lagging),
      humanBytes(connection.pendingBytes),
    ],
    rows,
  );

/** The first rows of a table, and how many were left out. */
const limited = <T>(
  columns: Parameters<typeof renderTable>[0],
  items: readonly T[],
  cells: (item: T) => readonly string[],
  rows: number,
): string => {
  const left = items.length - rows;
  const more = left > 0 ? `… and ${humanCount(left)} more (--rows)\n` : '';
  return renderTable(columns, items.slice(0, rows).map(cells)) + more;
};
