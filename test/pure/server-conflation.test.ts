/** LATEST_PER_KEY: how what it has to find out is bounded in work and memory, and shared. */
import t from 'tap';
import { encodeFrame, GapReason, OnLag, Start } from '../../src/wire/index.js';
import { type ProtocolClient, publishFrame, subscribeFrame } from '../support/protocol-client.js';
import { World } from '../support/world.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const KEYS = 50;
const BATCH = 4_096;
const BEHIND = { start: Start.POSITION, offset: 1, onLag: OnLag.LATEST_PER_KEY };
const QUIET = { lagLimit: KIB, heartbeat: 600_000, writeTimeoutMs: 600_000 };

const key = (n: number) => ({ data: '', key: `k${n % KEYS}` });

/** A world in which topics hold so many full batches of a few keys. */
function worldWith(batches: number, ...topics: string[]): { world: World; writer: ProtocolClient } {
  const world = new World(QUIET);
  const writer = world.client();
  for (const topic of topics) {
    for (let i = 0; i < batches; i++) writer.publish(topic, ...Array.from({ length: BATCH }, (_, n) => key(n)));
  }
  return { world, writer };
}

/** The client asks, and the event loop has not turned yet. */
const ask = (client: ProtocolClient, topic: string, more: object = BEHIND) =>
  client.link.send(encodeFrame(subscribeFrame(1, topic, more)));

/** How many turns of the event loop go by until the client has been sent the newest record of the topic. */
function turnsUntil(world: World, client: ProtocolClient, topic: string, newest: number, turn = () => {}): number {
  for (let turns = 1; turns < 1_000; turns++) {
    world.time.turn();
    if (client.offsets(topic).at(-1) === newest) return turns;
    turn();
  }
  throw new Error('it is never sent the newest');
}

const lastKeys = (head: number) => Array.from({ length: KEYS }, (_, i) => head - KEYS + 1 + i);

t.test('C5 what is the newest of each key is found out in parts, and live delivery goes on between them', async (t) => {
  const { world, writer } = worldWith(16, 'a');
  const live = world.client().subscribe('b');
  const reader = world.client();
  ask(reader, 'a');
  let [published, waited] = [0, 0];
  const turns = turnsUntil(world, reader, 'a', 16 * BATCH, () => {
    waited = Math.max(waited, published - live.offsets('b').length);
    writer.link.send(encodeFrame(publishFrame(0, 'b', 'live')));
    published += 1;
  });
  t.ok(turns >= 4, `${turns} turns`);
  t.equal(waited, 0, 'each is sent in the next turn');
  t.same(reader.offsets('a'), lastKeys(16 * BATCH));
  t.match(reader.gaps('a'), [{ fromOffset: 1, toOffset: 16 * BATCH - KEYS, reason: GapReason.CONFLATED }]);
});

t.test('C5 what one has had found out serves the next, until nobody has asked for a second', async (t) => {
  const { world } = worldWith(16, 'a');
  const ask1 = (reader: ProtocolClient) => {
    reader.heard();
    ask(reader, 'a');
    return turnsUntil(world, reader, 'a', 16 * BATCH);
  };
  const [reader, other] = [world.client(), world.client()];
  t.ok(ask1(reader) >= 4);
  t.ok(ask1(other) < 4, 'another one');
  reader.unsubscribe('a');
  t.ok(ask1(reader) < 4, 'one who comes and goes');
  t.same(reader.offsets('a'), lastKeys(16 * BATCH));
  world.advance(1_200);
  reader.unsubscribe('a');
  t.ok(ask1(reader) >= 4, 'it has been forgotten');
});

t.test('C5 one search at a time: each gets its turn, and one that nobody waits for is given up', async (t) => {
  const { world } = worldWith(8, 'a', 'b', 'c');
  const readers = ['a', 'b', 'c'].map((topic) => ({ topic, reader: world.client() }));
  for (const { reader, topic } of readers) ask(reader, topic);
  world.time.turn();
  readers[0]?.reader.cut();
  const rest = readers.slice(1);
  for (const { reader, topic } of rest) turnsUntil(world, reader, topic, 8 * BATCH);
  for (const { reader, topic } of rest) t.same(reader.offsets(topic), lastKeys(8 * BATCH));
  t.equal(world.stats.laggingCursors, 0);
});

