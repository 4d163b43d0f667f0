import { WriteStream } from 'node:tty';
import { paintFor, Screen } from '../terminal.js';
import { type Note, noteLine, type Reading, readingLine, TITLES } from './view.js';

/** Where the demonstration is shown. */
export interface Stage {
  /** How often figures should come, to be followed by eye. */
  readonly everyMs: number;
  reading(reading: Reading): void;
  note(note: Note): void;
  /** Shows what is still to be shown. */
  end(): void;
}

/** One picture that changes on a terminal; a line for everything otherwise. */
export const openStage = (title: string, stream: NodeJS.WriteStream): Stage =>
  stream instanceof WriteStream ? pictureStage(title, stream) : lineStage(title, stream);

const lineStage = (title: string, stream: NodeJS.WriteStream): Stage => {
  const paint = paintFor(stream);
  const write = (line: string): void => void stream.write(`${line}\n`);
  write(title);
  write(TITLES);
  return {
    everyMs: 1_000,
    reading: (reading) => write(readingLine(reading, paint)),
    note: (note) => write(noteLine(note, paint)),
    end: () => {},
  };
};

/** Notes that are shown; older ones make room. */
const NOTES_MAX = 12;
/** A picture a frame of film is often enough. */
const FRAME_MS = 40;

const pictureStage = (title: string, terminal: WriteStream): Stage => {
  const paint = paintFor(terminal);
  const screen = new Screen(terminal);
  const readings = new Map<string, Reading>();
  const notes: Note[] = [];
  let frame: NodeJS.Timeout | undefined;

  const paintNow = (): void => {
    frame = undefined;
    const rows = [...readings].sort(([a], [b]) => a.localeCompare(b)).map(([, reading]) => readingLine(reading, paint));
    const news = notes.slice(-NOTES_MAX).map((note) => noteLine(note, paint));
    screen.paint([paint('bold', title), '', paint('dim', TITLES), ...rows, '', ...news].join('\n'));
  };
  const changed = (): void => {
    frame ??= setTimeout(paintNow, FRAME_MS);
  };
  return {
    everyMs: 250,
    reading: (reading) => {
      readings.set(reading.message.topic, reading);
      changed();
    },
    note: (note) => {
      notes.push(note);
      changed();
    },
    end: () => {
      clearTimeout(frame);
      paintNow();
    },
  };
};
