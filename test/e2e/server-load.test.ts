import t, { type Test } from 'tap';
import { CODES } from '../../src/wire/index.js';
import { endings, SidePort } from '../support/side-port.js';
import { dialClient, listener, type SocketClient, welcomed } from '../support/socket-client.js';
import { daemon } from './cli-process.js';

/** Nobody is judged for being slow. */
const PATIENT = ['--heartbeat', '10m', '--handshake-timeout', '1h'];

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** Comes, and says and asks for everything at once. Resolves with the first word of the answer. */
const storm = async (t: Test, port: string): Promise<SocketClient> => {
  const client = (await dialClient(t, port)).hello().subscribe('a');
  await client.until(() => client.frames.length > 0);
  return client;
};

t.test('A1 A2 A4 a storm of 1,500 against 500: each is welcomed or told BUSY, and every slot comes back', async (t) => {
  const { port, metricsPort } = await daemon(t, ['--max-conns', '500', ...PATIENT]);
  const side = new SidePort(t, metricsPort);
  const before = (await side.metrics()).get('process_open_fds') ?? 0;
  const clients = await Promise.all(times(1_500, () => storm(t, port)));
  const inside = clients.filter((client) => client.frames[0]?.type === 'welcome');
  const outside = clients.filter((client) => client.frames[0]?.type === 'close');
  t.same([inside.length, outside.length], [500, 1_000]);
  for (const { close } of outside) {
    if (close?.code !== CODES.BUSY.code || !close.retryable || close.retryAfterMs < 500) t.fail(JSON.stringify(close));
  }
  await Promise.all(outside.map((client) => client.ended));
  t.ok(outside.every((client) => client.end === 'fin' && client.frames.length === 1));

  await Promise.all(inside.map((client) => client.frame('subscribed')));
  inside[0]?.publish(1, 'a', 'news');
  await Promise.all(inside.map((client) => client.until(() => client.texts('a').length === 1)));
  t.match(await side.metrics(), new Map([['connections', 500]]));

  // A reset, an end, a broken rule with a reset behind it, and a BYE that is not waited for: all of them at once.
  const leavings: ((client: SocketClient) => void)[] = [
    ({ socket }) => socket.resetAndDestroy(),
    ({ socket }) => socket.end(),
    (client) => client.sendBytes(Buffer.alloc(4)).socket.end(() => client.socket.resetAndDestroy()),
    (client) => client.send(BYE).socket.destroySoon(),
  ];
  for (const [i, client] of inside.entries()) leavings[i % leavings.length]?.(client);
  const after = await side.untilMetrics(
    (now) => now.get('connections') === 0 && now.get('process_open_fds') === before,
  );
  t.equal(after.get('connections_accepted_total'), 500);
  t.equal(after.get('connections_rejected_total{reason="busy"}'), 1_000);
  const causes = endings(after);
  t.equal(
    Object.values(causes).reduce((sum, count) => sum + count, 0),
    500,
    'one cause each',
  );
  t.equal(causes.bye, 125);
  const { stats } = await side.status();
  t.match(stats, { connections: 0, laggingCursors: 0, timers: 0 });

  const again = await Promise.all(times(500, () => storm(t, port)));
  t.ok(
    again.every((client) => client.frames[0]?.type === 'welcome'),
    'all that there is room for',
  );
});

const BYE = { type: 'close', code: 1000, reason: '', retryable: false, retryAfterMs: 0, endpoint: '' } as const;

t.test(
  'A3 descriptors run out: existing clients are served, the metrics show it, and it recovers',
  { skip: process.platform !== 'linux' && 'only Linux can limit another process' },
  async (t) => {
    const running = await daemon(t, ['--max-conns', '1000', ...PATIENT], { descriptors: 64 });
    const { port, metricsPort, child, stdout } = running;
    const side = new SidePort(t, metricsPort);
    await side.status();
    const reader = await listener(t, port, 'a');
    const writer = await welcomed(t, port);
    const before = (await side.metrics()).get('process_open_fds') ?? 0;

    const crowd = await Promise.all(times(200, () => dialClient(t, port)));
    await Promise.race(crowd.map((client) => client.ended));
    const metrics = await side.untilMetrics((now) => now.get('process_open_fds') === now.get('process_max_fds'));
    t.equal(metrics.get('process_max_fds'), 64);
    writer.publish(1, 'a', 'in need');
    await writer.frame('ack');
    await reader.until(() => reader.texts('a').length === 1);
    t.equal(child.exitCode, null);

    for (const { socket } of crowd) socket.destroy();
    await side.untilMetrics((now) => now.get('connections') === 2 && now.get('process_open_fds') === before);
    const late = await listener(t, port, 'a');
    writer.publish(2, 'a', 'recovered');
    for (const client of [reader, late]) await client.until(() => client.texts('a').at(-1) === 'recovered');
    t.match(stdout.text, /"descriptorLimit":64/, 'and it was said at the start that this would come');
  },
);

t.test('S4 nine hundred topics on one connection: each in order, and none keeps another waiting', async (t) => {
  const { port } = await daemon(t, PATIENT);
  const [reader, writer] = [await welcomed(t, port), await welcomed(t, port)];
  const topics = times(900, (i) => `topic.${i}`);
  for (const topic of topics) reader.subscribe(topic);
  await reader.until(() => reader.frames.length === 900);
  t.ok(reader.frames.every((frame) => frame.type === 'subscribed'));
  for (let round = 1; round <= 20; round++) {
    for (const topic of topics) writer.publish(0, topic, `${topic} ${round}`);
  }
  for (const topic of topics) await reader.until(() => reader.texts(topic).length === 20);
  for (const topic of topics) {
    const expected = times(20, (i) => `${topic} ${i + 1}`).join();
    if (reader.texts(topic).join() !== expected) t.fail(`${topic}: ${reader.texts(topic)}`);
  }
});

t.test('M1 thousands of topics and hundreds of clients: not a series more', async (t) => {
  const { port, metricsPort } = await daemon(t, ['--max-conns', '500', ...PATIENT]);
  const side = new SidePort(t, metricsPort);
  const before = [...(await side.metrics()).keys()];
  const clients = await Promise.all(times(500, (i) => welcomed(t, port, { client: `client-${i}` })));
  for (const [i, client] of clients.entries()) {
    for (let n = 0; n < 20; n++) client.publish(n + 1, `topic.${i}.${n}`, 'x');
  }
  for (const client of clients) await client.until(() => client.frames.length === 20);
  const after = await side.metrics();
  t.match(after, new Map(Object.entries({ topics: 10_000, connections: 500, records_published_total: 10_000 })));
  // Kinds of garbage collection come up as they happen, and are few.
  const ours = (series: readonly string[]) => series.filter((name) => !name.startsWith('nodejs_gc_'));
  t.same(ours([...after.keys()]), ours(before));
});
