import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { cli, daemon, dial, run } from './cli-process.js';

const lineCount = (text: string): number => text.split('\n').length - 1;

t.test('help and version: the commands, the exit codes, and nothing on standard error', async (t) => {
  const help = await run(t, ['--help']);
  t.equal(help.code, 0);
  t.equal(help.stderr, '');
  for (const word of ['serve', 'check', 'sub', 'pub', 'status', 'demo', 'Exit codes:']) t.match(help.stdout, word);
  t.match((await run(t, ['help', 'sub'])).stdout, /--on-lag.*faults of the link that it mends are not seen/s);
  t.match((await run(t, ['help', 'pub'])).stdout, /A line is the bytes before a line feed/);
  t.match(await run(t, ['--version']), { code: 0, stdout: /^\d+\.\d+\.\d+\n$/ });
});

t.test('G1 what is wrong with the command line or the configuration is said, and the exit code is 2', async (t) => {
  const file = join(t.testdir({ 'bad.yaml': 'prot: 9000\nmax-conns: many\n' }), 'bad.yaml');
  const cases = [
    { args: ['--prot', '9000'], says: [/unknown option '--prot'/, /--port/] },
    { args: ['bogus'], says: [/unknown command "bogus"/, /serve, check, sub/] },
    { args: ['--port', '99999'], says: [/port \(--port\): "99999" must be an integer from 0 to 65535/] },
    { args: ['serve', '--handshake-timeout', '2147483648ms'], says: [/handshake-timeout .* from 50ms to 1h/] },
    { args: ['check', '--config', file], says: [/"prot" is not known; did you mean port\?/, /max-conns .*"many"/] },
    { args: ['check', '--config', '/no/such/file'], says: [/\/no\/such\/file: cannot be read \(ENOENT\)/] },
    { args: ['sub'], says: [/missing required argument 'topic'/] },
    { args: ['sub', 'a', '--from', 'last:0'], says: [/--from.*'last:0' is invalid.*last:100/] },
    { args: ['sub', 'a', 'b', '--from', 'epoch:7'], says: [/a place in one topic/] },
    { args: ['sub', 'a', '--port', '0'], says: [/--port.*'0' is invalid/] },
    { args: ['sub', 'a', '--on-lag', 'drop'], says: [/Allowed choices are wait, skip, latest-per-key, disconnect/] },
    { args: ['pub', 'a', 'x', '--header', 'none'], says: [/NAME=VALUE/] },
    { args: ['pub', 'a', 'x', '--rate', '0/s'], says: [/such as 100\/s/] },
    { args: ['status', '--url', 'nonsense'], says: [/"nonsense" is no URL/] },
    { args: ['status', '--port', '9100'], says: [/its side port: --metrics-port/] },
    { args: ['sub', 'a..b'], says: [/'a\.\.b'.*has an empty token; a topic is .* a final > for one or more/] },
    { args: ['sub', 'a', 'b', 'a'], says: [/'a' is invalid.*is given twice/] },
    { args: ['pub', 'a.*', 'x'], says: [/'a\.\*'.*has a wildcard.*a topic is .* such as orders\.eu/] },
    { args: ['check', '--port', '9464'], says: [/metrics-port \(9464\) must not be port \(9464\)/] },
  ];
  for (const { args, says } of cases) {
    const { code, stdout, stderr } = await run(t, args);
    t.equal(code, 2, args.join(' '));
    t.equal(stdout, '', 'data has nothing to do with it');
    for (const what of says) t.match(stderr, what);
    t.notMatch(stderr, /\n\s+at /, 'no stack');
  }
});

t.test(
  'G1 check: each value and where it came from, flags before environment before file before defaults',
  async (t) => {
    const file = join(t.testdir({ 'c.yaml': 'max-conns: 7\nport: 7000\nheartbeat: 7s\n' }), 'c.yaml');
    const env = { PUSH_DAEMON_CONFIG: file, PUSH_DAEMON_PORT: '8000', PUSH_DAEMON_HEARTBEAT: '8s' };
    const table = await run(t, ['check', '--heartbeat', '9s'], { env });
    t.equal(table.code, 0);
    t.match(table.stdout, /^heartbeat +9s +--heartbeat$/m);
    t.match(table.stdout, /^port +8000 +PUSH_DAEMON_PORT$/m);
    t.match(table.stdout, /^max-conns +7 +.*c\.yaml line 1$/m);
    t.match(table.stdout, /^max-payload +1MiB +default$/m);

    const { options } = JSON.parse((await run(t, ['check', '--json', '--heartbeat', '9s'], { env })).stdout);
    t.strictSame(options.heartbeat, { value: 9_000, from: '--heartbeat' });
    const wrong = await run(t, ['check', '--json', '--port', 'x'], { env });
    t.equal(wrong.code, 2);
    t.match(JSON.parse(wrong.stdout), { ok: false, problems: [{ key: 'port', given: 'x' }] });
  },
);

