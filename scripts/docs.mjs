// Writes what is generated of the documentation: `npm run build && node scripts/docs.mjs`.
// With --check it writes nothing, and fails if something is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { exampleFile, optionsTable } from '../dist/config/index.js';
import { METRIC_LABELS } from '../dist/daemon/metric-labels.js';
import { metricsTable, processMetricsList } from '../dist/observe/index.js';

/** Puts `content` between the markers of a section. */
const withSection = (text, name, content) => {
  const begin = `<!-- ${name}: begin (generated) -->\n`;
  const end = `<!-- ${name}: end -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the markers of the section "${name}" are not there`);
  return `${text.slice(0, from + begin.length)}${content}\n${text.slice(to)}`;
};

const FILES = {
  'config/push-daemon.yaml': () => exampleFile(),
  'docs/CONFIGURATION.md': (text) => withSection(text, 'options', optionsTable()),
  'docs/METRICS.md': (text) =>
    withSection(withSection(text, 'metrics', metricsTable(METRIC_LABELS)), 'process', processMetricsList()),
};

const checkOnly = process.argv.includes('--check');
for (const [path, render] of Object.entries(FILES)) {
  const url = new URL(`../${path}`, import.meta.url);
  const text = readFileSync(url, 'utf8');
  const fresh = render(text);
  if (fresh === text) continue;
  if (checkOnly) {
    console.error(`${path} is stale: npm run build && node scripts/docs.mjs`);
    process.exitCode = 1;
  } else {
    writeFileSync(url, fresh);
    console.error(`${path} written`);
  }
}
