import type { TopicMessage } from '../../client/index.js';
import type { Paint } from '../terminal.js';
import { humanBytes, humanTime } from '../units.js';
import type { Figure } from './machine.js';

/** A figure as it was received. */
export interface Reading {
  readonly message: Pick<TopicMessage, 'topic' | 'epoch' | 'offset'>;
  readonly ageUs: number;
  readonly figure: Figure;
}

/** What kind of news it is decides its colour. */
export type Mood = 'good' | 'bad' | 'odd';
export interface Note {
  readonly seconds: number;
  readonly mood: Mood;
  readonly text: string;
}

const COLOURS = { good: 'green', bad: 'red', odd: 'yellow' } as const satisfies { readonly [M in Mood]: string };

const BAR_CELLS = 20;
const TOPIC_CHARS = 20;
const POSITION_CHARS = 12;
const AGE_CHARS = 8;
/** Enough of an epoch to see that it is another. */
const EPOCH_CHARS = 4;

export const TITLES = [
  'TOPIC'.padEnd(TOPIC_CHARS),
  'EPOCH:OFFSET'.padEnd(POSITION_CHARS),
  'AGE'.padStart(AGE_CHARS),
  'VALUE',
].join('  ');

/** `machine.cpu.0  K7dQ:42  231 µs  ████░░░░  42 %`, each in its column. */
export const readingLine = ({ message, ageUs, figure }: Reading, paint: Paint): string => {
  const { topic, epoch, offset } = message;
  return [
    topic.padEnd(TOPIC_CHARS),
    paint('cyan', `${epoch.slice(0, EPOCH_CHARS)}:${offset}`.padEnd(POSITION_CHARS)),
    paint('dim', humanTime(ageUs).padStart(AGE_CHARS)),
    paint('green', bar(figure)),
    quantity(figure),
  ].join('  ');
};

/** `  5.2 s  the daemon was killed` */
export const noteLine = ({ seconds, mood, text }: Note, paint: Paint): string =>
  `${paint('dim', `${seconds.toFixed(1).padStart(5)} s`)}  ${paint(COLOURS[mood], text)}`;

const bar = ({ value, full }: Figure): string => {
  const cells = Math.round(BAR_CELLS * Math.min(1, Math.max(0, value / full)));
  return '█'.repeat(cells) + '░'.repeat(BAR_CELLS - cells);
};

const quantity = ({ unit, value, full }: Figure): string => {
  switch (unit) {
    case '%':
      return `${value.toFixed(0).padStart(3)} %`;
    case 'B':
      return `${humanBytes(value)} of ${humanBytes(full)}`;
    case 'B/s':
      return `${humanBytes(value)}/s`;
    case 'load':
      return value.toFixed(2);
  }
};