t.test('G3 a port that is taken, on either side, is said in one line', async (t) => {
  const { port, metricsPort } = await daemon(t);
  const data = await run(t, ['--port', port, '--metrics-port', '0']);
  t.equal(data.code, 3);
  t.equal(data.stderr, `push-daemon: cannot listen on 127.0.0.1:${port}: the port is taken (EADDRINUSE)\n`);
  const side = await run(t, ['--port', '0', '--metrics-port', metricsPort]);
  t.equal(side.code, 3);
  t.equal(side.stderr, `push-daemon: cannot listen on 127.0.0.1:${metricsPort}: the port is taken (EADDRINUSE)\n`);
  // An address for documentation, which no machine has.
  const address = await run(t, ['--host', '192.0.2.1', '--port', '0', '--metrics-port', '0']);
  t.equal(address.code, 3);
  t.match(address.stderr, /192\.0\.2\.1.*EADDRNOTAVAIL/);
  t.equal(lineCount(address.stderr), 1);
});

t.test('D3 one signal drains and exits 0, a second one exits at once with 1', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const idle = await daemon(t);
    idle.child.kill(signal);
    t.equal(await idle.ended, 0, signal);
  }
  const busy = await daemon(t, ['--drain-timeout', '1h', '--handshake-timeout', '1h']);
  // It never closes its end, and so would hold the drain up.
  await dial(t, busy.port);
  busy.child.kill('SIGTERM');
  await busy.logged('draining');
  busy.child.kill('SIGTERM');
  t.equal(await busy.ended, 1);
});

