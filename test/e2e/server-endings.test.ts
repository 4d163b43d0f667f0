import { channel } from 'node:diagnostics_channel';
import type { Server } from 'node:net';
import t, { type Test } from 'tap';
import { loadConfig } from '../../src/config/index.js';
import { startDaemon } from '../../src/daemon/index.js';
import { encodeFrame } from '../../src/wire/index.js';
import { publishFrame } from '../support/protocol-client.js';
import { endings, SidePort } from '../support/side-port.js';
import { dialClient, listener, type SocketClient, welcomed } from '../support/socket-client.js';
import { daemon } from './cli-process.js';

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

t.test('F8 FIN or RST in the middle of a frame, wherever: nothing of it is delivered', async (t) => {
  const { port, metricsPort } = await daemon(t);
  const side = new SidePort(t, metricsPort);
  const reader = await listener(t, port, 'a');
  const frame = encodeFrame(publishFrame(1, 'a', 'half'));
  const cuts = [1, 4, 5, frame.length >> 1, frame.length - 4, frame.length - 1];
  for (const cut of cuts) {
    const [fin, rst] = [await welcomed(t, port), await welcomed(t, port)];
    fin.sendBytes(frame.subarray(0, cut)).socket.end();
    // Reset when the part is on its way: what is still in the process would be dropped with the socket.
    rst.socket.write(frame.subarray(0, cut), () => rst.socket.resetAndDestroy());
    await fin.ended;
  }
  const metrics = await side.untilMetrics((now) => now.get('connections') === 1);
  t.same(endings(metrics), { peer_gone: 2 * cuts.length });
  t.equal(metrics.get('corrupt_frames_total'), 0);
  (await welcomed(t, port)).publish(1, 'a', 'whole');
  await reader.until(() => reader.texts('a').length > 0);
  t.same([reader.texts('a'), reader.offsets('a')], [['whole'], [1]]);
});

t.test('H1 H3 one who says nothing, and one who is refused and holds on, lose their sockets', async (t) => {
  const { port, metricsPort } = await daemon(t, ['--handshake-timeout', '50ms']);
  const silent = await dialClient(t, port, { holdsOn: true });
  const refused = (await dialClient(t, port, { holdsOn: true })).hello({ version: 9 });
  await Promise.all([silent.ended, refused.ended]);
  t.same([silent.cause, refused.cause], ['HANDSHAKE_TIMEOUT', 'UNSUPPORTED_VERSION']);
  t.same([silent.end, refused.end], ['fin', 'fin']);
  const metrics = await new SidePort(t, metricsPort).untilMetrics((now) => now.get('connections') === 0);
  t.same(endings(metrics), { handshake_timeout: 1, unsupported_version: 1 });
});

/** A daemon with readers, of whom some have stopped reading and are behind. */
const scene = async (t: Test, drainTimeout: string) => {
  const running = await daemon(t, ['--heartbeat', '10m', '--drain-timeout', drainTimeout]);
  const { port, metricsPort } = running;
  const [readers, stuck] = await Promise.all(
    [200, 10].map((count) => Promise.all(times(count, () => listener(t, port, 'a')))),
  );
  const writer = await welcomed(t, port);
  for (const { socket } of stuck ?? []) socket.pause();
  const load = new Load(writer);
  const side = new SidePort(t, metricsPort);
  await side.untilStatus(({ stats }) => stats.laggingCursors >= 10);
  return { running, readers: readers ?? [], stuck: stuck ?? [], writer, load };
};

/** Publishes as fast as it is acknowledged, until the link ends. */
class Load {
  /** The records that were acknowledged. */
  readonly acknowledged: string[] = [];
  /** Resolves with the end of the link. */
  readonly over: Promise<void>;

  constructor(writer: SocketClient) {
    const run = async () => {
      for (let request = 1; ; request++) {
        const text = `${request}`.padEnd(20_000, '.');
        await writer.publish(request, 'a', text).frame('ack');
        this.acknowledged.push(text);
      }
    };
    this.over = run().catch(() => {});
  }
}

const isTold = ({ cause, end, close }: SocketClient): boolean =>
  cause === 'DRAINING' && end === 'fin' && close?.retryable === true;

t.test('D1 D2 SIGTERM under load: what was acknowledged arrives, all are told and spread, exit 0', async (t) => {
  const { running, readers, stuck, writer, load } = await scene(t, '2s');
  running.child.kill('SIGTERM');
  await Promise.all([load.over, ...readers.map((reader) => reader.ended)]);
  t.ok(isTold(writer));
  t.equal(readers.filter(isTold).length, readers.length);
  for (const reader of readers) {
    const texts = reader.texts('a');
    if (load.acknowledged.some((text, i) => text !== texts[i])) t.fail('a record that was acknowledged is missing');
  }
  const waits = readers.map(({ close }) => close?.retryAfterMs ?? 0);
  t.ok(new Set(waits).size > readers.length / 2, 'they do not all come back at once');
  t.equal(await running.ended, 0, 'although some have not taken what is theirs');
  t.match(running.stdout.text, /"msg":"drained"/);

  // What had reached them is whole, in order, and ends somewhere.
  for (const reader of stuck) reader.socket.resume();
  await Promise.all(stuck.map((reader) => reader.ended));
  for (const reader of stuck) {
    if (reader.offsets('a').some((offset, i) => offset !== i + 1)) t.fail('out of order');
  }
});

t.test('D3 a second signal, whichever: the end, whoever is still there', async (t) => {
  const { running, readers, stuck } = await scene(t, '1h');
  running.child.kill('SIGTERM');
  await running.logged('draining');
  await Promise.all(readers.map((reader) => reader.ended));
  t.equal(running.child.exitCode, null, 'it waits for those who have not taken what is theirs');
  running.child.kill('SIGINT');
  t.equal(await running.ended, 1);
  for (const reader of stuck) reader.socket.resume();
  await Promise.all(stuck.map((reader) => reader.ended));
});

t.test('D3 nobody is let in while it drains', async (t) => {
  const { running } = await scene(t, '1h');
  running.child.kill('SIGTERM');
  await running.logged('draining');
  await t.rejects(dialClient(t, running.port), { code: 'ECONNREFUSED' });
});

t.test('A3 an accept that fails is logged, and nobody who is there notices', async (t) => {
  const listening: Server[] = [];
  const started = (message: unknown) => void listening.push((message as { readonly server: Server }).server);
  channel('tracing:net.server.listen:asyncStart').subscribe(started);
  t.teardown(() => channel('tracing:net.server.listen:asyncStart').unsubscribe(started));
  const loaded = loadConfig({ flags: { port: '0', metricsPort: '0' }, env: {}, readFile: () => '' });
  if (!loaded.ok) throw new Error('the configuration of this test is wrong');
  const lines: { readonly [field: string]: unknown }[] = [];
  const running = await startDaemon({
    config: loaded.config,
    logTo: { write: (line) => lines.push(JSON.parse(line)) },
  });
  t.teardown(() => running.stop());
  const reader = await listener(t, `${running.address.port}`, 'a');
  t.equal(listening.length, 2, 'the data port and the side port');
  for (const server of listening) server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }));
  const told = lines.filter(({ level }) => level === 'error');
  t.match(told, [
    { msg: 'a connection was not accepted', err: { code: 'EMFILE' } },
    { msg: 'side port: a connection was not accepted' },
  ]);
  reader.publish(1, 'a', 'x');
  await reader.until(() => reader.texts('a').length === 1);
});
