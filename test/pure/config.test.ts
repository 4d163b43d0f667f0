import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import t from 'tap';
import {
  configFlags,
  describeProblem,
  diffConfig,
  envName,
  exampleFile,
  fileKey,
  formatDuration,
  formatSize,
  KEYS,
  type Loaded,
  loadConfig,
  OPTIONS,
  optionsTable,
  type Sources,
} from '../../src/config/index.js';

const noFile = (path: string): never => {
  throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' });
};
const load = (sources: Partial<Sources>): Loaded => loadConfig({ flags: {}, env: {}, readFile: noFile, ...sources });
const loadFile = (text: string): Loaded => load({ file: 'push-daemon.yaml', readFile: () => text });

const problemsOf = (loaded: Loaded): readonly string[] => (loaded.ok ? [] : loaded.problems.map(describeProblem));
const configOf = (loaded: Loaded) => {
  if (!loaded.ok) throw new Error(problemsOf(loaded).join('\n'));
  return loaded.config;
};

t.test('the defaults are a configuration', async (t) => {
  const loaded = load({});
  t.match(configOf(loaded), {
    host: '127.0.0.1',
    port: 9000,
    maxPayload: 2 ** 20,
    handshakeTimeout: 5_000,
    heartbeat: 'auto',
    retainTotal: 2 ** 29,
    onCorrupt: 'skip',
  });
  t.ok(loaded.ok && KEYS.every((key) => loaded.origin[key] === 'default'));
  t.ok(Object.isFrozen(configOf(loaded)));
});

t.test(
  'G1 a value that is not allowed is refused: the key, its place, what was given and what is allowed',
  async (t) => {
    const refused: readonly [Partial<Sources>, string][] = [
      [{ flags: { maxConns: '0' } }, 'max-conns (--max-conns): "0" must be an integer from 1 to 1000000'],
      [{ flags: { maxConns: '1e3' } }, 'max-conns (--max-conns): "1e3" must be an integer from 1 to 1000000'],
      [{ flags: { maxConns: '-1' } }, 'max-conns (--max-conns): "-1" must be an integer from 1 to 1000000'],
      [{ flags: { port: '65536' } }, 'port (--port): "65536" must be an integer from 0 to 65535'],
      [{ flags: { port: '' } }, 'port (--port): "" must be an integer from 0 to 65535'],
      [
        { env: { PUSH_DAEMON_MAX_PAYLOAD: '1MB' } },
        'max-payload (PUSH_DAEMON_MAX_PAYLOAD): "1MB" must be a size (bytes, KiB, MiB, GiB, TiB) from 1KiB to 64MiB',
      ],
      [
        { env: { PUSH_DAEMON_HEARTBEAT: '5' } },
        'heartbeat (PUSH_DAEMON_HEARTBEAT): "5" must be auto, or a duration (ms, s, m, h, d) from 50ms to 10m',
      ],
      [
        { flags: { handshakeTimeout: '5constructor' } },
        'handshake-timeout (--handshake-timeout): "5constructor" must be a duration (ms, s, m, h, d) from 50ms to 1h',
      ],
      [{ flags: { onCorrupt: 'Skip' } }, 'on-corrupt (--on-corrupt): "Skip" must be one of skip, scan, close'],
      [{ flags: { host: '127.0.0.256' } }, 'host (--host): "127.0.0.256" must be an IP address or a host name'],
      [{ flags: { host: 'a b\n' } }, 'host (--host): "a b\\n" must be an IP address or a host name'],
    ];
    for (const [sources, problem] of refused) t.strictSame(problemsOf(load(sources)), [problem]);
  },
);

t.test('G1 no duration of 2^31 ms or more is allowed anywhere: timers would fire at once', async (t) => {
  const durations = KEYS.filter((key) => OPTIONS[key].value.kind === 'duration');
  t.ok(durations.length > 0);
  for (const key of durations) {
    for (const text of [`${2 ** 31}ms`, '25d', '99999999999999999999d']) {
      t.match(problemsOf(load({ flags: { [key]: text } })), [new RegExp(`^${fileKey(key)} .* must be `)], key);
    }
  }
});

t.test('G1 what is not known is refused, with the name that may have been meant', async (t) => {
  t.strictSame(problemsOf(loadFile('# first\nmax-conn: 5\n')), [
    'push-daemon.yaml line 2: "max-conn" is not known; did you mean max-conns?',
  ]);
  for (const name of ['MAX-CONNS', 'maxConns', 'MAX_CONNS']) {
    t.match(problemsOf(loadFile(`${name}: 5`)), [/did you mean max-conns\?$/], name);
  }
  t.strictSame(problemsOf(load({ env: { PUSH_DAEMON_PROT: '1' } })), [
    'environment: "PUSH_DAEMON_PROT" is not known; did you mean PUSH_DAEMON_PORT?',
  ]);
  for (const name of ['__proto__', 'constructor', 'config', '']) {
    t.strictSame(problemsOf(loadFile(`"${name}": 5`)), [`push-daemon.yaml line 1: "${name}" is not known`]);
  }
  t.strictSame(problemsOf(load({ env: { PUSH_DAEMONS: 'x', HOME: '/' } })), [], 'variables of others are left alone');
});

