import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { type Client, connect, type Subscription, type TopicEvent } from '../../src/client/index.js';
import { loadConfig } from '../../src/config/index.js';
import { type Daemon, startDaemon } from '../../src/daemon/index.js';

t.test('K4 a closed client leaves nothing: no socket, no timer, no slot', async (t) => {
  const daemon = await start(t);
  const before = held();
  const one = await connected(t, daemon.address.port);
  await one.publish('a', 'x');
  t.ok(held() > before, 'while it is there, it shows');
  await one.close();
  const nowhere = client(t, await freePort());
  for await (const event of nowhere.status()) if (event.type === 'disconnected') break;
  await nowhere.close();
  // The daemon's ends are sockets of this process, too, and go a little later.
  while (held() > before) await new Promise(setImmediate);
  t.pass('all of it was given back');
});

t.test('publish, subscribe and fetch, against the daemon', async (t) => {
  const daemon = await start(t);
  const client = await connected(t, daemon.address.port);
  const live = client.subscribe('orders.eu');
  const pattern = client.subscribe('orders.*');
  await Promise.all([live.ready(), pattern.ready()]);
  const record = { data: 'one', key: 'k', headers: { h: 'v' }, id: 'id-1' };
  const first = await client.publish('orders.eu', record);
  t.match(first, { offset: 1, duplicate: false });
  t.match(await client.publish('orders.eu', record), { offset: 1, duplicate: true });
  t.match(await client.publish('orders.eu', ['two', 'three']), [{ offset: 2 }, { offset: 3 }]);
  t.match(await client.publish('orders.us', 'other'), { offset: 1 });
  t.strictSame(await take(live, 3), ['one', 'two', 'three']);
  t.strictSame((await take(pattern, 4)).sort(), ['one', 'other', 'three', 'two']);
  await live.return();
  await pattern.return();
  const { events, next, more } = await client.fetch('orders.eu', { from: { epoch: first.epoch, offset: 3 } });
  t.match(events, [{ offset: 3, data: Buffer.from('three') }]);
  t.match([next, more], [{ epoch: first.epoch, offset: 4 }, false]);
  const history = client.subscribe('orders.eu', { from: 'earliest' });
  const { value } = await history.next();
  t.match(value, { data: Buffer.from('one'), key: 'k', id: Buffer.from('id-1'), headers: new Map([['h', 'v']]) });
  await t.rejects(client.publish('orders.*', 'x'), { code: 'REFUSED', reason: 'BAD_TOPIC' });
});

t.test('R1 links are cut again and again while publishing goes on: no gap, no duplicate, no reorder', async (t) => {
  const daemon = await start(t);
  const proxy = await startProxy(t, daemon.address.port);
  const publisher = await connected(t, proxy.port);
  const subscriber = await connected(t, proxy.port);
  const subscription = subscriber.subscribe('a', { from: 'earliest' });
  await subscription.ready();
  const expected = Array.from({ length: 3_000 }, (_, i) => `${i}`);
  const published: Promise<unknown>[] = [];
  const seen = (async () => {
    const data: string[] = [];
    for await (const event of subscription) {
      t.equal(event.type, 'message');
      data.push(textOf(event));
      if (data.length % 500 === 0) proxy.cut();
      if (data.length === expected.length) return data;
    }
    return data;
  })();
  for (const [i, data] of expected.entries()) {
    published.push(publisher.publish('a', data));
    // Each batch is on its way by the time the next one is made.
    if (i % 10 === 0) await new Promise(setImmediate);
  }
  await Promise.all(published);
  t.strictSame(await seen, expected);
  // Two at the first time; later ones may come while a client is still waiting to dial.
  t.ok(proxy.cuts >= 2, `${proxy.cuts} links were cut`);
});

t.test('the daemon is restarted: another epoch, which is declared, and everything goes on', async (t) => {
  const daemon = await start(t);
  const { port } = daemon.address;
  const client = await connected(t, port);
  const subscription = client.subscribe('a');
  await subscription.ready();
  const before = await client.publish('a', 'before');
  t.strictSame(await take(subscription, 1), ['before']);
  await daemon.drain();
  const waiting = client.publish('a', 'meanwhile');
  await start(t, { port: `${port}` });
  const { epoch } = await waiting;
  t.not(epoch, before.epoch);
  t.match((await subscription.next()).value, { type: 'gap', reason: 'EPOCH_CHANGED', epoch });
  t.match((await subscription.next()).value, { type: 'message', offset: 1, data: Buffer.from('meanwhile') });
});

