// Makes everything that is generated and committed anew: `npm run docs`.
// With --check (`npm run docs -- --check`) it writes nothing, and fails if something is stale.
// The picture of the demonstration is not among them: no two runs of it are alike. See scripts/demo-picture.mjs.
import { readFileSync, writeFileSync } from 'node:fs';
import { exampleFile, optionsTable } from '../dist/config/index.js';
import { METRIC_LABELS } from '../dist/daemon/metric-labels.js';
import { metricsTable, processMetricsList } from '../dist/observe/index.js';
import { commandsReference, exitCodesTable } from './docs/commands.mjs';
import { protocolDocument } from './docs/protocol.mjs';
import { withSection } from './docs/section.mjs';
import { vectorsFile } from './docs/vectors.mjs';

/** What each file should be, given what it is: some are made whole, of others only the sections between markers. */
const FILES = {
  'config/push-daemon.yaml': () => exampleFile(),
  'docs/CLI.md': async (text) =>
    withSection(withSection(text, 'commands', await commandsReference()), 'exit codes', exitCodesTable()),
  'docs/CONFIGURATION.md': (text) => withSection(text, 'options', optionsTable()),
  'docs/METRICS.md': (text) =>
    withSection(withSection(text, 'metrics', metricsTable(METRIC_LABELS)), 'process', processMetricsList()),
  'docs/PROTOCOL.md': (text) => protocolDocument(text),
  'test/vectors/vectors.json': () => vectorsFile(),
};

const checkOnly = process.argv.includes('--check');
for (const [path, render] of Object.entries(FILES)) {
  const url = new URL(`../${path}`, import.meta.url);
  const text = readFileSync(url, 'utf8');
  const fresh = await render(text);
  if (fresh === text) continue;
  if (checkOnly) {
    console.error(`${path} is stale: npm run docs`);
    process.exitCode = 1;
  } else {
    writeFileSync(url, fresh);
    console.error(`${path} written`);
  }
}