t.test('G1 a file that is not what it should be is refused in one line, with the place', async (t) => {
  const refused: readonly [string, RegExp][] = [
    ['port: 1\n  x: 2', /^push-daemon\.yaml line 1 column 7: this is not valid YAML: Nested mappings/],
    ['port: 1\nport: 2', /^push-daemon\.yaml line 2 column 1: this is not valid YAML: Map keys must be unique$/],
    ['- port', /^push-daemon\.yaml: must be a mapping/],
    ['port', /^push-daemon\.yaml: must be a mapping/],
    ['retain:\n  bytes: 1KiB', /^push-daemon\.yaml line 2: "retain\.bytes" is not known; did you mean retain-bytes\?$/],
    ['port:\n  a:\n    b: 1', /^push-daemon\.yaml line 3: "port\.a\.b" is not known$/],
    ['"a\\nb": []', /^push-daemon\.yaml line 1: "a\\nb" must have one plain value$/],
    ['port: {}', /^push-daemon\.yaml line 1: "port" must have one plain value$/],
    ['port: [9000]', /^push-daemon\.yaml line 1: "port" must have one plain value$/],
    ['host: &a x\nmetrics-host: *a', /^push-daemon\.yaml line 2: "metrics-host" must have one plain value$/],
    ['[port]: 1', /^push-daemon\.yaml line 1: a key must be plain text$/],
    ['port: !int 1', /^push-daemon\.yaml line 1 column 7: this is not valid YAML: Unresolved tag/],
    [
      'port: 1\n---\nport: 2',
      /^push-daemon\.yaml line 2 column 1: this is not valid YAML: Source contains multiple documents$/,
    ],
    ['port: 0x10', /^port \(push-daemon\.yaml line 1\): "0x10" must be an integer/],
    ['\n\nport:', /^port \(push-daemon\.yaml line 3\): "" must be an integer/],
  ];
  for (const [text, problem] of refused) {
    const problems = problemsOf(loadFile(text));
    t.match(problems[0], problem);
    t.notMatch(problems.join(''), /\n/);
  }
  t.strictSame(problemsOf(load({ file: 'missing.yaml' })), ['missing.yaml: cannot be read (ENOENT)']);
  for (const empty of ['', '# nothing\n', '---\n']) t.ok(loadFile(empty).ok);
});

t.test('G1 all problems are told at once, also those of values that another source overrides', async (t) => {
  const loaded = load({
    flags: { maxConns: '10', port: 'x' },
    env: { PUSH_DAEMON_MAX_CONNS: 'y', PUSH_DAEMON_CONFIG: 'a.yaml' },
    readFile: () => 'max-conns: z\nnonsense: 1\nreserve-resume: 11\nretain-bytes: 1GiB',
  });
  t.strictSame(problemsOf(loaded), [
    'a.yaml line 2: "nonsense" is not known',
    'max-conns (a.yaml line 1): "z" must be an integer from 1 to 1000000',
    'max-conns (PUSH_DAEMON_MAX_CONNS): "y" must be an integer from 1 to 1000000',
    'port (--port): "x" must be an integer from 0 to 65535',
    'reserve-resume (11) must not be above max-conns (10): the reserve is a part of the slots',
    'retain-bytes (1073741824) must not be above retain-total (536870912): one topic cannot be given more than there is for all',
  ]);
});

t.test('G1 both ports on one address cannot be listened on', async (t) => {
  const clash = ['metrics-port (9000) must not be port (9000) on the same host: only one can listen there'];
  const problems = (host: string, metricsHost: string, port = '9000') =>
    problemsOf(load({ flags: { host, metricsHost, port, metricsPort: port } }));
  for (const [a, b] of [
    ['127.0.0.1', '127.0.0.1'],
    ['localhost', 'localhost'],
    ['0.0.0.0', '127.0.0.1'],
    ['::1', '::'],
    ['::', '0.0.0.0'],
  ] as const) {
    t.strictSame(problems(a, b), clash, `${a} and ${b}`);
    t.strictSame(problems(b, a), clash, `${b} and ${a}`);
    t.strictSame(problems(a, b, '0'), [], '0 is a free port, another for each');
  }
  t.strictSame(problems('127.0.0.1', '127.0.0.2'), []);
  t.strictSame(problems('0.0.0.0', '::1'), []);
});

t.test('G1 precedence: flags, then environment, then file, then defaults', async (t) => {
  const layers: readonly [Partial<Sources>, number, string][] = [
    [{}, 9000, 'default'],
    [{ file: 'a.yaml', readFile: () => '\nport: 1' }, 1, 'a.yaml line 2'],
    [{ env: { PUSH_DAEMON_PORT: '2' } }, 2, 'PUSH_DAEMON_PORT'],
    [{ flags: { port: '3' } }, 3, '--port'],
  ];
  let sources: Partial<Sources> = {};
  for (const [layer, port, origin] of layers) {
    sources = { ...sources, ...layer };
    const loaded = load(sources);
    t.equal(configOf(loaded).port, port);
    t.ok(loaded.ok && loaded.origin.port === origin);
  }
});

