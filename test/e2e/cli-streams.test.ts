import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import t from 'tap';
import { CODES, encodeFrame } from '../../src/wire/index.js';
import { cli, daemon, dial, run } from './cli-process.js';

t.test('pub and sub: arguments come out as lines, in order, and --count ends it', async (t) => {
  const { port } = await daemon(t);
  const pub = await run(t, ['pub', 'a.b', 'one', 'zwölf', '', '--port', port]);
  t.match(pub, { code: 0, stdout: '', stderr: /^3 records acknowledged$/m });
  const sub = await run(t, ['sub', 'a.*', '--port', port, '--from', 'earliest', '--count', '3', '--check']);
  t.equal(sub.code, 0);
  t.equal(sub.stdout, 'one\nzwölf\n\n');
  t.match(sub.stderr, /^3 records in/m);
  t.match(sub.stderr, /0 lost and declared, 0 missing without a word, 0 twice, 0 out of order, 0 epoch changes/);

  const two = await run(t, ['sub', 'a.b', '--port', port, '--from', 'last:3', '--count', '2', '--quiet']);
  t.strictSame(two, { code: 0, stdout: 'one\nzwölf\n', stderr: '' });
});

t.test('pub --json and sub --json: positions, key, headers, id, and data that is no text', async (t) => {
  const { port } = await daemon(t);
  const binary = Buffer.from([0xff, 0x00, 0x80]);
  const input = Buffer.concat([Buffer.from('{"n":1}\n'), binary, Buffer.from('\n')]);
  const pub = await run(
    t,
    ['pub', 'x', '--port', port, '--json', '--key', 'k', '--header', 'a=b', '--header', 'c=d=e'],
    {
      input,
    },
  );
  const acks = pub.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.match(acks, [
    { line: 1, topic: 'x', epoch: String, offset: 1, duplicate: false },
    { line: 2, offset: 2 },
  ]);

  const from = `${acks[0].epoch}:1`;
  const sub = await run(t, ['sub', 'x', '--port', port, '--from', from, '--count', '2', '--json', '--check']);
  const [first, second] = sub.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.match(first, {
    type: 'message',
    topic: 'x',
    epoch: acks[0].epoch,
    offset: 1,
    key: 'k',
    headers: { a: 'b', c: 'd=e' },
  });
  t.match(first, { id: /./, data: '{"n":1}', timestamp: /^\d{4}-.*Z$/, ageMs: Number });
  t.notOk('encoding' in first);
  t.match(second, { data: binary.toString('base64'), encoding: 'base64' });
  const summary = JSON.parse(sub.stderr.trim().split('\n').at(-1) ?? '');
  t.match(summary, { type: 'summary', records: 2, missing: 0, duplicates: 0, ageMs: { p50: Number, max: Number } });
  for (const ms of Object.values(summary.ageMs)) t.match(String(ms), /^\d+(\.\d{1,3})?$/, 'to the microsecond');
});

t.test(
  'pub --id-key: a second record of the same id is there already; lines without one are told of, exit 1',
  async (t) => {
    const { port } = await daemon(t);
    const input = '{"id":"a"}\n{"id":7}\n{"id":"a"}\nno json\n{"other":1}\n';
    const { code, stderr } = await run(t, ['pub', 'x', '--port', port, '--id-key', 'id'], { input });
    t.equal(code, 1);
    t.match(stderr, /^record 4: is no JSON$/m);
    t.match(stderr, /^record 5: has no "id" that is a number or a text$/m);
    t.match(stderr, /^3 records acknowledged, 1 of them there before, 2 not acknowledged$/m);
  },
);

t.test('pub: what the daemon refuses is not acknowledged, exit 1; a rate is kept to', async (t) => {
  const { port } = await daemon(t);
  const refused = await run(t, ['pub', '$a', 'x', '--port', port]);
  t.match(refused, { code: 1, stderr: /^record 1: BAD_TOPIC: /m });
  t.match(await run(t, ['pub', 'a', '1', '2', '3', '--rate', '100/s', '--port', port]), { code: 0 });
});

t.test('pub and sub: a long input of lines of any bytes goes through whole, in bounded memory', async (t) => {
  const { port } = await daemon(t);
  const lines = Array.from({ length: 50_000 }, (_, n) => `${n} ${randomBytes(n % 100).toString('latin1')}`);
  const input = Buffer.from(`${lines.map((line) => line.replaceAll('\n', '')).join('\n')}\n`, 'latin1');
  const pub = await run(t, ['pub', 'long', '--port', port], { input });
  t.match(pub, { code: 0, stderr: /^50,000 records acknowledged$/m });
  const sub = cli(t, ['sub', 'long', '--port', port, '--from', 'earliest', '--count', '50000', '--check']);
  const chunks: Buffer[] = [];
  sub.child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  t.equal(await sub.ended, 0);
  t.ok(Buffer.concat(chunks).equals(input), 'byte for byte');
});

