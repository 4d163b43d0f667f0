import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import * as fc from 'fast-check';
import t, { type Test } from 'tap';
import { loadConfig } from '../../src/config/index.js';
import { startDaemon } from '../../src/daemon/index.js';
import { METRIC_LABELS } from '../../src/daemon/metric-labels.js';
import { readGauges } from '../../src/daemon/telemetry.js';
import { Histogram } from '../../src/observe/histogram.js';
import {
  bounded,
  createLogger,
  createMetrics,
  metricsTable,
  processMetricsList,
  type Readiness,
  SIDE_PORT_LIMITS,
  type SidePortOptions,
  startSidePort,
  watchEventLoop,
} from '../../src/observe/index.js';
import { shareRender } from '../../src/observe/shared-render.js';
import { PushServer } from '../../src/server/index.js';
import { OPTIONS, World } from '../support/world.js';

const newMetrics = () => createMetrics({ version: '1.2.3', labels: METRIC_LABELS });

/** Lines of a logger, parsed. */
const logLines = (level = 'info') => {
  const lines: { readonly [field: string]: unknown }[] = [];
  const log = createLogger({ level, stream: { write: (line) => lines.push(JSON.parse(line)) } });
  return { log, lines };
};

const startPort = async (t: Test, options: Partial<SidePortOptions> = {}) => {
  const sidePort = await startSidePort({
    host: '127.0.0.1',
    port: 0,
    metrics: newMetrics(),
    ready: () => ({ ok: true }),
    status: () => ({ connections: 3 }),
    log: logLines('silent').log,
    ...options,
  });
  t.teardown(() => sidePort.close());
  return sidePort.address.port;
};

const ask = async (port: number, path: string, headers: { [name: string]: string } = {}, method = 'GET') => {
  const message = request({ port, path, method, headers, agent: false });
  message.end();
  const [response] = await once(message, 'response');
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
};

/** Connects without sending anything; errors are left to `close`, which follows them. */
const open = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  return socket;
};

/** Unlike `events.once`, takes the end of a socket as it comes, by error or not. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.resume().once('close', () => resolve()));

/** The series of a scrape, without their values. */
const seriesOf = (body: string): readonly string[] =>
  body
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));

