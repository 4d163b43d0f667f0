import fc from 'fast-check';
import t from 'tap';
import { TopicLog } from '../../src/log/index.js';
import { Admission, Slot } from '../../src/server/index.js';
import { CODES, encodeFrame, type Frame, Start } from '../../src/wire/index.js';
import { fetchFrame, HELLO, type ProtocolClient, publishFrame, subscribeFrame } from '../support/protocol-client.js';
import { World } from '../support/world.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** The header of a frame of so many bytes. */
const header = (length: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
};

t.test('HELLO is answered with WELCOME, and what was sent on behind it is taken up in order', async (t) => {
  const world = new World();
  const client = world.dial();
  t.same(client.heard(), [], 'the server does not speak first');
  client.send({ ...HELLO, connectMs: 12 }, subscribeFrame(1, 'prices'), {
    type: 'publish',
    requestId: 2,
    topic: 'prices',
    records: [],
  });
  t.same(client.names(), ['welcome', 'ack', 'subscribed']);
  t.match(client.of('welcome'), [{ version: 1, server: 'push-daemon/test', heartbeatMs: 5_000, maxPayload: MIB }]);
  t.equal(world.counts.get('connectTime'), 1);
  client.bye().fin();
  world.assertDeserted();
});

t.test('BYE ends a connection without a word, and is its cause', async (t) => {
  const world = new World();
  const client = world.client().bye();
  t.equal(client.end, 'ended');
  t.same(client.heard(), []);
  client.fin();
  t.same(world.counts.under('closed'), { bye: 1 });
  t.match(world.lines.at(-1), { level: 'info', message: 'connection ended', cause: 'BYE', by: 'peer' });
  world.assertDeserted();
});