t.test('D1 SIGTERM ends a daemon whose log nobody takes: the reader gone, or stopped, or the disk full', async (t) => {
  const gone = await daemon(t);
  gone.child.stdout.destroy();
  gone.child.kill('SIGTERM');
  t.equal(await gone.ended, 0, 'gone');

  const file = join(t.testdir({ 'c.yaml': '' }), 'c.yaml');
  const stopped = await daemon(t, ['--config', file]);
  stopped.child.stdout.pause();
  // More than a pipe holds, as one line that says what is wrong.
  writeFileSync(file, Array.from({ length: 10_000 }, (_, n) => `unknown-${n}: 1\n`).join(''));
  stopped.child.kill('SIGHUP');
  stopped.child.kill('SIGTERM');
  await once(stopped.child, 'exit');
  t.equal(stopped.child.exitCode, 0, 'stopped');
  stopped.child.stdout.destroy();

  const fifo = join(t.testdir(), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const full = cli(t, ['--port', '0', '--metrics-port', '0', '--config', fifo], { redirect: '>/dev/full' });
  const config = await open(fifo, 'w');
  full.child.kill('SIGTERM');
  await config.close();
  t.equal(await full.ended, 0, 'full');
  t.equal(full.stderr.text, '');
});

t.test('D3 a signal during the start: it comes up, drains, and exits 0', async (t) => {
  const fifo = join(t.testdir(), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const starting = cli(t, ['--port', '0', '--metrics-port', '0', '--config', fifo]);
  // Opens when the daemon has opened it for reading: in the middle of its start, that is.
  const config = await open(fifo, 'w');
  starting.child.kill('SIGTERM');
  await config.close();
  t.equal(await starting.ended, 0);
  t.match(starting.stdout.text, /"msg":"drained"/);
});

t.test(
  'G2 SIGHUP: an invalid file changes nothing; a valid one is taken over, less what needs a restart',
  async (t) => {
    const dir = t.testdir({ 'c.yaml': 'max-conns: 10\n' });
    const file = join(dir, 'c.yaml');
    const running = await daemon(t, ['--config', file]);
    const limit = async (): Promise<number> => {
      const { stdout } = await run(t, ['status', '--json', '--metrics-port', running.metricsPort]);
      return JSON.parse(stdout).stats.connectionsLimit;
    };
    t.equal(await limit(), 10);

    writeFileSync(file, 'max-conns: 20\nretain-bytes: lots\n');
    running.child.kill('SIGHUP');
    const refused = await running.logged('configuration not reloaded: the old one stays');
    t.match(refused, { level: 'error', problems: [/retain-bytes .*"lots" must be a size/] });
    t.equal(await limit(), 10, 'not even what was right is taken from a file in which something is wrong');

    writeFileSync(file, 'max-conns: 20\nmetrics-host: 127.0.0.2\n');
    running.child.kill('SIGHUP');
    t.match(await running.logged('configuration reloaded'), { changed: { 'max-conns': { from: 10, to: 20 } } });
    t.match(await running.logged('these changes need a restart'), { changed: { 'metrics-host': { to: '127.0.0.2' } } });
    t.equal(await limit(), 20);
  },
);

/** The soft limit, as Node raises it to the hard one; Infinity where it cannot be known. */
const descriptorLimit = (): number => {
  if (process.platform !== 'linux') return Number.POSITIVE_INFINITY;
  return Number(
    /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Number.POSITIVE_INFINITY,
  );
};

t.test(
  'more connections than descriptors: a warning',
  { skip: descriptorLimit() > 1_000_000 && 'this machine has descriptors for the most that can be configured' },
  async (t) => {
    const running = await daemon(t, ['--max-conns', '1000000']);
    await running.stdout.line(/"level":"warn".*"maxConns":1000000,"descriptorLimit":\d+/);
    t.pass('it is in the log');
  },
);

t.test('status: a round trip that was not measured is none, and not one of 0 ms', async (t) => {
  const { port, metricsPort } = await daemon(t);
  await dial(t, port);
  const { stdout } = await run(t, ['status', '--json', '--metrics-port', metricsPort]);
  t.match(JSON.parse(stdout), { connections: [{ phase: 'handshaking', rttMs: null }] });
});

t.test('status: tables, JSON, nobody there, somebody else there', async (t) => {
  const { port, metricsPort } = await daemon(t);
  await run(t, ['pub', 'a.b', 'x', 'y', '--port', port]);
  const sub = cli(t, ['sub', 'a.b', '--port', port, '--from', 'earliest']);
  await sub.stdout.line(/y/);
  const { code, stdout } = await run(t, ['status', '--metrics-port', metricsPort]);
  t.equal(code, 0);
  t.match(stdout, /1 of 1,024 connections · 1 topic in /);
  t.match(stdout, /^a\.b +1 +2 +\d+ B +1 +0$/m);
  t.match(stdout, /push-daemon sub +127\.0\.0\.1 +active +healthy/);

  const watching = cli(t, ['status', '--watch', '--json', '--metrics-port', metricsPort]);
  const [first, second] = await watching.stdout.until((lines) => (lines.length > 1 ? lines : undefined));
  t.match(JSON.parse(first ?? ''), { topics: [{ name: 'a.b' }] });
  t.match(JSON.parse(second ?? ''), { version: String });
  watching.child.kill('SIGTERM');
  t.equal(await watching.ended, 0, 'ended by a signal in good order');

  const other = createHttpServer((_, response) => response.setHeader('Connection', 'close').end('hello'));
  t.teardown(() => other.close());
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const otherPort = String((other.address() as AddressInfo).port);
  const wrong = await run(t, ['status', '--metrics-port', otherPort]);
  t.match(wrong, { code: 3, stderr: /answers \(HTTP 200\), but not as a push-daemon/ });
  t.match(await run(t, ['status', '--metrics-port', port]), { code: 3, stderr: /does not speak HTTP$/m });
  t.match(await run(t, ['status', '--metrics-port', '1']), { code: 3, stderr: /ECONNREFUSED/ }, 'any port is asked');
  other.close();
  await once(other, 'close');
  t.match(await run(t, ['status', '--metrics-port', otherPort]), {
    code: 3,
    stderr: /nothing listens there \(ECONNREFUSED\)/,
  });
});