t.test(
  'K3 an application that does not read: the daemon is not read from, the link lives, all of it comes',
  async (t) => {
    const daemon = await start(t);
    const publisher = await connected(t, daemon.address.port);
    const slow = await connected(t, daemon.address.port);
    const subscription = slow.subscribe('a', { bufferBytes: 64 * 1024 });
    await subscription.ready();
    const data = 'x'.repeat(64 * 1024);
    for (let i = 0; i < 256; i++) await publisher.publish('a', data);
    let count = 0;
    for await (const event of subscription) {
      t.equal(event.type === 'message' && event.offset, count + 1);
      count += 1;
      if (count === 256) break;
    }
    const events = slow.status();
    t.equal((await events.next()).value?.type, 'connected', 'on the link it had at first');
  },
);

t.test('K5 a full daemon says when to come back, and the client does', async (t) => {
  const daemon = await start(t, { maxConns: '1' });
  const first = await connected(t, daemon.address.port);
  const second = client(t, daemon.address.port);
  const busy: string[] = [];
  for await (const event of second.status()) {
    if (event.type === 'disconnected') {
      busy.push(event.cause);
      if (busy.length === 1) await first.close();
    }
    if (event.type === 'connected') break;
  }
  t.ok(busy.length > 0 && busy.every((cause) => cause === 'BUSY'));
});

/** A daemon of this process, on a free port unless one is named. */
t.test('K3 a loop that publishes what it reads, with thousands of records waiting, gets to the end', async (t) => {
  const daemon = await start(t);
  const seed = await connected(t, daemon.address.port);
  const records = Array.from({ length: 5_000 }, (_, i) => `${i}`);
  await seed.publish('in', records);
  const copier = await connected(t, daemon.address.port);
  const unread = copier.subscribe('in.other', { from: 'earliest', bufferRecords: 10 });
  await unread.ready();
  await seed.publish('in.other', records.slice(0, 1_000));
  let left = records.length;
  for await (const event of copier.subscribe('in', { from: 'earliest' })) {
    if (event.type === 'message') await copier.publish('out', event.data);
    left -= 1;
    if (left === 0) break;
  }
  t.strictSame(await take(seed.subscribe('out', { from: 'earliest' }), records.length), records);
  t.strictSame(await take(unread, 1_000), records.slice(0, 1_000));
});

async function start(t: Test, options: Record<string, string> = {}): Promise<Daemon> {
  const flags = { port: '0', metricsPort: '0', logLevel: 'silent', ...options };
  const loaded = loadConfig({ flags, env: {}, readFile: () => '' });
  if (!loaded.ok) throw new Error('the configuration of this test is wrong');
  const daemon = await startDaemon({ config: loaded.config });
  t.teardown(() => daemon.stop());
  return daemon;
}

function client(t: Test, port: number): Client {
  const client = connect(`127.0.0.1:${port}`);
  t.teardown(() => client.close({ timeoutMs: 0 }));
  return client;
}

async function connected(t: Test, port: number): Promise<Client> {
  const made = client(t, port);
  await made.ready();
  return made;
}

const textOf = (event: TopicEvent): string =>
  event.type === 'message' ? Buffer.from(event.data).toString() : event.reason;

/** The next so many events, as text. */
async function take(subscription: Subscription, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const { value } = await subscription.next();
    if (value === undefined) break;
    texts.push(textOf(value));
  }
  return texts;
}

/** Something in between that can cut every link at once. */
async function startProxy(t: Test, target: number) {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = dial(target, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = {
    port: (server.address() as AddressInfo).port,
    cuts: 0,
    cut: () => {
      proxy.cuts += sockets.size / 2;
      for (const socket of sockets) socket.destroy();
    },
  };
  t.teardown(() => {
    server.close();
    proxy.cut();
  });
  return proxy;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Sockets and timers of this process. */
const held = (): number =>
  process.getActiveResourcesInfo().filter((kind) => ['TCPSocketWrap', 'TCPConnectWrap', 'Timeout'].includes(kind))
    .length;
