import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import { loadConfig } from '../../src/config/index.js';
import { type Daemon, startDaemon } from '../../src/daemon/index.js';
import {
  DecodeStep,
  decodePayload,
  encodeFrame,
  type Frame,
  FrameDecoder,
  type FrameName,
} from '../../src/wire/index.js';

const missing = spawnSync('python3', ['--version']).status !== 0;
if (missing && process.env.CI === 'true') t.fail('python3 is not installed, and CI has to have it');
const skip = missing && 'python3 is not installed';

const CLIENT = 'examples/python/push_client.py';

const QUIET = { PUSH_DAEMON_PORT: '0', PUSH_DAEMON_METRICS_PORT: '0', PUSH_DAEMON_LOG_LEVEL: 'silent' };

async function startedFor(t: Test, env: { [name: string]: string } = {}): Promise<Daemon> {
  const loaded = loadConfig({ flags: {}, env: { ...QUIET, ...env }, readFile: () => '' });
  if (!loaded.ok) throw new Error('not a legal configuration');
  const daemon = await startDaemon({ config: loaded.config });
  t.teardown(() => daemon.stop());
  return daemon;
}

const daemonFor = async (t: Test, env?: { [name: string]: string }) => (await startedFor(t, env)).address.port;

/** Something to wait for. */
function latch(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** The frames of a stream, with their bytes. */
function* framesIn(decoder: FrameDecoder, chunk: Uint8Array): Generator<{ frame: Frame; bytes: Uint8Array }> {
  decoder.push(chunk);
  while (decoder.next() === DecodeStep.FRAME) {
    const { bytes, start, end } = decoder;
    const frame = decodePayload(bytes, start, end);
    if (frame.type !== 'fault') yield { frame, bytes: bytes.subarray(start - 4, end + 4) };
  }
}

interface Proxy {
  readonly port: number;
  /** Connections made so far. */
  connections: number;
}

/**
 * What becomes of a frame on its way to the client: `cut` breaks the link in its middle, `damage` turns a bit of its
 * last byte of payload, `drop` leaves it out, and from `silence` on nothing more comes on this connection.
 */
type Fate = 'pass' | 'cut' | 'damage' | 'drop' | 'silence';

/**
 * Stands between a client and the daemon, and asks for the fate of each frame from the daemon. A connection is let
 * through when `gate` lets it.
 */
async function proxyFor(
  t: Test,
  daemonPort: number,
  fateOf: (frame: Frame) => Fate,
  gate: (connection: number) => Promise<void> = async () => {},
): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const join = (client: Socket) => {
    const upstream = connect(daemonPort, '127.0.0.1');
    const decoder = new FrameDecoder('close');
    let silent = false;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    client.pipe(upstream);
    upstream.on('data', (chunk) => {
      for (const { frame, bytes } of framesIn(decoder, chunk)) {
        const fate = fateOf(frame);
        if (fate === 'cut') {
          client.end(bytes.subarray(0, bytes.length >> 1));
          upstream.destroy();
          return;
        }
        if (fate === 'silence') silent = true;
        if (silent) return;
        if (fate === 'drop') continue;
        client.write(fate === 'damage' ? damaged(bytes) : bytes);
      }
    });
  };
  const server = createServer({ pauseOnConnect: true }, (client) => {
    proxy.connections += 1;
    gate(proxy.connections).then(() => join(client));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const proxy = { port: (server.address() as AddressInfo).port, connections: 0 };
  return proxy;
}

function damaged(frame: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(frame);
  const last = copy.length - 5;
  copy[last] = (copy[last] ?? 0) ^ 1;
  return copy;
}

/** The fate is that of the frames of a type whose places, counted from 1, are given. */
function nth(fate: Fate, type: FrameName, ...places: number[]): (frame: Frame) => Fate {
  let seen = 0;
  return (frame) => (frame.type === type && places.includes(++seen) ? fate : 'pass');
}

/** Publishes batches without Python, and waits for the last ACK. */
async function publish(port: number, topic: string, ...batches: string[][]): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  const hello = { version: 1, client: '', token: '', heartbeatMs: 0, connectMs: 0, attempt: 0, resuming: false };
  socket.write(encodeFrame({ type: 'hello', ...hello }));
  batches.forEach((batch, index) => {
    const records = batch.map((text) => ({
      data: Buffer.from(text),
      id: new Uint8Array(),
      key: '',
      headers: new Map<string, string>(),
    }));
    socket.write(encodeFrame({ type: 'publish', requestId: index + 1, topic, records }));
  });
  const decoder = new FrameDecoder('close');
  for await (const chunk of socket) {
    for (const { frame } of framesIn(decoder, chunk)) {
      if (frame.type === 'ack' && frame.requestId === batches.length) return void socket.destroy();
    }
  }
  throw new Error('the publisher was cut off');
}

/** Runs the client to its end, and returns the lines of its output. */
async function runPython(t: Test, port: number, ...words: string[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: python(t, port, ...words).stdout })) lines.push(line);
  return lines;
}