t.test('M1 a real scrape passes promtool, and OpenMetrics beside it', async (t) => {
  const metrics = newMetrics();
  metrics.closes.inc('heartbeat_timeout');
  metrics.deliveryAge.observe(0.0004, 10);
  metrics.heartbeatConnections.readFrom(() => ({ healthy: 7, jittery: 1 }));
  const port = await startPort(t, { metrics });

  const openMetrics = await ask(port, '/metrics', { accept: 'application/openmetrics-text;version=1.0.0,*/*;q=0.1' });
  t.match(openMetrics.headers['content-type'], /^application\/openmetrics-text; version=1\.0\.0/);
  t.match(openMetrics.body, /\n# TYPE push_daemon_closes counter\n/);
  t.match(openMetrics.body, /\npush_daemon_closes_total\{cause="heartbeat_timeout"\} 1\n/);
  t.ok(openMetrics.body.endsWith('\n# EOF\n'));

  const scrape = await ask(port, '/metrics');
  t.match(scrape.headers['content-type'], /^text\/plain; version=0\.0\.4/);
  t.match(scrape.body, /\n# TYPE push_daemon_closes_total counter\n/);
  t.match(scrape.body, /\npush_daemon_delivery_age_seconds_bucket\{le="0.0005"\} 10\n/);
  t.match(scrape.body, /\npush_daemon_heartbeat_connections\{class="healthy"\} 7\n/);
  t.match(scrape.body, new RegExp(`\npush_daemon_build_info{version="1.2.3",node="${process.versions.node}"} 1\n`));
  t.notMatch(scrape.body, /EOF/);

  const ours = (body: string) => seriesOf(body).filter((series) => series.startsWith('push_daemon_'));
  t.strictSame(ours(scrape.body), ours(openMetrics.body), 'the same series in both formats');

  try {
    t.equal(execFileSync('promtool', ['check', 'metrics'], { input: scrape.body, encoding: 'utf8' }), '');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT' && process.env.CI !== 'true';
    if (!missing) throw error;
    t.comment('promtool is not installed: not checked');
  }
});

t.test('M1 the number of series does not depend on what happens', async (t) => {
  const metrics = newMetrics();
  const before = seriesOf((await metrics.render('prometheus')).body);
  t.equal(new Set(before).size, before.length);
  t.ok(before.length < 250, `${before.length} series`);

  for (const cause of METRIC_LABELS.causes) metrics.closes.inc(cause);
  for (const frame of METRIC_LABELS.frames) metrics.framesReceived.inc(frame, 10_000);
  for (const reason of METRIC_LABELS.gapReasons) metrics.gaps.inc(reason);
  for (let client = 0; client < 10_000; client++) metrics.rtt.observe(client / 1_000);
  metrics.topics.readFrom(() => 10_000);
  const after = seriesOf((await metrics.render('prometheus')).body);
  const ours = (series: readonly string[]) => series.filter((name) => name.startsWith('push_daemon_'));
  t.strictSame(ours(after), ours(before));

  const anyName: string = 'topic.of.a.client';
  t.throws(
    () => createMetrics({ version: '', labels: { ...METRIC_LABELS, causes: ['bye'] } }).closes.of(anyName as 'bye'),
    {
      code: 'ERR_ASSERTION',
    },
  );
});

t.test('a histogram counts each value once, in the first bucket that is not below it', async (t) => {
  const bounds = [0.5, 1, 10];
  const observations = fc.array(
    fc.tuple(fc.oneof(fc.constantFrom(...bounds, -1, 0, 11), fc.double({ noNaN: true, min: 0, max: 20 })), fc.nat(50)),
  );
  fc.assert(
    fc.property(observations, (observed) => {
      const histogram = new Histogram(bounds);
      for (const [value, count] of observed) histogram.observe(value, count);
      const upTo = (bound: number): number =>
        observed.reduce((total, [value, count]) => (value <= bound ? total + count : total), 0);
      const counts = histogram.samples().filter(({ suffix }) => suffix !== '_sum');
      const expected = [...bounds, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY].map(upTo);
      t.strictSame(
        counts.map(({ value }) => value),
        expected,
      );
    }),
  );
  const histogram = new Histogram(bounds);
  histogram.observe(2, 3);
  histogram.observe(-5);
  t.match(histogram.samples(), [{ labels: { le: '0.5' } }, { labels: { le: '1.0' } }, {}, { labels: { le: '+Inf' } }]);
  t.strictSame(histogram.samples().at(-2), { suffix: '_sum', labels: {}, value: 6 }, 'a negative value counts as 0');
});

t.test('the lag of the event loop is sampled until it is stopped', async (t) => {
  const lag = await new Promise<number>((resolve) => {
    const stop = watchEventLoop({
      observe: (seconds) => {
        stop();
        resolve(seconds);
      },
    });
    t.teardown(stop);
    // The sampler does not keep a process alive.
    t.teardown(
      clearInterval.bind(
        undefined,
        setInterval(() => {}, 10_000),
      ),
    );
  });
  t.type(lag, 'number');
});

t.test('health, status, and what is not there', async (t) => {
  let readiness: Readiness = { ok: false, reason: 'draining\nX: y' };
  const { log, lines } = logLines();
  const broken = (): never => {
    throw new Error('no status today');
  };
  let status: () => object = () => ({ connections: 3 });
  const port = await startPort(t, { ready: () => readiness, status: () => status(), log });

  t.match(await ask(port, '/livez'), { status: 200, body: 'alive\n' });
  t.match(await ask(port, '/readyz'), { status: 503, body: 'draining\\u{a}X: y\n' });
  readiness = { ok: true };
  t.match(await ask(port, '/readyz?verbose'), { status: 200, body: 'ready\n' });
  t.match(await ask(port, '/status'), {
    status: 200,
    body: '{"connections":3}\n',
    headers: { 'content-type': 'application/json' },
  });
  t.match(await ask(port, '/livez', {}, 'HEAD'), { status: 200, body: '', headers: { 'content-length': '6' } });
  t.match(await ask(port, '/livez', {}, 'POST'), { status: 405, headers: { allow: 'GET, HEAD' } });
  t.match(await ask(port, '/__proto__'), { status: 404 });

  status = broken;
  t.match(await ask(port, '/status'), { status: 500, body: 'internal error\n' });
  t.match(lines, [{ level: 'error', path: '/status', err: { message: 'no status today' } }]);
  status = () => ({});
  t.match(await ask(port, '/status'), { status: 200 }, 'and goes on');

  const kept = await open(port);
  for (let i = 0; i < 3; i++) {
    kept.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
    const [chunk] = await once(kept, 'data');
    t.match(String(chunk), /^HTTP\/1\.1 200 /, 'a connection is kept for the next request');
  }

  await t.rejects(startPort(t, { port }), { code: 'EADDRINUSE' });
});

t.test('one rendering at a time, shared by all who ask meanwhile, and never older than the question', async (t) => {
  const finish: ((tookMs: number) => void)[] = [];
  const pauses: number[] = [];
  let nowMs = 0;
  const wait = async (ms: number): Promise<void> => {
    pauses.push(ms);
    nowMs += ms;
  };
  const render = () =>
    new Promise<number>((resolve) => {
      const number = finish.length + 1;
      finish.push((tookMs) => {
        nowMs += tookMs;
        resolve(number);
      });
    });
  const ask = shareRender(render, { now: () => nowMs, wait });
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  const first = [ask(), ask()];
  await settled();
  t.equal(finish.length, 1);
  const second = [ask(), ask(), ask()];
  await settled();
  t.equal(finish.length, 1, 'the second waits for the first');
  finish[0]?.(10);
  t.strictSame(await Promise.all(first), [1, 1]);
  await settled();
  t.equal(finish.length, 2, 'one rendering for all who asked during the first');
  finish[1]?.(1);
  t.strictSame(await Promise.all(second), [2, 2, 2]);

  const third = ask();
  await settled();
  finish[2]?.(10_000);
  t.equal(await third, 3);
  ask();
  await settled();
  t.strictSame(pauses, [190, 50, 1_000], '19 times as long as the rendering, from 50 ms to a second');

  const failing = shareRender(() => Promise.reject(new Error('no')), { now: () => nowMs, wait });
  await t.rejects(failing(), { message: 'no' });
  await t.rejects(failing(), { message: 'no' }, 'a failure is not the end of it');
});

t.test('M2 a request that does not come to its end, is too long, or does not wait its turn is ended', async (t) => {
  const port = await startPort(t, { limits: { ...SIDE_PORT_LIMITS, headersMs: 50, requestMs: 50 } });
  for (const part of ['', 'GET /metr', 'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n']) {
    const socket = await open(port);
    socket.write(part);
    await closed(socket);
  }
  // Those who are to be heard get the time that everybody has.
  const patient = await startPort(t);
  const tooLong = await open(patient);
  tooLong.write(`GET /livez HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(SIDE_PORT_LIMITS.headBytesMax)}\r\n\r\n`);
  t.match(await text(tooLong), /^HTTP\/1\.1 431 /);
  const pipelining = await open(patient);
  pipelining.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1_000));
  await closed(pipelining);
  t.equal(pipelining.bytesRead, 0);
  t.match(await ask(patient, '/livez'), { status: 200 });
});