t.test('C5 one who stands further back has the search go on, and not begin again', async (t) => {
  const { world } = worldWith(16, 'a');
  const [near, far] = [world.client(), world.client()];
  ask(near, 'a', { ...BEHIND, offset: 4 * BATCH });
  turnsUntil(world, near, 'a', 16 * BATCH);
  ask(far, 'a');
  t.ok(turnsUntil(world, far, 'a', 16 * BATCH) < 4);
  t.same(far.offsets('a'), lastKeys(16 * BATCH));
  t.match(near.gaps('a'), [{ fromOffset: 4 * BATCH, toOffset: 16 * BATCH - KEYS, reason: GapReason.CONFLATED }]);
});

t.test('C5 more keys than can be told apart: the newest ones, and the others are SKIPPED', async (t) => {
  const world = new World(QUIET);
  const writer = world.client();
  const long = (n: number) => ({ data: '', key: `${n}`.padEnd(200 * KIB, '.') });
  for (let n = 1; n <= 100; n++) writer.publish('a', long(n), long(n - (n % 2)));
  const reader = world.client().subscribe('a', BEHIND);
  const gaps = reader.gaps('a');
  const [skipped] = gaps;
  t.equal(skipped?.reason, GapReason.SKIPPED);
  t.equal(skipped?.fromOffset, 1);
  t.equal(reader.offsets('a')[0], (skipped?.toOffset ?? 0) + 1);
  t.ok(gaps.slice(1).every(({ reason }) => reason === GapReason.CONFLATED));
  const sent = reader.offsets('a').length;
  t.ok(sent * 200 * KIB <= 8 * MIB + 400 * KIB && sent > 35, `${sent} keys`);
  const told = gaps.reduce((sum, { fromOffset, toOffset }) => sum + toOffset - fromOffset + 1, sent);
  t.equal(told, 200);
});

t.test('C5 runs that are cut out of batches are bounded in flight as all data is', async (t) => {
  const world = new World(QUIET);
  const writer = world.client();
  const topic = 't'.repeat(255);
  for (let i = 0; i < 10; i++) {
    const record = (n: number) => ({ data: '', key: n % 2 === 0 ? '' : `${i}.${n}` });
    writer.publish(topic, ...Array.from({ length: BATCH }, (_, n) => record(n)));
  }
  const reader = world.client();
  reader.link.allow(0);
  reader.subscribe(topic, BEHIND);
  let most = 0;
  while (world.stats.laggingCursors > 0) {
    reader.link.take(10 * MIB);
    reader.link.allow(0);
    world.time.run();
    most = Math.max(most, reader.link.pending);
  }
  reader.link.allow(Infinity);
  t.ok(most > 64 * KIB && most <= 320 * KIB, `${most} bytes in flight`);
  t.equal(reader.offsets(topic).length, 10 * (BATCH / 2) + 1);
  t.equal(reader.offsets(topic).at(-1), 10 * BATCH);
});

t.test('C5 what retention takes away during a search is EVICTED, and the search goes on with the rest', async (t) => {
  const world = new World({ ...QUIET, retention: { bytes: 64 * MIB, records: 20 * BATCH, ageMs: Infinity } });
  const writer = world.client();
  const batch = Array.from({ length: BATCH }, (_, n) => key(n));
  for (let i = 0; i < 20; i++) writer.publish('a', ...batch);
  const reader = world.client();
  ask(reader, 'a');
  for (let i = 0; i < 3; i++) world.time.turn();
  for (let i = 0; i < 15; i++) writer.publish('a', ...batch);
  world.time.run();
  writer.publish('a', 'last');
  t.equal(reader.offsets('a').at(-1), 35 * BATCH + 1);
  const told = reader.gaps('a').reduce((sum, gap) => sum + gap.toOffset - gap.fromOffset + 1, 0);
  t.equal(told + reader.offsets('a').length, 35 * BATCH + 1);
  t.equal(world.stats.laggingCursors, 0);
});
