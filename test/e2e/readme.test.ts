import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import t from 'tap';
import { loadConfig } from '../../src/config/index.js';
import { startDaemon } from '../../src/daemon/index.js';

const root = new URL('../../', import.meta.url);
const readme = readFileSync(new URL('README.md', root), 'utf8');

t.test('the example of the README does what it says', async (t) => {
  const [, example] = /<!-- example: quick start -->\n```ts\n(.*?)```/s.exec(readme) ?? [];
  if (example === undefined) throw new Error('the README has no quick start');
  const loaded = loadConfig({
    flags: { port: '0', metricsPort: '0', logLevel: 'silent' },
    env: {},
    readFile: () => '',
  });
  if (!loaded.ok) throw new Error('the configuration of this test is wrong');
  const daemon = await startDaemon({ config: loaded.config });
  t.teardown(() => daemon.stop());

  const code = example.replace('127.0.0.1:9000', `127.0.0.1:${daemon.address.port}`);
  const node = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], { cwd: root });
  const { stdout, stderr } = await node;
  t.equal(stdout, 'orders.eu 1 {"id":1}\n');
  t.equal(stderr, '');
});

t.test('what the README points to is there', (t) => {
  const links = Array.from(readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g), ([, path]) => path as string);
  t.ok(links.length > 5);
  for (const path of links) t.ok(existsSync(new URL(path, root)), path);
  t.end();
});