t.test('F1 one byte at a time, and a hundred frames at once: delivered alike', async (t) => {
  const frames = Array.from({ length: 100 }, (_, i) => publishFrame(i + 1, 'numbers', `${i}`));
  const bytes = Buffer.concat(frames.map(encodeFrame));
  for (const size of [1, 7, bytes.length]) {
    const world = new World();
    const reader = world.client().subscribe('numbers');
    const writer = world.client();
    for (let at = 0; at < bytes.length; at += size) writer.sendBytes(bytes.subarray(at, at + size));
    t.same(
      reader.texts('numbers'),
      Array.from({ length: 100 }, (_, i) => `${i}`),
      `in chunks of ${size}`,
    );
    t.same(
      writer.of('ack').map((ack) => ack.baseOffset),
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
  }
});

t.test('more frames in one chunk than one connection has its turn for', async (t) => {
  const world = new World();
  const client = world.client();
  const publish = encodeFrame(publishFrame(1, 'a'));
  client.sendBytes(Buffer.concat(Array.from({ length: 2_000 }, () => publish)));
  t.equal(client.of('ack').length, 2_000);
  client.fin();
  t.equal(client.end, 'ended');
  world.assertDeserted();
});

t.test('F2 length 0; F4 lengths beyond all sense: closed from the header alone', async (t) => {
  const cases: [number, string][] = [
    [0, 'PROTOCOL_ERROR'],
    [0x80000000, 'FRAME_TOO_LARGE'],
    [0xffffffff, 'FRAME_TOO_LARGE'],
  ];
  for (const [length, cause] of cases) {
    const world = new World();
    const client = world.client().sendBytes(header(length));
    t.equal(client.cause, cause);
    client.fin();
    t.same(world.counts.under('closed'), { [cause.toLowerCase()]: 1 });
    world.assertDeserted();
  }
});

t.test(
  'F3 exactly the limit is accepted, one more is an error from the header alone, and the stream goes on',
  async (t) => {
    const world = new World({ maxPayload: 10_000 });
    const publishOf = (size: number) => encodeFrame(publishFrame(1, 'a', 'x'.repeat(size)));
    const overhead = publishOf(9_000).length - 8 - 9_000;
    const client = world.client().sendBytes(publishOf(10_000 - overhead));
    t.same(
      client.heard().map((frame) => frame.type),
      ['ack'],
    );
    client.sendBytes(publishOf(10_001 - overhead).subarray(0, 4));
    t.same(client.errors, ['FRAME_TOO_LARGE']);
    client.sendBytes(publishOf(10_001 - overhead).subarray(4)).publish('a', 'next');
    t.equal(client.lastAck?.baseOffset, 2);
    t.equal(client.end, 'none');
  },
);

t.test('F5 more than 64 KiB before HELLO: refused from the header alone', async (t) => {
  const world = new World();
  const client = world.dial().sendBytes(header(64 * KIB + 1));
  t.equal(client.cause, 'FRAME_TOO_LARGE');
  t.equal(world.dial().sendBytes(header(64 * KIB)).cause, 'none');
});

t.test('F6 F7 corrupt frames are counted, and skipped, searched behind, or the end, as is configured', async (t) => {
  const publishOf = (data: string) => encodeFrame(publishFrame(0, 'a', data));
  const flipped = (bit: number) => {
    const bytes = publishOf('damaged');
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return bytes;
  };
  const inPayload = flipped(8 * 10);
  const outcomes = [
    { onCorrupt: 'skip', corrupt: inPayload, cause: 'none' },
    { onCorrupt: 'scan', corrupt: inPayload, cause: 'none' },
    { onCorrupt: 'scan', corrupt: flipped(8 * 3 + 1), cause: 'none' },
    { onCorrupt: 'close', corrupt: inPayload, cause: 'CORRUPT' },
  ] as const;
  for (const { onCorrupt, corrupt, cause } of outcomes) {
    const world = new World({ onCorrupt });
    const reader = world.client().subscribe('a');
    const writer = world.client().sendBytes(Buffer.concat([publishOf('before'), corrupt, publishOf('behind')]));
    t.same(reader.texts('a'), cause === 'none' ? ['before', 'behind'] : ['before'], onCorrupt);
    t.equal(writer.cause, cause);
    t.same([world.counts.get('corruptFrames'), world.counts.get('closed.corrupt')], [1, cause === 'none' ? 0 : 1]);
    writer.cut();
    reader.cut();
    world.assertDeserted();
  }
  const world = new World();
  const reader = world.client().subscribe('a');
  const writer = world.client();
  for (let i = 0; i < 16; i++) writer.sendBytes(inPayload);
  writer.sendBytes(publishOf('still here'));
  t.same(reader.texts('a'), ['still here']);
  writer.sendBytes(inPayload).sendBytes(publishOf('too late'));
  t.same(reader.texts('a'), ['still here'], 'the budget is used up');
  t.equal(writer.cause, 'CORRUPT');
  t.match(writer.close, { retryable: true });
  writer.fin();
  t.same(world.counts.under('closed'), { corrupt: 1 });
  reader.cut();
  world.assertDeserted();
});

t.test('F8 FIN or RST in the middle of a frame: nothing of it is delivered', async (t) => {
  const publish = encodeFrame(publishFrame(1, 'a', 'half'));
  for (const leave of ['fin', 'cut'] as const) {
    const world = new World();
    const reader = world.client().subscribe('a');
    const client = world.client().sendBytes(publish.subarray(0, -1));
    client[leave]();
    t.same(reader.texts('a'), []);
    t.same(world.counts.under('closed'), { peer_gone: 1 });
    t.equal(world.stats.connections, 1);
    reader.cut();
    world.assertDeserted();
  }
});

t.test('F9 one byte every few seconds: a frame has a deadline of its own', async (t) => {
  const world = new World({ frameTimeoutMs: 20_000 });
  const healthy = world.client();
  healthy.answersPings = true;
  const client = world.client();
  const bytes = encodeFrame(subscribeFrame(1, 'x'.repeat(200)));
  for (let i = 0; i < 10 && client.end === 'none'; i++) {
    client.sendBytes(bytes.subarray(i, i + 1));
    world.advance(3_000);
  }
  t.equal(client.cause, 'HEARTBEAT_TIMEOUT');
  t.equal(healthy.end, 'none');
});

t.test('F9 a peer that does not take its answers gets no more time for a frame than others', async (t) => {
  const world = new World({ frameTimeoutMs: 20_000, heartbeat: 600_000 });
  const client = world.client();
  client.link.allow(0);
  // Answers fill the outbox until the server stops reading, with many frames unread, and then all is taken.
  const refused = encodeFrame({ type: 'unsubscribe', requestId: 1, topic: 'x' });
  client.sendBytes(Buffer.concat(Array.from({ length: 3_000 }, () => refused)));
  t.equal(client.link.paused, true);
  client.link.allow(Infinity);
  world.time.run();
  t.equal(client.of('error').length, 3_000);
  t.equal(client.link.paused, false);
  client.sendBytes(refused.subarray(0, 5));
  world.advance(25_000);
  t.equal(client.cause, 'HEARTBEAT_TIMEOUT');
});

t.test('H1 connects and says nothing', async (t) => {
  const world = new World();
  const client = world.dial();
  world.advance(4_900);
  t.equal(client.cause, 'none');
  world.advance(200);
  t.equal(client.cause, 'HANDSHAKE_TIMEOUT');
  client.fin();
  t.same(world.counts.under('closed'), { handshake_timeout: 1 });
  world.assertDeserted();
});

t.test('H2 something before HELLO, a second HELLO, an unknown version', async (t) => {
  const world = new World();
  t.equal(world.dial().publish('a', 'x').cause, 'PROTOCOL_ERROR');
  t.equal(world.client().hello().cause, 'PROTOCOL_ERROR');
  t.equal(world.dial().hello({ version: 2 }).cause, 'UNSUPPORTED_VERSION');
  t.equal(world.dial().hello({ version: 0 }).cause, 'UNSUPPORTED_VERSION');
  t.equal(world.stats.topics, 0);
});

t.test('a record for which there was no memory is not taken for a duplicate when it is sent again', async (t) => {
  const world = new World();
  const record = { data: 'x', id: 'one' };
  const writer = world.client().publish('a', 'before');
  const { reserve } = TopicLog.prototype;
  t.teardown(() => Object.assign(TopicLog.prototype, { reserve }));
  Object.assign(TopicLog.prototype, {
    reserve: () => {
      throw new RangeError('Array buffer allocation failed');
    },
  });
  writer.publish('a', record);
  t.equal(writer.cause, 'INTERNAL');
  Object.assign(TopicLog.prototype, { reserve });
  t.same(world.client().publish('a', record).lastAck?.results, [], 'it is appended');
});

t.test('what throws inside one connection ends that one with INTERNAL, and nobody else notices', async (t) => {
  const boom = () => {
    throw new Error('boom');
  };
  /** Each has the victim do something in the course of which the server fails; where it can still write, it says so. */
  const faults: { [name: string]: { told: boolean; provoke(world: World, victim: ProtocolClient): void } } = {
    'a frame': {
      told: true,
      provoke: (world, victim) => {
        Object.assign(world.env.telemetry, { frameReceived: (type: string) => type === 'fetch' && boom() });
        victim.fetch('a');
      },
    },
    'a frame behind as many as have their turn': {
      told: true,
      provoke: (world, victim) => {
        Object.assign(world.env.telemetry, { frameReceived: (type: string) => type === 'fetch' && boom() });
        const publish = encodeFrame(publishFrame(0, 'b'));
        const fetch = encodeFrame(fetchFrame(1, 'a'));
        victim.sendBytes(Buffer.concat([...Array.from({ length: 600 }, () => publish), fetch]));
      },
    },
    'a publish': {
      told: true,
      provoke: (world, victim) => {
        const { published } = world.env.telemetry;
        Object.assign(world.env.telemetry, { published: boom });
        victim.publish('b', 'x');
        Object.assign(world.env.telemetry, { published });
      },
    },
    'a deadline': {
      told: false,
      provoke: (world, victim) => {
        Object.assign(victim.link, { write: boom, writeAll: boom });
        world.advance(5_200);
      },
    },
    'the fan-out': {
      told: false,
      provoke: (world, victim) => {
        victim.subscribe('a');
        Object.assign(victim.link, { write: boom, writeAll: boom });
        world.client().publish('a', 'meanwhile').cut();
      },
    },
    'a link that has drained, and what it is behind': {
      told: false,
      provoke: (world, victim) => {
        victim.subscribe('a');
        victim.link.allow(0);
        world.client().publish('a', 'one').publish('a', 'two').cut();
        Object.assign(victim.link, { write: boom, writeAll: boom });
        victim.link.allow(Infinity);
        world.time.run();
      },
    },
  };
  for (const [name, { told, provoke }] of Object.entries(faults)) {
    const world = new World();
    const victim = world.client();
    const neighbour = world.client();
    neighbour.answersPings = true;
    neighbour.subscribe('a');
    provoke(world, victim);
    t.equal(victim.end, told ? 'ended' : 'destroyed', name);
    if (told) t.match(victim.close, { code: CODES.INTERNAL.code, retryable: true });
    t.same(world.counts.under('closed').internal, 1);
    t.ok(world.counts.get('internalError') > 0);
    const line = world.lines.find(({ level }) => level === 'error');
    t.match(line, { message: 'connection failed', err: { message: 'boom', stack: /boom/ } });
    neighbour.publish('a', 'still here');
    t.equal(neighbour.texts('a').at(-1), 'still here', 'the neighbour is served');
    victim.cut();
    neighbour.cut();
    world.assertDeserted();
  }
});

t.test('H3 a refused HELLO really ends the socket, also of a peer that does not let go', async (t) => {
  const world = new World();
  const client = world.dial().hello({ version: 2 });
  t.equal(client.end, 'ended');
  t.equal(world.stats.connections, 1, 'the slot is taken as long as the socket is');
  world.advance(1_900);
  t.equal(client.link.gone, false);
  world.advance(200);
  t.equal(client.link.gone, true);
  world.assertDeserted();
});

t.test('H4 10,000 connects and drops, in every state: nothing is left', async (t) => {
  const world = new World({ maxConns: 20_000 });
  const ways: ((client: ProtocolClient) => void)[] = [
    () => {},
    (client) => client.sendBytes(Uint8Array.of(0, 0)),
    (client) => client.hello(),
    (client) => client.hello().subscribe('a').subscribe('b.*', { start: Start.EARLIEST }),
    (client) => client.hello().subscribe('a', { start: Start.EARLIEST }).link.allow(0),
    (client) => client.hello().fetch('f', { waitMs: 30_000 }),
    (client) => client.hello().publish('a', 'x').publish('b.c', 'y'),
    (client) => client.hello({ version: 9 }),
    (client) => client.hello().hello(),
  ];
  const leavings: ((client: ProtocolClient) => void)[] = [
    (client) => client.cut(),
    (client) => client.bye().fin(),
    (client) => client.fin(),
    (client) => client.bye().cut(),
  ];
  let open: ProtocolClient[] = [];
  for (let i = 0; i < 10_000; i++) {
    const client = world.dial();
    ways[i % ways.length]?.(client);
    open.push(client);
    if (open.length < 100) continue;
    for (const [n, leaver] of open.entries()) leavings[n % leavings.length]?.(leaver);
    open = [];
  }
  t.equal(world.counts.get('accepted'), 10_000);
  // Those who never took what they were sent are waited for a moment.
  world.advance(2_100);
  world.assertDeserted();
});

t.test('A1 connection N+1: BUSY at once, never queued, and the slot is free again exactly once', async (t) => {
  const world = new World({ maxConns: 2 });
  const [first] = [world.client(), world.client()];
  const third = world.dial();
  t.equal(third.cause, 'BUSY');
  t.equal(third.end, 'ended');
  t.match(third.close, { retryable: true, code: CODES.BUSY.code });
  t.ok((third.close?.retryAfterMs ?? 0) >= 500);
  third.hello().subscribe('a');
  t.same(third.names(), ['close'], 'what it says is ignored');
  t.same(world.counts.under('rejected'), { busy: 1 });
  t.equal(world.stats.connections, 2);
  first?.bye().fin().cut();
  t.equal(world.stats.connections, 1);
  t.equal(world.dial().hello().cause, 'none');
  t.equal(world.dial().cause, 'BUSY', 'one slot was given back, not two');
});

t.test('A1 one who was turned away and does not go is cut off, and holds no slot meanwhile', async (t) => {
  const world = new World({ maxConns: 1 });
  world.client();
  const rejected = world.dial();
  t.equal(world.stats.connections, 1);
  world.advance(900);
  t.equal(rejected.link.gone, false);
  world.advance(200);
  t.equal(rejected.link.gone, true);
});

t.test('A2 a slot is given back once, whatever is said of it', async (t) => {
  const admission = new Admission({ maxConns: 3, maxConnsPerIp: 2, reserveResume: 0 });
  const slot = admission.take('a');
  if (!(slot instanceof Slot)) throw new Error('there was no slot');
  slot.release();
  slot.release();
  t.equal(admission.used, 0);
  const world = new World();
  const client = world.client().subscribe('a');
  client.link.allow(0);
  client.sendBytes(header(0)).fin().cut();
  world.advance(60_000);
  t.equal(client.end, 'destroyed');
  t.same(world.counts.under('closed'), { protocol_error: 1 });
  world.assertDeserted();
});

t.test('A2 admission against a plain model: used never negative, never over a limit', async () => {
  const step = fc.record({ ip: fc.constantFrom('a', 'b', 'c'), leave: fc.boolean(), pick: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const admission = new Admission({ maxConns: 5, maxConnsPerIp: 3, reserveResume: 2 });
      const held: { ip: string; slot: Slot }[] = [];
      for (const { ip, leave, pick } of steps) {
        if (leave) {
          const [gone] = held.splice(pick % Math.max(1, held.length), 1);
          gone?.slot.release();
        } else {
          const fromIp = held.filter((other) => other.ip === ip).length;
          const expected = held.length >= 5 ? 'busy' : fromIp >= 3 ? 'per_ip' : 'slot';
          const slot = admission.take(ip);
          if ((slot instanceof Slot ? 'slot' : slot) !== expected) return false;
          if (slot instanceof Slot) held.push({ ip, slot });
          if (slot instanceof Slot && slot.reserved !== held.length > 3) return false;
        }
        if (admission.used !== held.length) return false;
      }
      return true;
    }),
  );
});

