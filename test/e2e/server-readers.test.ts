import t from 'tap';
import { SidePort } from '../support/side-port.js';
import { listener, type SocketClient, welcomed } from '../support/socket-client.js';
import { cli, daemon } from './cli-process.js';

const KIB = 1024;
/** What one connection may hold of data that its link has not taken: in flight, one slice more, and control frames. */
const PENDING_MAX = (256 + 64 + 64) * KIB;
/** Nobody is judged for being slow. */
const PATIENT = ['--heartbeat', '10m', '--write-timeout', '1h'];

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Publishes records of 10 KB, each acknowledged, until `enough` says so; then the count is how many there are. */
const flood = async (writer: SocketClient, enough: () => Promise<boolean>, from = 0): Promise<number> => {
  let count = from;
  for (;;) {
    for (let i = 0; i < 50; i++) writer.publish(++count, 'a', `${count}`.padEnd(10_000, '.'));
    const last = count;
    await writer.until(() => writer.frames.some((frame) => frame.type === 'ack' && frame.requestId === last));
    writer.frames.length = 0;
    if (await enough()) return count;
  }
};

t.test(
  'C1 a reader that stops: nobody else notices, what it holds is bounded, and it goes on without loss',
  async (t) => {
    const { port, metricsPort } = await daemon(t, PATIENT);
    const side = new SidePort(t, metricsPort);
    const [healthy, slow, writer] = [
      await listener(t, port, 'a'),
      await listener(t, port, 'a'),
      await welcomed(t, port),
    ];
    slow.socket.pause();
    let rounds = 0;
    const count = await flood(writer, async () => {
      const { stats, connections } = await side.status();
      for (const { pendingBytes } of connections) if (pendingBytes > PENDING_MAX) t.fail(`${pendingBytes} bytes wait`);
      // It has fallen behind, and then some.
      if (stats.laggingCursors > 0) rounds += 1;
      return rounds > 10;
    });
    await healthy.until(() => healthy.offsets('a').length === count);
    t.ok(slow.offsets('a').length < count);
    slow.socket.resume();
    await slow.until(() => slow.offsets('a').length === count);
    t.same(slow.offsets('a'), numbers(1, count));
    t.same(slow.frames, [], 'no GAP, and no word more');
    await side.untilStatus(({ stats }) => stats.laggingCursors === 0);
    writer.publish(0, 'a', 'live');
    await slow.until(() => slow.texts('a').at(-1) === 'live');
  },
);

/** Loaded into a daemon: at SIGUSR2 it collects all of its garbage, and says how much memory is left in use. */
const SAYS_WHAT_IS_IN_USE = `
  import { setFlagsFromString } from 'node:v8';
  import { runInNewContext } from 'node:vm';
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  process.on('SIGUSR2', () => {
    for (let i = 0; i < 3; i++) collect();
    const { heapUsed, external } = process.memoryUsage();
    console.error(\`in use: \${heapUsed + external}\`);
  });`;

t.test('C4 a hundred slow readers: memory as with as many that read, within 20 %', async (t) => {
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(SAYS_WHAT_IS_IN_USE)}` };
  const { port, metricsPort, child, stderr } = await daemon(t, PATIENT, { env });
  const side = new SidePort(t, metricsPort);
  let said = 0;
  /** Without the log, which is retained for everybody. */
  const inUse = async (): Promise<number> => {
    const { stats } = await side.status();
    child.kill('SIGUSR2');
    said += 1;
    const line = await stderr.until((lines) => lines.filter((each) => each.startsWith('in use: '))[said - 1]);
    return Number(line.slice('in use: '.length)) - stats.logBytes;
  };
  const writer = await welcomed(t, port);
  const crowd = await Promise.all(numbers(1, 100).map(() => listener(t, port, 'a')));
  let rounds = 0;
  let count = await flood(writer, async () => ++rounds === 10);
  for (const client of crowd) await client.until(() => client.offsets('a').at(-1) === count);
  const withNone = await inUse();

  for (const { socket } of crowd) socket.pause();
  rounds = 0;
  const allLag = async () => (await side.status()).stats.laggingCursors >= 100;
  count = await flood(writer, async () => (await allLag()) && ++rounds === 10, count);
  const withAll = await inUse();
  t.ok(withAll < withNone * 1.2, `${withAll} bytes with slow readers, ${withNone} without`);
});

t.test('B2 a reader stopped with SIGSTOP: others go on, and with SIGCONT it catches up without loss', async (t) => {
  const { port, metricsPort } = await daemon(t, PATIENT);
  const side = new SidePort(t, metricsPort);
  const sub = cli(t, ['sub', 'a', '--port', port, '--from', 'earliest', '--check', '--json']);
  const [healthy, writer] = [await listener(t, port, 'a'), await welcomed(t, port)];
  writer.publish(1, 'a', '1');
  await sub.stdout.line(/"offset":1,/);
  sub.child.kill('SIGSTOP');
  const count = await flood(writer, async () => (await side.status()).stats.laggingCursors === 1, 1);
  await healthy.until(() => healthy.offsets('a').length === count);
  sub.child.kill('SIGCONT');
  await sub.stdout.line(new RegExp(`"offset":${count},`));
  sub.child.kill('SIGINT');
  t.equal(await sub.ended, 0);
  t.match(JSON.parse(sub.stderr.lines.at(-1) ?? ''), {
    records: count,
    lost: 0,
    missing: 0,
    duplicates: 0,
    reordered: 0,
  });
});

t.test('B2 a reader stopped with SIGSTOP for 3 intervals is dead, and with SIGCONT is told what it lost', async (t) => {
  const args = ['--heartbeat', '1s', '--retain-bytes', '1MiB', '--write-timeout', '1h'];
  const { port, metricsPort, logged } = await daemon(t, args);
  const side = new SidePort(t, metricsPort);
  const sub = cli(t, ['sub', 'a', '--port', port, '--from', 'earliest', '--check', '--json']);
  const [healthy, writer] = [await listener(t, port, 'a'), await welcomed(t, port)];
  writer.publish(1, 'a', '1');
  await sub.stdout.line(/"offset":1,/);
  sub.child.kill('SIGSTOP');
  // What it never took is not waited for: the end is that of its connection.
  const count = await flood(writer, async () => (await side.status()).connections.length === 2, 1);
  t.match(await logged('connection ended'), { client: 'push-daemon sub', cause: 'HEARTBEAT_TIMEOUT', by: 'local' });
  await healthy.until(() => healthy.offsets('a').length === count);
  t.same([healthy.end, writer.end], ['none', 'none']);

  sub.child.kill('SIGCONT');
  const gap = JSON.parse(await sub.stdout.line(/^.*"type":"gap".*/));
  t.match(gap, { topic: 'a', reason: 'EVICTED' });
  await sub.stdout.line(new RegExp(`"offset":${count},`));
  sub.child.kill('SIGINT');
  await sub.ended;
  const lost = gap.toOffset - gap.fromOffset + 1;
  const summary = { records: count - lost, lost, missing: 0, duplicates: 0, reordered: 0 };
  t.match(JSON.parse(sub.stderr.lines.at(-1) ?? ''), summary, 'what it was not sent was declared, record for record');
});