t.test('sub: a reader that has seen enough ends it quietly', async (t) => {
  const { port } = await daemon(t);
  const sub = cli(t, ['sub', 'x', '--port', port, '--quiet', '--from', 'earliest']);
  await run(t, ['pub', 'x', 'one', '--port', port]);
  await sub.stdout.line(/one/);
  sub.child.stdout.destroy();
  // The first is what finds the pipe closed.
  await run(t, ['pub', 'x', 'two', 'three', '--port', port]);
  t.equal(await sub.ended, 0);
  t.equal(sub.stderr.text, '');
});

t.test('pub: a reader of standard error that is gone, or a full disk there, costs no record', async (t) => {
  const { port } = await daemon(t);
  const args = ['pub', 'x', '--port', port];
  const gone = cli(t, args);
  gone.child.stderr.destroy();
  gone.child.stdin.end('1\n2\n');
  t.equal(await gone.ended, 0);
  t.match(await run(t, args, { input: '3\n', redirect: '2>/dev/full' }), { code: 0 });
  const { stdout } = await run(t, ['sub', 'x', '--port', port, '--from', 'earliest', '--count', '3']);
  t.equal(stdout, '1\n2\n3\n');
});

t.test('sub: a reader that stops holds it up, and gets everything when it goes on', async (t) => {
  const { port } = await daemon(t);
  const sub = cli(t, ['sub', 'x', '--port', port, '--from', 'earliest', '--count', '3000', '--check']);
  sub.child.stdout.pause();
  const line = 'x'.repeat(1_000);
  await run(t, ['pub', 'x', '--port', port], { input: `${line}\n`.repeat(3_000) });
  sub.child.stdout.resume();
  t.equal(await sub.ended, 0);
  t.equal(sub.stdout.text.length, 3_000 * 1_001);
});

t.test('sub --check: the loss of a daemon without a disk is found, and the exit code is 1', async (t) => {
  const first = await daemon(t);
  const { port } = first;
  const sub = cli(t, ['sub', 'x', '--port', port, '--from', 'earliest', '--check', '--json']);
  await run(t, ['pub', 'x', 'one', '--port', port]);
  await sub.stdout.line(/"one"/);
  first.child.kill('SIGKILL');
  await first.ended;
  await sub.stderr.line(/^not connected: /);

  await daemon(t, ['--port', port]);
  await run(t, ['pub', 'x', 'two', '--port', port]);
  await sub.stdout.line(/"type":"gap".*"EPOCH_CHANGED"/);
  await sub.stdout.line(/"two"/);
  sub.child.kill('SIGINT');
  t.equal(await sub.ended, 1);
  t.match(JSON.parse(sub.stderr.lines.at(-1) ?? ''), { type: 'summary', records: 2, epochChanges: 1, missing: 0 });
});

t.test('sub --check: a position in a history that is gone is a fault', async (t) => {
  const { port } = await daemon(t);
  await run(t, ['pub', 'x', '1', '--port', port]);
  const sub = await run(t, ['sub', 'x', '--from', 'gone:500', '--count', '1', '--port', port, '--check', '--json']);
  t.equal(sub.code, 1);
  t.match(sub.stderr, /"records":1,"lost":0,"missing":0,"duplicates":0,"reordered":0,"epochChanges":1/);
});

t.test('nobody there: told, with the cause, and given up in time with 3', async (t) => {
  for (const args of [
    ['sub', 'x'],
    ['pub', 'x', 'y', '--ack-timeout', '1h'],
  ]) {
    const { code, stderr } = await run(t, [...args, '--port', '1', '--connect-timeout', '1s']);
    t.equal(code, 3);
    t.match(stderr, /^not connected: nothing listens there \(ECONNREFUSED\)/m);
    t.match(
      stderr,
      /^push-daemon: no connection to 127\.0\.0\.1:1 within 1 s: nothing listens there \(ECONNREFUSED\)$/m,
    );
  }
});

t.test("no place left: the last line says so, in the daemon's words", async (t) => {
  const { port, logged } = await daemon(t, ['--max-conns', '1']);
  await dial(t, port);
  const { code, stderr } = await run(t, ['sub', 'x', '--port', port, '--connect-timeout', '1s']);
  t.equal(code, 3);
  t.match(stderr, /^push-daemon: no connection to \S+ within 1 s: BUSY, ./m);
  t.match(await logged('connections refused: at max-conns'), { level: 'warn', refused: 1 });
});