t.test('M2 a client that does not read its answer loses its place to one that does', async (t) => {
  const limits = { ...SIDE_PORT_LIMITS, connectionsMax: 1, idleMs: 1_000 };
  const port = await startPort(t, { status: () => ({ long: 'x'.repeat(2 ** 25) }), limits });
  const lazy = await open(port);
  t.teardown(() => lazy.destroy());
  lazy.pause().write('GET /status HTTP/1.1\r\nHost: a\r\n\r\n');

  let refused = 0;
  const served = async () => ask(port, '/livez').catch(() => undefined);
  let answer = await served();
  while (answer === undefined) {
    refused++;
    answer = await served();
  }
  t.match(answer, { status: 200 });
  t.ok(refused > 0, 'until then, one more than the limit was dropped as it connected');
});

t.test('M2 slow clients and a storm of scrapes: few renderings, and the data port answers between them', async (t) => {
  const data = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(data, 'listening');
  const address = data.address();
  const peer = await open(typeof address === 'object' && address !== null ? address.port : 0);
  t.teardown(() => {
    peer.destroy();
    data.close();
  });

  const metrics = newMetrics();
  let renderings = 0;
  const render: SidePortOptions['metrics']['render'] = (format) => {
    renderings++;
    return metrics.render(format);
  };
  const port = await startPort(t, { metrics: { render } });
  const slow = await Promise.all(Array.from({ length: SIDE_PORT_LIMITS.connectionsMax - 32 }, () => open(port)));
  for (const socket of slow) socket.write('GET /metrics HTTP/1.1\r\nHo');
  t.teardown(() => slow.forEach((socket) => void socket.destroy()));

  const scraper = async () => {
    for (let i = 0; i < 10; i++) t.match(await ask(port, '/metrics'), { status: 200 });
  };
  const storm = Promise.all(Array.from({ length: 32 }, scraper)).then(() => 'over' as const);
  let echoes = 0;
  let state: 'over' | 'running' = 'running';
  storm.then(() => {
    state = 'over';
  });
  while (state === 'running') {
    peer.write('x');
    await once(peer, 'data');
    echoes++;
  }
  t.ok(renderings < 160, `${renderings} renderings for 320 scrapes`);
  t.ok(echoes > renderings, `${echoes} echoes meanwhile`);
});

