// Makes docs/demo.svg: runs the demonstration as it is, and draws the lines around the moment when the daemon is killed.
// `npm run build && node scripts/demo-picture.mjs`
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const LINES_BEFORE = 9;
const LINES_AFTER = 19;
const [FONT_PX, LINE_PX, MARGIN_PX] = [13, 18, 16];
/** What a character of a monospaced font takes of its size. */
const CHARACTER_WIDTH = 0.602;

const bin = new URL('../bin/push-daemon.js', import.meta.url).pathname;
const { stdout, status } = spawnSync(process.execPath, [bin, 'demo', '--once'], { encoding: 'utf8' });
if (status !== 0) throw new Error(`the demonstration ended with ${status}`);

const all = stdout.trimEnd().split('\n');
const killed = all.findIndex((line) => /killed/.test(line));
if (killed < 0) throw new Error('nothing was killed');
const shown = ['$ npm run demo', ...all.slice(killed - LINES_BEFORE, killed + LINES_AFTER), '…', all.at(-1)];

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const colour = (line) => (line.startsWith('$') ? '#7ee787' : /^ {2}[ \d.]+ s {2}/.test(line) ? '#f2cc60' : '#c9d1d9');
const width = Math.ceil(Math.max(...shown.map((line) => line.length)) * FONT_PX * CHARACTER_WIDTH) + 2 * MARGIN_PX;
const height = shown.length * LINE_PX + 2 * MARGIN_PX;
const text = shown.map((line, i) => {
  const y = MARGIN_PX + (i + 0.75) * LINE_PX;
  return `<text x="${MARGIN_PX}" y="${y}" fill="${colour(line)}" xml:space="preserve">${escaped(line)}</text>`;
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