function python(t: Test, port: number, ...words: string[]): ChildProcessByStdio<null, Readable, null> {
  const argv = ['-B', CLIENT, '127.0.0.1', String(port), ...words];
  const child = spawn('python3', argv, { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

/** The output of `sub`, a line at a time: the topic, the position without its epoch, the data. */
function linesOf(child: { readonly stdout: Readable }): (count: number) => Promise<string[]> {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async (count) => {
    const taken: string[] = [];
    while (taken.length < count) taken.push(String((await lines.next()).value).replace(/ \S+:(\d+) /, ' $1 '));
    return taken;
  };
}

/** `count` texts, from `first` on, in batches of so many. */
function texts(first: number, count: number, batch: number): string[][] {
  const all = Array.from({ length: count }, (_, index) => `text ${first + index}`);
  return Array.from({ length: Math.ceil(count / batch) }, (_, index) => all.slice(index * batch, (index + 1) * batch));
}

const expected = (first: number, count: number) =>
  texts(first, count, 1).map(([text], index) => `a.b ${first + index} ${text}`);

t.test('the client is one file of under 150 lines, none of them long', async (t) => {
  t.strictSame(readdirSync('examples/python').toSorted(), ['README.md', 'push_client.py']);
  const lines = readFileSync(CLIENT, 'utf8').trimEnd().split('\n');
  t.ok(lines.length < 150, `${lines.length} lines`);
  t.strictSame(
    lines.filter((line) => line.length > 120),
    [],
  );
});

t.test(
  'sub: history, live, and a link cut in the middle of frames: each record once, in order',
  { skip },
  async (t) => {
    const port = await daemonFor(t);
    const proxy = await proxyFor(t, port, nth('cut', 'messages', 2, 5, 9));
    await publish(port, 'a.b', ...texts(1, 30, 7));
    const take = linesOf(python(t, proxy.port, 'sub', 'a.b', 'earliest'));
    t.strictSame(await take(30), expected(1, 30));
    await publish(port, 'a.b', ...texts(31, 30, 4));
    t.strictSame(await take(30), expected(31, 30));
    t.equal(proxy.connections, 4, 'it has come back after each cut');
  },
);

t.test('sub: a pattern is resumed; a topic that came up meanwhile is sent from its beginning', { skip }, async (t) => {
  const port = await daemonFor(t);
  const [listening, home] = [latch(), latch()];
  const gate = (connection: number) => (connection === 1 ? Promise.resolve() : home.opened);
  const second = nth('cut', 'messages', 2);
  const fateOf = (frame: Frame) => {
    if (frame.type === 'subscribed') listening.open();
    return second(frame);
  };
  const proxy = await proxyFor(t, port, fateOf, gate);
  const take = linesOf(python(t, proxy.port, 'sub', 'a.>', 'latest'));
  await listening.opened;
  await publish(port, 'a.b', ['text 1']);
  t.strictSame(await take(1), expected(1, 1));
  await publish(port, 'a.b', ['text 2']);
  await publish(port, 'a.c', ['new']);
  home.open();
  t.strictSame(new Set(await take(2)), new Set([...expected(2, 1), 'a.c 1 new']));
});

t.test('sub: what was evicted while it was away is shown as a gap', { skip }, async (t) => {
  const port = await daemonFor(t, { PUSH_DAEMON_RETAIN_RECORDS: '10' });
  const home = latch();
  const gate = (connection: number) => (connection === 1 ? Promise.resolve() : home.opened);
  const [second, gap] = [nth('cut', 'messages', 2), nth('cut', 'gap', 1)];
  const proxy = await proxyFor(t, port, (frame) => (gap(frame) === 'cut' ? 'cut' : second(frame)), gate);
  await publish(port, 'a.b', ['text 1']);
  const take = linesOf(python(t, proxy.port, 'sub', 'a.b', 'earliest'));
  t.strictSame(await take(1), expected(1, 1));
  await publish(port, 'a.b', ...texts(2, 100, 1));
  home.open();
  t.strictSame(await take(11), ['a.b gap 2 to 91 EVICTED', ...expected(92, 10)]);
  t.equal(proxy.connections, 3, 'the first GAP was lost with its link');
});

t.test('sub: a restart of the daemon is shown as a gap, and it goes on with the new history', { skip }, async (t) => {
  const before = await startedFor(t);
  const { port } = before.address;
  await publish(port, 'a.b', ['text 1']);
  const proxy = await proxyFor(t, port, nth('cut', 'gap', 1));
  const take = linesOf(python(t, proxy.port, 'sub', 'a.b', 'earliest'));
  t.strictSame(await take(1), expected(1, 1));
  await before.drain();
  await daemonFor(t, { PUSH_DAEMON_PORT: String(port) });
  await publish(port, 'a.b', ['new']);
  t.strictSame(await take(2), ['a.b gap 1 to 0 EPOCH_CHANGED', 'a.b 1 new']);
});

t.test('sub: from a position in the middle of a batch', { skip }, async (t) => {
  const port = await daemonFor(t);
  const positions = await runPython(t, port, 'pub', 'a.b', ...texts(1, 5, 5).flat());
  const take = linesOf(python(t, port, 'sub', 'a.b', String(positions[2])));
  t.strictSame(await take(3), expected(3, 3));
});

t.test('sub: a quiet link is kept alive by heartbeats', { skip }, async (t) => {
  const port = await daemonFor(t, { PUSH_DAEMON_HEARTBEAT: '1s' });
  const alive = latch();
  let beats = 0;
  const proxy = await proxyFor(t, port, (frame) => {
    if (frame.type === 'ping' || frame.type === 'pong') beats += 1;
    if (beats === 4) alive.open();
    return 'pass';
  });
  const take = linesOf(python(t, proxy.port, 'sub', 'a.b', 'earliest'));
  await alive.opened;
  await publish(port, 'a.b', ['text 1']);
  t.strictSame(await take(1), expected(1, 1));
  t.equal(proxy.connections, 1);
});

t.test('sub: a frame with a wrong CRC is not acted on; it comes again on another link', { skip }, async (t) => {
  const port = await daemonFor(t);
  const proxy = await proxyFor(t, port, nth('damage', 'messages', 2));
  await publish(port, 'a.b', ...texts(1, 9, 3));
  t.strictSame(await linesOf(python(t, proxy.port, 'sub', 'a.b', 'earliest'))(9), expected(1, 9));
  t.equal(proxy.connections, 2);
});

t.test('sub: nothing is taken from behind a frame that is missing', { skip }, async (t) => {
  const port = await daemonFor(t);
  const proxy = await proxyFor(t, port, nth('drop', 'messages', 2));
  await publish(port, 'a.b', ...texts(1, 9, 3));
  t.strictSame(await linesOf(python(t, proxy.port, 'sub', 'a.b', 'earliest'))(9), expected(1, 9));
  t.equal(proxy.connections, 2);
});

t.test('sub: a server that has gone silent is given up', { skip }, async (t) => {
  const port = await daemonFor(t, { PUSH_DAEMON_HEARTBEAT: '200ms' });
  const proxy = await proxyFor(t, port, nth('silence', 'messages', 2));
  await publish(port, 'a.b', ...texts(1, 9, 3));
  t.strictSame(await linesOf(python(t, proxy.port, 'sub', 'a.b', 'earliest'))(9), expected(1, 9));
  t.equal(proxy.connections, 2);
});

t.test('a CLOSE is obeyed: one that is retryable by coming back, another by ending', { skip }, async (t) => {
  const closes = [
    { retryable: true, retryAfterMs: 1 },
    { retryable: false, retryAfterMs: 0 },
  ];
  let connections = 0;
  const server = createServer((client) => {
    const close = closes[connections++] ?? { retryable: false, retryAfterMs: 0 };
    client.on('error', () => {}).resume();
    client.end(encodeFrame({ type: 'close', code: 5999, reason: '', endpoint: '', ...close }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const child = python(t, (server.address() as AddressInfo).port, 'sub', 'a.b', 'latest');
  const [code] = await once(child, 'exit');
  t.equal(code, 1);
  t.equal(connections, 2);
});

t.test('a PING is answered with what it says', { skip }, async (t) => {
  const ping = { nonce: 2n ** 64n - 1n, sentUs: -1n };
  const server = createServer((client) => {
    client.on('error', () => {});
    client.write(encodeFrame({ type: 'ping', rttUs: 0, ...ping }));
    const decoder = new FrameDecoder('close');
    client.on('data', (chunk) => {
      for (const { frame } of framesIn(decoder, chunk)) if (frame.type === 'pong') server.emit('pong', frame);
    });
    t.teardown(() => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  python(t, (server.address() as AddressInfo).port, 'sub', 'a.b', 'latest');
  const [pong] = await once(server, 'pong');
  t.strictSame(pong, { type: 'pong', ...ping });
});

t.test('pub: an ACK that is lost leads to no second copy', { skip }, async (t) => {
  const port = await daemonFor(t);
  const proxy = await proxyFor(t, port, nth('cut', 'ack', 1));
  const positions = await runPython(t, proxy.port, 'pub', 'a.b', 'text 1', 'text 2');
  t.strictSame(
    positions.map((position) => position.split(':')[1]),
    ['1', '2'],
  );
  t.equal(proxy.connections, 2);
  await publish(port, 'a.b', ['text 3']);
  t.strictSame(await linesOf(python(t, port, 'sub', 'a.b', 'earliest'))(3), expected(1, 3));
});

t.test('the Python client: what it cannot make sense of is answered by its usage', { skip }, async (t) => {
  for (const words of [
    ['sub', 'a', 'nonsense'],
    ['sub', 'a', 'latest:x'],
    ['sub', 'a', ':5'],
    ['sub', 'a'],
    ['pub', 'a'],
  ]) {
    // Nobody is there: without the usage it would go on trying.
    const { status, stderr } = spawnSync('python3', [CLIENT, '127.0.0.1', '1', ...words], { timeout: 5_000 });
    t.equal(status, 1, words.join(' '));
    t.match(stderr.toString(), /Usage:/, words.join(' '));
  }
});