t.test('--config goes before PUSH_DAEMON_CONFIG', async (t) => {
  const readFile = (path: string): string => ({ 'a.yaml': 'port: 1', 'b.yaml': 'port: 2' })[path] ?? noFile(path);
  const env = { PUSH_DAEMON_CONFIG: 'a.yaml' };
  t.equal(configOf(load({ env, readFile })).port, 1);
  t.equal(configOf(load({ env, readFile, file: 'b.yaml' })).port, 2);
});

t.test('units', async (t) => {
  const retainAge = (text: string) => configOf(load({ flags: { retainAge: text } })).retainAge;
  t.strictSame(['0', '500ms', '5s', '2m', '1h', '1d'].map(retainAge), [0, 500, 5e3, 12e4, 36e5, 864e5]);
  const lagLimit = (text: string) => configOf(load({ flags: { lagLimit: text } })).lagLimit;
  t.strictSame(['2048', '2048B', '2KiB', '1MiB', '1GiB', '1TiB'].map(lagLimit), [
    2048,
    2048,
    2048,
    2 ** 20,
    2 ** 30,
    2 ** 40,
  ]);
  for (const host of ['::1', '0.0.0.0', 'localhost', 'a.example', 'edge-1']) {
    t.equal(configOf(load({ flags: { host } })).host, host);
  }
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 31 - 1 }).filter((ms) => ms <= 24 * 864e5),
      (ms) => {
        return retainAge(formatDuration(ms)) === ms;
      },
    ),
  );
  fc.assert(fc.property(fc.integer({ min: 1024, max: 2 ** 40 }), (bytes) => lagLimit(formatSize(bytes)) === bytes));
});

t.test('no text of any source makes it throw, and every refusal is one line', async () => {
  const keyed = fc
    .array(fc.tuple(fc.constantFrom(...KEYS.map(fileKey), '__proto__'), fc.string()))
    .map((pairs) => pairs.map(([key, value]) => `${key}: ${value}`).join('\n'));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), keyed), fc.string(), (file, value) => {
      const loaded = load({
        flags: { port: value },
        env: { PUSH_DAEMON_HOST: value, [`PUSH_DAEMON_${value}`]: value },
        file: 'a.yaml',
        readFile: () => file,
      });
      return loaded.ok || problemsOf(loaded).every((problem) => problem !== '' && !problem.includes('\n'));
    }),
  );
});

t.test('a reload knows what changes, and what has to wait for a restart', async (t) => {
  const old = configOf(load({}));
  const loaded = configOf(load({ flags: { port: '9001', maxConns: '5', heartbeat: '5s' } }));
  const { changes, needRestart, effective } = diffConfig(old, loaded);
  t.strictSame(changes, [
    { key: 'maxConns', from: 1024, to: 5, reload: 'at once' },
    { key: 'heartbeat', from: 'auto', to: 5_000, reload: 'new connections' },
  ]);
  t.strictSame(needRestart, [{ key: 'port', from: 9000, to: 9001, reload: 'restart' }]);
  t.strictSame(effective, { ...loaded, port: 9000 });
  t.strictSame(diffConfig(old, old), { changes: [], needRestart: [], effective: old });
});

t.test('flags', async (t) => {
  t.match(configFlags(), [
    { key: 'host', flags: '--host <host>', default: '127.0.0.1', env: 'PUSH_DAEMON_HOST' },
    { key: 'port', flags: '--port <integer>', description: 'port to listen on; 0 picks a free one' },
    { key: 'maxConns', flags: '--max-conns <integer>', env: 'PUSH_DAEMON_MAX_CONNS' },
    { key: 'maxConnsPerIp', flags: '--max-conns-per-ip <integer>', env: 'PUSH_DAEMON_MAX_CONNS_PER_IP' },
  ]);
  t.match(
    configFlags().find(({ key }) => key === 'heartbeat'),
    { flags: '--heartbeat <auto|duration>' },
  );
  t.equal(new Set(KEYS.map(envName)).size, KEYS.length);
});

t.test('the example file and the documentation are what the table says', async (t) => {
  const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  t.equal(read('config/push-daemon.yaml'), exampleFile(), 'stale: npm run build && node scripts/docs.mjs');
  t.ok(read('docs/CONFIGURATION.md').includes(optionsTable()), 'stale: npm run build && node scripts/docs.mjs');

  const uncommented = exampleFile().replaceAll(/^# ([a-z-]+: \S+)$/gm, '$1');
  const loaded = loadFile(uncommented);
  t.strictSame(configOf(loaded), configOf(load({})));
  t.ok(loaded.ok && KEYS.every((key) => loaded.origin[key].startsWith('push-daemon.yaml line ')));
});
