import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { daemon } from './cli-process.js';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const readme = read('README.md');
/** How long a command that comes to its end by itself may take on a busy machine. */
const PATIENCE_MS = 60_000;

/** The block of code that the README marks as this example. */
function example(name: string): string {
  const [, block] = new RegExp(`<!-- example: ${name} -->\\n\`\`\`\\w+\\n(.*?)\`\`\``, 's').exec(readme) ?? [];
  if (block === undefined) throw new Error(`the README has no example "${name}"`);
  return block;
}

/** An environment in which `push-daemon` is a command, as it is for somebody who has installed it. */
function installed(t: Test, variables: { readonly [name: string]: string }): NodeJS.ProcessEnv {
  const bin = fileURLToPath(new URL('bin/push-daemon.js', root));
  const directory = t.testdir({ 'push-daemon': t.fixture('symlink', bin) });
  const inherited = Object.entries(process.env).filter(([name]) => !/^(PUSH_DAEMON_|NODE_OPTIONS$|TAP)/.test(name));
  return { ...Object.fromEntries(inherited), ...variables, PATH: `${directory}:${process.env.PATH}` };
}

/** Runs a line of shell until it has printed a line that matches, or to its end, and returns that line. */
async function printed(line: string, env: NodeJS.ProcessEnv, pattern: RegExp): Promise<string> {
  const child = spawn('sh', ['-c', `exec ${line}`], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  try {
    for await (const text of createInterface({ input: child.stdout })) if (pattern.test(text)) return text;
    throw new Error(`${line} printed nothing like ${pattern}`);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

t.test('quick start: the example in TypeScript does what it says', async (t) => {
  const { port } = await daemon(t);
  const code = example('quick start').replace('127.0.0.1:9000', `127.0.0.1:${port}`);
  const node = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], { cwd: root });
  const { stdout, stderr } = await node;
  t.equal(stdout, 'orders.eu 1 {"id":1}\n');
  t.equal(stderr, '');
});

t.test('command line: every command of the example, in its order', async (t) => {
  const commands = example('command line')
    .trim()
    .split('\n')
    .map((line) => line.replace(/ +#.*$/, ''));
  const [serve = '', sub = '', pub = '', status = '', curl = ''] = commands;
  t.equal(commands.length, 5);
  t.match(serve, /^push-daemon --port 9000 /);
  const { port, metricsPort } = await daemon(t, serve.replace('--port 9000', '').trim().split(/ +/).slice(1));
  const env = installed(t, { PUSH_DAEMON_PORT: port, PUSH_DAEMON_METRICS_PORT: metricsPort });

  t.match(sub, /^push-daemon sub /);
  const watching = printed(sub, env, /"orders\.eu"/);
  t.equal(spawnSync('sh', ['-c', pub], { env }).status, 0);
  t.match(JSON.parse(await watching), { type: 'message', topic: 'orders.eu', data: '{"id":1}', key: 'eu' });
  t.match(await printed(status, env, /orders\.eu/), 'orders.eu');

  const [, path = ''] = /^curl localhost:9464(\/\S+)$/.exec(curl) ?? [];
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}${path}`)).text();
  t.match(metrics, /^push_daemon_records_published_total 1$/m);
});

const withoutPromtool = spawnSync('promtool', ['--version']).error !== undefined;
if (withoutPromtool && process.env.CI === 'true') t.fail('promtool is not installed, and CI has to have it');

t.test(
  'prometheus: the example is a configuration',
  { skip: withoutPromtool && 'promtool is not installed (Debian package prometheus)' },
  async (t) => {
    const directory = t.testdir({ 'prometheus.yml': example('prometheus') });
    t.match(
      execFileSync('promtool', ['check', 'config', `${directory}/prometheus.yml`], { encoding: 'utf8' }),
      'valid',
    );
  },
);

t.test('docs/CLI.md: its examples end well', async (t) => {
  const { port, metricsPort } = await daemon(t);
  const env = installed(t, { PUSH_DAEMON_PORT: port, PUSH_DAEMON_METRICS_PORT: metricsPort });
  const blocks = Array.from(read('docs/CLI.md').matchAll(/```sh\n(.*?)```/gs), ([, block]) => block as string);
  t.ok(blocks.length > 1);
  for (const line of blocks.join('').trim().split('\n')) {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', line], { env, encoding: 'utf8', timeout: PATIENCE_MS });
    t.equal(status, 0, `${line}\n${stdout}${stderr}`);
  }
});

t.test('what the documents point to is there', async (t) => {
  for (const path of [
    'README.md',
    'CONTRIBUTING.md',
    'docs/CLI.md',
    'docs/SDK.md',
    'docs/ARCHITECTURE.md',
    'docs/CONFIGURATION.md',
  ]) {
    const links = Array.from(read(path).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g), ([, link]) => link as string);
    t.ok(links.length > 0, path);
    for (const link of links) t.ok(existsSync(new URL(link, new URL(path, root))), `${path} points to ${link}`);
  }
});

t.test('what docs/ARCHITECTURE.md and CONTRIBUTING.md name is there', async (t) => {
  for (const path of ['docs/ARCHITECTURE.md', 'CONTRIBUTING.md']) {
    const names = Array.from(
      read(path).matchAll(/`((?:src|test|scripts|docs|proto|\.ci)\/[\w./-]+)`/g),
      ([, name]) => name,
    );
    t.ok(names.length > 3, path);
    for (const name of names) t.ok(existsSync(new URL(name as string, root)), `${path} names ${name}`);
  }
});

t.test('docs/ARCHITECTURE.md: each folder of src is in the table of layers, with what it imports', async (t) => {
  const [, table = ''] = read('docs/ARCHITECTURE.md').split(/<!-- layers: (?:begin|end) -->/);
  const documented = Array.from(
    table.matchAll(/^\| `src\/(\w+)\/` \|[^|]*\| ?([\w, ]*?) ?\|$/gm),
    ([, folder, list = '']) => [folder, list === '' ? [] : list.split(', ')],
  );
  const source = fileURLToPath(new URL('src', root));
  const actual = new Map<string, Set<string>>();
  for (const path of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    const [folder = '', ...rest] = path.split('/');
    if (rest.length === 0) {
      actual.set(folder, new Set());
      continue;
    }
    if (!path.endsWith('.ts')) continue;
    for (const [, specifier = ''] of readFileSync(`${source}/${path}`, 'utf8').matchAll(
      /(?:from |import\()'(\.\.[^']*)'/g,
    )) {
      const [other = ''] = posix.join(posix.dirname(path), specifier).split('/');
      if (other !== folder) actual.get(folder)?.add(other);
    }
  }
  t.strictSame(
    Object.fromEntries(documented),
    Object.fromEntries(Array.from(actual, ([folder, others]) => [folder, [...others].sort()])),
  );
});