t.test('a port on which something else is spoken, and a daemon that refuses, are told apart', async (t) => {
  const { metricsPort } = await daemon(t);
  const other = await run(t, ['sub', 'x', '--port', metricsPort]);
  t.equal(other.code, 3);
  t.match(other.stderr, /:\d+ answers, but not as a push-daemon \(its side port, for one, speaks HTTP\): .*"HTTP"/);
  t.notMatch(other.stderr, 'refused');

  const code = CODES.FORBIDDEN.code;
  const goodbye = { type: 'close', code, reason: 'not you', retryable: false, retryAfterMs: 0, endpoint: '' } as const;
  const strict = createServer((socket) => socket.on('error', () => {}).end(encodeFrame(goodbye)));
  t.teardown(() => strict.close());
  await once(strict.listen(0, '127.0.0.1'), 'listening');
  const { port } = strict.address() as AddressInfo;
  const refused = await run(t, ['sub', 'x', '--port', String(port)]);
  t.equal(refused.code, 3);
  t.match(refused.stderr, /^push-daemon: the daemon refused: FORBIDDEN: not you$/m);
});

t.test('SIGINT: sub ends with 0 and its summary; pub says what was acknowledged', async (t) => {
  const { port } = await daemon(t);
  const sub = cli(t, ['sub', 'x', '--port', port, '--check']);
  await sub.stderr.line(/^connected/);
  sub.child.kill('SIGINT');
  t.equal(await sub.ended, 0);
  t.match(sub.stderr.text, /^0 records in/m);

  const pub = cli(t, ['pub', 'x', '--port', port, '--json']);
  pub.child.stdin.write('one\n');
  await pub.stdout.line(/"offset":1/);
  pub.child.kill('SIGINT');
  t.equal(await pub.ended, 1);
  t.match(pub.stderr.text, /^1 record acknowledged$/m);

  const paced = cli(t, ['pub', 'x', 'one', 'two', 'three', '--rate', '0.001/s', '--port', port, '--json']);
  await paced.stdout.line(/"line":1/);
  paced.child.kill('SIGINT');
  t.equal(await paced.ended, 1);
  t.match(paced.stderr.text, /^1 record acknowledged, 2 not sent$/m);

  const waiting = cli(t, ['pub', 'x', 'one', 'two', '--port', '1', '--connect-timeout', '1h']);
  await waiting.stderr.line(/^not connected/);
  waiting.child.kill('SIGINT');
  t.equal(await waiting.ended, 1);
  t.match(waiting.stderr.text, /^0 records acknowledged, 2 not sent$/m);
});

t.test('demo: figures come, the daemon is killed and comes back, and they go on', async (t) => {
  const demo = cli(t, ['demo', '--seconds', '3600'], { env: { NO_COLOR: '1' } });
  const places = [/machine\.cpu\.0/, /killed with SIGKILL/, /not connected/, /started again/, /connected again/, /GAP/];
  for (const place of places) await demo.stdout.line(place);
  demo.child.kill('SIGINT');
  t.equal(await demo.ended, 0);
  const { text } = demo.stdout;
  t.match(text, /^machine\.memory +\S+:\d+ +\S+ (µs|ms|s) +[█░]{20} .* of /m);
  t.match(text, /published, (\d+) received, \d+ missing, 0 twice.*\nthe history was lost 1 time/);
  t.notMatch(text, '\u001b', 'no colour where there is no terminal');
  t.match(await run(t, ['demo', '--seconds', '2']), { stdout: /records? published/ }, 'it ends by itself, too');
});

t.test('demo: interrupted before anything came, it ends in good order', async (t) => {
  for (const signal of ['SIGINT', 'SIGHUP'] as const) {
    const demo = cli(t, ['demo']);
    await demo.stdout.line(/daemon started/);
    demo.child.kill(signal);
    t.equal(await demo.ended, 0, signal);
  }
});

t.test('demo: its daemon does not outlive it, however it ends', async (t) => {
  const demo = cli(t, ['demo']);
  const port = await demo.stdout.line(/through a daemon on 127\.0\.0\.1:(\d+)/);
  const socket = await dial(t, port);
  demo.child.kill('SIGKILL');
  // By an end or, if the daemon had not come to accept it, by a reset.
  await new Promise((resolve) => socket.resume().once('close', resolve).once('end', resolve));
  t.pass('the daemon has let go of its clients');
});
