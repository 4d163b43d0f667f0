// Makes docs/demo.svg: runs the demonstration on a terminal (that of script(1)), and draws what stood there at the end.
// `npm run build && node scripts/demo-picture.mjs`
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [COLUMNS, ROWS] = [86, 40];
const [FONT_PX, LINE_PX, MARGIN_PX] = [13, 18, 16];
/** What a character of a monospaced font takes of its size. */
const CHARACTER_WIDTH = 0.602;
/** The colours of the terminal by their SGR parameter; 0 is what has none. */
const STYLES = {
  0: 'fill="#c9d1d9"',
  1: 'fill="#f0f6fc" font-weight="bold"',
  2: 'fill="#8b949e"',
  31: 'fill="#ff7b72"',
  32: 'fill="#7ee787"',
  33: 'fill="#f2cc60"',
  36: 'fill="#79c0ff"',
};

const ESC = '\x1b';
/** Sets a colour. */
const SGR = new RegExp(`${ESC}\\[(\\d+)m`);
/** Any other control of a terminal: moves, erasures, modes. */
const OTHER_CONTROLS = new RegExp(`${ESC}\\[(?![\\d;]*m)[?\\d;]*[A-Za-z]`, 'g');

/** Runs the demonstration to its end, and returns all that it wrote to its terminal. */
const record = () => {
  const bin = fileURLToPath(new URL('../bin/push-daemon.js', import.meta.url));
  const command = `stty cols ${COLUMNS} rows ${ROWS}; exec '${process.execPath}' '${bin}' demo --once`;
  const { stdout, status } = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the demonstration ended with ${status}`);
  return stdout;
};

/** The last picture that was painted, and what came behind it. Each begins by switching wrapping off. */
const lastPicture = (written) => {
  const lines = written.slice(written.lastIndexOf(`${ESC}[?7l`)).split(/\r?\n/);
  return lines.map((line) => line.replaceAll(OTHER_CONTROLS, '').trimEnd());
};

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A line with its colours, as spans. */
const spans = (line) => {
  let style = STYLES[0];
  return line
    .split(SGR)
    .map((part, i) => {
      if (i % 2 === 0) return part === '' ? '' : `<tspan ${style}>${escaped(part)}</tspan>`;
      style = STYLES[part] ?? STYLES[0];
      return '';
    })
    .join('');
};

const lines = ['\x1b[32m$\x1b[0m npm run demo', '', ...lastPicture(record())].join('\n').trimEnd().split('\n');
const width = Math.ceil(COLUMNS * FONT_PX * CHARACTER_WIDTH) + 2 * MARGIN_PX;
const height = lines.length * LINE_PX + 2 * MARGIN_PX;
const text = lines.map((line, i) => {
  const y = MARGIN_PX + (i + 0.75) * LINE_PX;
  return `<text x="${MARGIN_PX}" y="${y}" xml:space="preserve">${spans(line)}</text>`;
});
writeFileSync(
  new URL('../docs/demo.svg', import.meta.url),
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"
  font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="${FONT_PX}">
<title>push-daemon demo: live figures of a machine with position and age, across a kill and restart of the daemon</title>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${text.join('\n')}
</svg>
`,
);