t.test('U5 what a peer chose is logged as one bounded, escaped line', async (t) => {
  const { log, lines } = logLines();
  log.info({ client: 'a\r\n{"level":"fatal"}\u0000\u001b[31m\u202e\u2028\ud800'.padEnd(10_240, 'x') }, 'hello');
  t.equal(lines.length, 1);
  const client = String(lines[0]?.client);
  t.match(
    client,
    /^a\\u\{d\}\\u\{a\}\{"level":"fatal"\}\\u\{0\}\\u\{1b\}\[31m\\u\{202e\}\\u\{2028\}\\u\{d800\}x+… \(10240 /,
  );
  t.ok(client.length < 400);
  log.error({ err: new Error('boom'), left: 3 }, 'failed');
  t.match(lines[1], { err: { message: 'boom', stack: /observe/ }, left: 3 }, 'what is no text stays as it is');
  t.equal(bounded('Grüße, 你好 👋🏽'), 'Grüße, 你好 👋🏽');
  t.match(lines[0], { level: 'info', msg: 'hello', time: /^\d{4}-\d\d-\d\dT.*Z$/ });
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (name) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(bounded(name, 64))));
});

t.test('a scrape looks at the server once', async (t) => {
  const server = new PushServer(OPTIONS, new World().env);
  let looks = 0;
  const stats = server.stats();
  server.stats = () => ({ ...stats, topics: ++looks, connectionsLimit: looks });
  const metrics = newMetrics();
  readGauges(metrics, server);
  const before = looks;
  const { body } = await metrics.render('prometheus');
  t.equal(looks, before + 1);
  t.match(body, `push_daemon_topics ${looks}\n`);
  t.match(body, `push_daemon_connections_limit ${looks}\n`);
});

t.test('whoever opens a port to others is told what they can do', async (t) => {
  const warnings = async (values: { host?: string; metricsHost?: string }) => {
    const loaded = loadConfig({ flags: { port: '0', metricsPort: '0', ...values }, env: {}, readFile: () => '' });
    if (!loaded.ok) throw new Error('the configuration is not valid');
    const lines: string[] = [];
    const daemon = await startDaemon({ config: loaded.config, logTo: { write: (line) => lines.push(line) } });
    await daemon.stop();
    return lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'warn');
  };
  t.same(await warnings({}), []);
  t.match(await warnings({ host: '0.0.0.0' }), [{ host: '0.0.0.0' }]);
  t.match(await warnings({ metricsHost: '0.0.0.0' }), [{ metricsHost: '0.0.0.0', msg: /side port/ }]);
});

t.test('docs/METRICS.md is what the table says', async (t) => {
  const file = readFileSync(new URL('../../docs/METRICS.md', import.meta.url), 'utf8');
  t.ok(file.includes(metricsTable(METRIC_LABELS)), 'stale: npm run build && node scripts/docs.mjs');
  t.ok(file.includes(processMetricsList()), 'stale: npm run build && node scripts/docs.mjs');
});