t.test('A4 a storm of 5,000 against 500: admitted ones served, the others told, and all in when allowed', async (t) => {
  const world = new World({ maxConns: 500 });
  const clients = Array.from({ length: 5_000 }, () => {
    const client = world.dial();
    return client.cause === 'none' ? client.hello().subscribe('a') : client.fin();
  });
  const admitted = clients.filter((client) => client.end === 'none');
  const turnedAway = clients.filter((client) => client.cause === 'BUSY');
  t.same([admitted.length, turnedAway.length], [500, 4_500]);
  admitted[0]?.publish('a', 'news');
  t.ok(admitted.every((client) => client.texts('a').join() === 'news'));
  // They come again when they are told to, which spreads them over the time that the door needs.
  const perSecond = new Map<number, number>();
  for (const { close } of turnedAway) {
    const second = Math.floor((close?.retryAfterMs ?? 0) / 1_000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  t.ok(Math.max(...perSecond.keys()) > 10, 'many seconds');
  t.ok(Math.max(...perSecond.values()) < 1_500, 'no second has more than a third of them');
  for (const client of admitted) client.cut();
  let welcomed = 0;
  while (welcomed < 4_500) {
    const round = Array.from({ length: 500 }, () => world.dial().hello());
    t.ok(round.every((client) => client.names().join() === 'welcome'));
    welcomed += round.length;
    for (const client of round) client.bye().fin();
  }
  world.assertDeserted();
});

t.test('A4 of those who are turned away and do not go, no more are waited for than there is room for', async (t) => {
  const world = new World({ maxConns: 1 });
  world.client();
  const rejected = Array.from({ length: 4_200 }, () => world.dial());
  t.equal(rejected.filter((client) => client.end === 'ended').length, 4_096);
  t.equal(rejected.filter((client) => client.end === 'destroyed').length, 104);
  world.advance(1_100);
  t.ok(rejected.every((client) => client.link.gone));
});

t.test('retry_after_ms grows with the rate of rejections, is jittered, and is forgotten again', async (t) => {
  const world = new World({ maxConns: 1 });
  world.client().answersPings = true;
  const wait = () => world.dial().close?.retryAfterMs ?? 0;
  t.ok(wait() <= 1_000);
  const storm = Array.from({ length: 2_000 }, wait);
  const [early, late] = [storm.slice(0, 200), storm.slice(-200)];
  t.ok(Math.max(...late) > 4 * Math.max(...early));
  t.ok(new Set(late).size > 150, 'no two are told the same');
  t.ok(Math.max(...storm) <= 61_000);
  world.advance(120_000);
  t.ok(wait() <= 1_000);
});

t.test('a share of the slots is kept for clients that resume', async (t) => {
  const world = new World({ maxConns: 3, reserveResume: 1 });
  world.client();
  world.client();
  const newcomer = world.dial().hello();
  t.equal(newcomer.cause, 'BUSY');
  t.ok((newcomer.close?.retryAfterMs ?? 0) > 0);
  newcomer.fin();
  t.same(world.dial().hello({ resuming: true }).names(), ['welcome']);
  t.same(world.counts.under('rejected'), { reserved: 1 });
  t.same(world.counts.under('closed'), { busy: 1 }, 'it had been accepted');
});

t.test('no more than so many connections from one address', async (t) => {
  const world = new World({ maxConnsPerIp: 2 });
  const [first, second] = [world.dial('10.1.1.1').hello(), world.dial('10.1.1.1').hello()];
  t.equal(world.dial('10.1.1.1').cause, 'BUSY');
  t.equal(world.dial('10.1.1.2').hello().cause, 'none', 'others do not notice');
  t.same(world.counts.under('rejected'), { per_ip: 1 });
  first?.cut();
  t.equal(world.dial('10.1.1.1').hello().cause, 'none');
  second?.cut();
});

t.test('an address counts for itself in IPv4, and for its /64 in IPv6', async (t) => {
  const same = [
    ['10.1.1.1', '::ffff:10.1.1.1', '::FFFF:10.1.1.1'],
    ['2001:db8::1', '2001:db8::', '2001:db8:0:0:1:2:3:4', '2001:db8::ffff:0:0:9'],
    ['2001:db8:0:1::1', '2001:db8:0:1:a:b:c:d', '2001:db8:0:1:a::'],
    ['fe80::1%eth0', 'fe80::2'],
    ['::1', '::2'],
  ];
  for (const addresses of same) {
    for (const [i, address] of addresses.entries()) {
      const world = new World({ maxConnsPerIp: 1 });
      world.dial(addresses[0]);
      t.equal(world.dial(address).cause, 'BUSY', address);
      for (const others of same) {
        if (others !== addresses) t.equal(world.dial(others[i % others.length]).cause, 'none', `${address} is another`);
      }
    }
  }
});

t.test('how long connecting took is counted as far as it can be true', async (t) => {
  const world = new World();
  for (const connectMs of [0, 1, 130_000, 130_001, 2 ** 32 - 1]) world.dial().hello({ connectMs });
  t.equal(world.counts.get('connectTime'), 2);
});

t.test('B1 jitter is logged once per episode, counted, and the connection kept', async (t) => {
  const world = new World({ heartbeat: 1_000 });
  const client = world.client();
  world.advance(2_900);
  t.same(client.names(), ['ping', 'ping']);
  t.equal(world.counts.get('jitter'), 1);
  t.same(world.server.heartbeatClasses(), { healthy: 0, jittery: 1 });
  client.send({ type: 'pong', nonce: 0n, sentUs: 0n });
  t.same(world.server.heartbeatClasses(), { healthy: 1, jittery: 0 });
  t.equal(world.lines.filter((line) => line.message === 'jitter').length, 1);
  world.advance(2_900);
  t.equal(world.counts.get('jitter'), 2);
  world.advance(300);
  t.equal(client.cause, 'HEARTBEAT_TIMEOUT');
});

t.test('B2 a peer that has stopped with data in flight is dead at 3×', async (t) => {
  const world = new World({ heartbeat: 5_000, writeTimeoutMs: 60_000 });
  const [stopped, reader, writer] = [world.client(), world.client(), world.client()];
  for (const client of [reader, writer]) if (client !== undefined) client.answersPings = true;
  for (const client of [stopped, reader]) client?.subscribe('a');
  stopped?.link.allow(10_000);
  writer?.publish('a', 'x'.repeat(100_000), 'y'.repeat(100_000));
  world.advance(14_900);
  t.equal(stopped?.end, 'none');
  world.advance(300);
  t.same(world.counts.under('closed'), { heartbeat_timeout: 1 });
  world.advance(2_100);
  t.equal(stopped?.end, 'destroyed', 'what it never took is not waited for');
  t.equal(world.stats.connections, 2);
  t.equal(reader?.texts('a').length, 2);
});

t.test('B3 the daemon itself was asleep: what is queued is read first, and nobody is killed', async (t) => {
  const world = new World({ heartbeat: 1_000 });
  const clients = Array.from({ length: 50 }, () => world.client());
  const dead = world.client();
  world.time.sleep(10_000);
  world.time.wake();
  // The poll phase of the event loop comes before the end of its turn.
  for (const client of clients) client.link.send(encodeFrame({ type: 'pong', nonce: 0n, sentUs: 0n }));
  world.time.run();
  t.ok(clients.every((client) => client.end === 'none'));
  t.equal(dead.cause, 'HEARTBEAT_TIMEOUT', 'one that has said nothing all the time is found');
  t.equal(world.counts.get('jitter'), 0);
});

t.test('B4 the wall clock jumps an hour either way: no effect', async (t) => {
  const world = new World({ heartbeat: 1_000 });
  const [reader, writer] = [world.client(), world.client()];
  for (const client of [reader, writer]) client.answersPings = true;
  reader.subscribe('a');
  const stamps: number[] = [];
  for (const shiftMs of [0, 3_600_000, -3_600_000, 0]) {
    world.time.wallShiftMs = shiftMs;
    world.advance(5_000);
    writer.publish('a', `${shiftMs}`);
    stamps.push(reader.of('messages').at(-1)?.timestampUs ?? 0);
  }
  t.same(
    stamps,
    stamps.toSorted((a, b) => a - b),
    'never falling within a topic',
  );
  t.same(reader.offsets('a'), [1, 2, 3, 4]);
  t.same(world.counts.under('closed'), {});
  t.equal(world.counts.get('jitter'), 0);
});

t.test('B5 a flood of PINGs ends with its budget', async (t) => {
  const world = new World();
  const client = world.client();
  const flood = Array.from(
    { length: 150 },
    (_, i): Frame => ({ type: 'ping', nonce: BigInt(i), sentUs: 0n, rttUs: 0 }),
  );
  client.send(...flood);
  t.equal(client.of('pong').length, 100);
  t.equal(client.cause, 'RATE_LIMITED');
});

t.test('B5 PINGs whose answers are not read: no more waits than the budget allows', async (t) => {
  const world = new World();
  const client = world.client();
  client.link.allow(0);
  const ping = encodeFrame({ type: 'ping', nonce: 1n, sentUs: 1n, rttUs: 0 });
  const pong = encodeFrame({ type: 'pong', nonce: 1n, sentUs: 1n });
  for (let i = 0; i < 100; i++) client.sendBytes(ping);
  t.equal(client.end, 'none');
  const before = client.link.pending;
  t.ok(before <= 100 * pong.length, `${before} bytes wait`);
  for (let i = 0; i < 1_000; i++) client.sendBytes(ping);
  t.ok(client.link.pending <= 100 * pong.length + 200, 'besides, there is a CLOSE now');
  t.same(world.counts.under('closed'), { rate_limited: 1 });
  world.advance(2_100);
  t.equal(client.end, 'destroyed');
  world.assertDeserted();
});

t.test('WELCOME comes again when the interval changes', async (t) => {
  const world = new World({ heartbeat: 'auto' });
  const client = world.client();
  client.send({ type: 'ping', nonce: 1n, sentUs: 0n, rttUs: 400_000 });
  t.match(client.heard(), [{ type: 'pong' }, { type: 'welcome', heartbeatMs: 12_000, maxPayload: MIB }]);
});

t.test('C2 a reader of one byte a second: the write deadline ends it', async (t) => {
  const world = new World({ writeTimeoutMs: 10_000, heartbeat: 5_000 });
  const [slow, writer] = [world.client(), world.client()];
  slow.answersPings = true;
  writer.answersPings = true;
  slow.subscribe('a');
  slow.link.allow(0);
  writer.publish('a', 'x'.repeat(10_000));
  for (let second = 0; second < 13; second++) {
    slow.link.take(1);
    world.advance(1_000);
  }
  t.same(world.counts.under('closed'), { slow_consumer: 1 });
  t.equal(slow.link.gone, true);
});

t.test('C3 a client without HELLO that never reads: a tiny output bound', async (t) => {
  const world = new World();
  const client = world.dial();
  client.link.allow(0);
  for (let i = 0; i < 100; i++) client.sendBytes(encodeFrame(subscribeFrame(i, 'a')));
  t.ok(client.link.pending > 0 && client.link.pending < 200, `${client.link.pending} bytes`);
  world.advance(10_000);
  t.equal(client.link.gone, true);
  world.assertDeserted();
});

t.test('C3 answers to requests that are not read: the requests are not read either', async (t) => {
  const world = new World({ heartbeat: 600_000 });
  const client = world.client();
  client.link.allow(0);
  const refused = encodeFrame({ type: 'unsubscribe', requestId: 1, topic: 'x'.repeat(200) });
  const chunk = Buffer.concat(Array.from({ length: 300 }, () => refused));
  let held = 0;
  for (let i = 0; i < 100 && !client.link.paused; i++) {
    client.sendBytes(chunk);
    held = i;
  }
  t.equal(client.link.paused, true);
  t.ok(held < 10);
  world.advance(31_000);
  t.same(world.counts.under('closed'), { slow_consumer: 1 });
});

t.test('D1 a drain: everybody is told when to come back, spread, and what is owed is flushed', async (t) => {
  const world = new World();
  const clients = Array.from({ length: 500 }, () => world.client().subscribe('a'));
  const mute = world.dial();
  clients[0]?.link.send(encodeFrame(publishFrame(9, 'a')));
  clients[0]?.link.send(encodeFrame(publishFrame(10, 'a', 'last')));
  const drained = world.server.drain(10_000);
  world.time.run();
  t.ok(clients.every((client) => client.texts('a').join() === 'last'));
  t.ok(clients.every((client) => client.cause === 'DRAINING' && client.end === 'ended'));
  t.equal(mute.cause, 'DRAINING');
  const waits = clients.map((client) => client.close?.retryAfterMs ?? 0);
  t.ok(new Set(waits).size > 250, 'each has its own');
  t.ok(Math.min(...waits) >= 100 && Math.max(...waits) > 900 && Math.max(...waits) <= 1_200);
  t.equal(world.dial().cause, 'DRAINING', 'nobody is let in any more');
  t.same(world.counts.under('rejected'), { draining: 1 });
  for (const client of [...clients, mute]) client.fin();
  world.advance(1_100);
  await drained;
  t.equal(world.stats.connections, 0);
});

t.test('D1 a reader that is behind when the drain begins is sent what is there, and told then', async (t) => {
  const world = new World();
  const [slow, writer] = [world.client().subscribe('a'), world.client()];
  slow.link.allow(0);
  for (let i = 0; i < 40; i++) writer.publish('a', 'x'.repeat(50_000));
  t.equal(world.stats.laggingCursors, 1);
  const drained = world.server.drain(10_000);
  world.advance(100);
  t.equal(writer.cause, 'DRAINING');
  t.equal(slow.end, 'none');
  slow.link.allow(Infinity);
  world.advance(100);
  t.same(
    slow.offsets('a'),
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
  t.equal(slow.cause, 'DRAINING');
  slow.fin();
  writer.fin();
  world.advance(100);
  await drained;
  t.equal(world.stats.connections, 0);
});

t.test('D1 who is owed topics of a pattern or the rest of a FETCH is told to go behind them', async (t) => {
  const world = new World();
  const writer = world.client();
  for (let i = 0; i < 3_000; i++) writer.publish(`t.${i}`, '');
  for (let i = 0; i < 40; i++) writer.publish('a', 'x'.repeat(50_000));
  const [listener, fetcher] = [world.client(), world.client()];
  for (const client of [listener, fetcher]) client.link.allow(0);
  listener.subscribe('t.*');
  fetcher.fetch('a', { start: Start.EARLIEST });
  t.equal(world.stats.laggingCursors, 0, 'what is owed is no lag');
  void world.server.drain(10_000);
  world.advance(100);
  t.same([listener.cause, fetcher.cause, writer.cause], ['none', 'none', 'DRAINING']);
  for (const client of [listener, fetcher]) client.link.allow(Infinity);
  world.advance(1_000);
  t.same([listener.cause, fetcher.cause], ['DRAINING', 'DRAINING']);
  t.equal(listener.of('subscribed').length, 3_001);
  t.equal(fetcher.of('fetched').length, 1);
  t.equal(fetcher.offsets('a').length, 40);
});

t.test('D1 a long poll is answered at once, and holds no drain up', async (t) => {
  const world = new World();
  const client = world.client().fetch('a', { waitMs: 30_000 });
  t.same(client.heard(), []);
  void world.server.drain(10_000);
  t.match(client.heard(), [{ type: 'fetched', nextOffset: 1, more: false }, { type: 'close' }]);
});

t.test('D2 a reader that never reads is destroyed at the deadline', async (t) => {
  const world = new World();
  const [stuck, writer] = [world.client().subscribe('a'), world.client()];
  stuck.link.allow(0);
  for (let i = 0; i < 40; i++) writer.publish('a', 'x'.repeat(50_000));
  const drained = world.server.drain(3_000);
  writer.fin();
  world.advance(2_900);
  t.equal(stuck.end, 'none');
  world.advance(200);
  await drained;
  t.equal(stuck.end, 'destroyed');
  t.equal(world.stats.connections, 0);
  t.same(world.counts.under('closed'), { draining: 2 });
});
