import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** May this stream be given colour? Not unless it is a terminal, and never with NO_COLOR (https://no-color.org). */
export const hasColour = (stream: NodeJS.WriteStream): boolean => stream.isTTY === true && !process.env.NO_COLOR;

/** Colours text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;
export const paintFor = (stream: NodeJS.WriteStream): Paint =>
  hasColour(stream) ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;

/** Lines that are too wide are cut by the terminal itself while it does not wrap. */
const NO_WRAP = '\x1b[?7l';
const WRAP = '\x1b[?7h';
const TO_LINE_END = '\x1b[K';
const TO_SCREEN_END = '\x1b[J';

/** Paints over what it painted before, so that a terminal shows one picture that changes. */
export class Screen {
  readonly #terminal: WriteStream;
  #lines = 0;

  constructor(terminal: WriteStream) {
    this.#terminal = terminal;
  }

  /** What is larger than the terminal is cut, on the right and at the bottom. */
  paint(picture: string): void {
    const lines = picture
      .replace(/\n$/, '')
      .split('\n')
      .slice(0, Math.max(1, this.#terminal.rows - 1));
    const back = this.#lines > 0 ? `\x1b[${this.#lines}A\r` : '';
    const body = lines.map((line) => `${line}${TO_LINE_END}\n`).join('');
    this.#terminal.write(`${NO_WRAP}${back}${body}${TO_SCREEN_END}${WRAP}`);
    this.#lines = lines.length;
  }
}
