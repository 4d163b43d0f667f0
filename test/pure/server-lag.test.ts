import fc from 'fast-check';
import t from 'tap';
import { type Gap, GapReason, type Messages, OnLag, type Record, Start } from '../../src/wire/index.js';
import type { ProtocolClient } from '../support/protocol-client.js';
import { World } from '../support/world.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** What a link holds of one write at the most: data in flight, one slice more, and control frames. */
const IN_FLIGHT_MAX = (256 + 64 + 64) * KIB;

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

interface Told {
  readonly delivered: ReadonlyMap<number, Record>;
  readonly gaps: readonly Gap[];
  /** Every offset that was delivered or declared, in the order of arrival. */
  readonly offsets: readonly number[];
}

/** What a reader has been told of a topic. Throws if anything came twice or out of order. */
function told(reader: ProtocolClient, topic: string): Told {
  const delivered = new Map<number, Record>();
  const gaps: Gap[] = [];
  const offsets: number[] = [];
  const add = (offset: number) => {
    const last = offsets.at(-1) ?? 0;
    if (offset <= last) throw new Error(`${offset} after ${last}`);
    offsets.push(offset);
  };
  for (const frame of reader.frames) {
    if (frame.type === 'gap' && frame.topic === topic) {
      gaps.push(frame);
      for (let offset = frame.fromOffset; offset <= frame.toOffset; offset++) add(offset);
    } else if (frame.type === 'messages' && frame.topic === topic) {
      checkPrevious(frame, offsets.at(-1));
      for (const [i, record] of frame.records.entries()) {
        add(frame.baseOffset + i);
        delivered.set(frame.baseOffset + i, record);
      }
    }
  }
  return { delivered, gaps, offsets };
}

function checkPrevious({ baseOffset, prevOffset }: Messages, last: number | undefined): void {
  if (prevOffset !== baseOffset - 1) throw new Error(`prev_offset ${prevOffset} at ${baseOffset}`);
  if (last !== undefined && last !== prevOffset) throw new Error(`${prevOffset} is missing, and nobody said so`);
}

/** A writer, a reader beside it that keeps up, and a reader that takes nothing until it is let. */
function scene(onLag: OnLag, options: ConstructorParameters<typeof World>[0] = {}) {
  const world = new World({ lagLimit: 100 * KIB, heartbeat: 600_000, writeTimeoutMs: 600_000, ...options });
  const [writer, healthy, slow] = [world.client(), world.client(), world.client()];
  healthy.subscribe('a');
  slow.subscribe('a', { onLag });
  slow.link.allow(0);
  return { world, writer, healthy, slow };
}

t.test('C1 a reader that stops: nobody else notices, in-flight is bounded, and it goes on without loss', async (t) => {
  const { world, writer, healthy, slow } = scene(OnLag.WAIT);
  for (let i = 1; i <= 2_000; i++) {
    writer.publish('a', 'x'.repeat(2_000));
    if (healthy.offsets('a').length !== 1) return t.fail(`the healthy one waited at ${i}`);
    healthy.heard();
    if (slow.link.pending > IN_FLIGHT_MAX) return t.fail(`${slow.link.pending} bytes wait`);
  }
  t.equal(world.stats.laggingCursors, 1);
  slow.link.allow(Infinity);
  world.time.run();
  t.same(slow.offsets('a'), numbers(1, 2_000));
  t.equal(world.stats.laggingCursors, 0, 'it is live again');
  writer.publish('a', 'next');
  t.equal(slow.offsets('a').at(-1), 2_001);
  return undefined;
});

t.test('control frames go ahead of data that has not been handed over', async (t) => {
  const { world, writer, slow } = scene(OnLag.WAIT);
  for (let i = 0; i < 200; i++) writer.publish('a', 'x'.repeat(10_000));
  slow.send({ type: 'ping', nonce: 7n, sentUs: 1n, rttUs: 0 });
  const [pending, before] = [slow.link.pending, slow.of('messages').length];
  slow.link.allow(pending + 100);
  world.time.run();
  const after = slow.names().slice(before);
  t.ok(after.includes('pong'));
  slow.link.allow(Infinity);
  world.time.run();
  const names = slow.names();
  t.ok(names.indexOf('pong') < names.lastIndexOf('messages') - 100, 'the backlog comes behind it');
});

t.test('C4 a thousand slow readers: what they cost is their cursors, and what one link holds is shared', async (t) => {
  const world = new World({ maxConns: 2_000, heartbeat: 600_000, writeTimeoutMs: 600_000 });
  const [writer, healthy] = [world.client(), world.client().subscribe('a')];
  const crowd = Array.from({ length: 1_000 }, () => world.client().subscribe('a'));
  for (const reader of crowd) reader.link.allow(0);
  for (let i = 0; i < 1_000; i++) {
    writer.publish('a', 'x'.repeat(2_000));
    healthy.heard();
  }
  t.equal(world.stats.laggingCursors, 1_000);
  t.ok(world.stats.logBytes < 4 * MIB, 'the log is held once');
  t.ok(crowd.every((reader) => reader.link.pending <= IN_FLIGHT_MAX));
  const memory = new Set(crowd.flatMap((reader) => reader.link.waiting.map((piece) => piece.buffer)));
  t.ok(memory.size < 20, `what waits for all of them lies in ${memory.size} pieces of memory`);
  for (const reader of crowd.slice(0, 500)) reader.cut();
  for (const reader of crowd.slice(500)) reader.link.allow(Infinity);
  world.time.run();
  t.ok(crowd.slice(500).every((reader) => reader.offsets('a').length === 1_000));
  t.equal(world.stats.laggingCursors, 0);
});

t.test('C5 WAIT: a cursor that falls off the tail is told exactly what is lost', async (t) => {
  const { world, writer, slow } = scene(OnLag.WAIT, {
    retention: { bytes: 300 * KIB, records: Infinity, ageMs: Infinity },
  });
  for (let i = 0; i < 1_000; i++) writer.publish('a', 'x'.repeat(1_000), 'y');
  slow.link.allow(Infinity);
  world.time.run();
  const { delivered, gaps, offsets } = told(slow, 'a');
  t.same(offsets, numbers(1, 2_000));
  t.match(gaps, [
    {
      reason: GapReason.EVICTED,
      fromOffset: gaps[0]?.fromOffset ?? 0,
      toOffset: (world.server.topics()[0]?.first ?? 0) - 1,
    },
  ]);
  t.equal(delivered.size, 2_000 - ((gaps[0]?.toOffset ?? 0) - (gaps[0]?.fromOffset ?? 0) + 1));
});

t.test('C5 SKIP: jumps to the head, and names what it skips', async (t) => {
  const { world, writer, slow } = scene(OnLag.SKIP);
  for (let i = 0; i < 300; i++) writer.publish('a', 'x'.repeat(1_000));
  slow.link.allow(Infinity);
  world.time.run();
  writer.publish('a', 'live');
  const { delivered, gaps, offsets } = told(slow, 'a');
  t.same(offsets, numbers(1, 301));
  t.match(gaps, [{ reason: GapReason.SKIPPED, toOffset: 300 }]);
  t.ok(delivered.has(301));
  t.equal(world.stats.laggingCursors, 0);
});

t.test('C5 SKIP: within the limit nothing is skipped', async (t) => {
  const { world, writer, slow } = scene(OnLag.SKIP);
  for (let i = 0; i < 90; i++) writer.publish('a', 'x'.repeat(1_000));
  slow.link.allow(Infinity);
  world.time.run();
  t.same([...told(slow, 'a').delivered.keys()], numbers(1, 90));
});

t.test('C5 DISCONNECT: closes, also one that never reads again', async (t) => {
  const { world, writer, healthy, slow } = scene(OnLag.DISCONNECT);
  for (let i = 0; i < 90; i++) writer.publish('a', 'x'.repeat(1_000));
  t.equal(world.counts.get('closed.slow_consumer'), 0);
  for (let i = 0; i < 20; i++) writer.publish('a', 'x'.repeat(1_000));
  t.equal(world.counts.get('closed.slow_consumer'), 1);
  world.advance(2_100);
  t.equal(slow.end, 'destroyed');
  t.equal(healthy.offsets('a').length, 110);
  t.equal(world.stats.laggingCursors, 0);
});

t.test('C5 DISCONNECT: a lost place is not passed over in silence', async (t) => {
  const { world, writer, slow } = scene(OnLag.DISCONNECT, {
    lagLimit: 8 * MIB,
    retention: { bytes: 50 * KIB, records: Infinity, ageMs: Infinity },
  });
  for (let i = 0; i < 90; i++) writer.publish('a', 'x'.repeat(1_000));
  const sent = world.counts.get('delivered');
  slow.link.allow(Infinity);
  world.time.run();
  t.equal(slow.cause, 'SLOW_CONSUMER');
  t.same(told(slow, 'a').gaps, []);
  t.equal(world.counts.get('delivered'), sent, 'nothing is counted as delivered behind a CLOSE');
});

t.test('C5 history that was asked for is no lag', async (t) => {
  for (const onLag of [OnLag.SKIP, OnLag.LATEST_PER_KEY, OnLag.DISCONNECT]) {
    const world = new World({ lagLimit: 100 * KIB });
    const writer = world.client();
    for (let i = 0; i < 1_000; i++) writer.publish('a', 'x'.repeat(1_000));
    const reader = world.client().subscribe('a', { start: Start.EARLIEST, onLag });
    t.same(reader.offsets('a'), numbers(1, 1_000));
    t.equal(reader.end, 'none');
  }
});

t.test('C5 LATEST_PER_KEY: the newest record of each key, and every other one declared', async (t) => {
  const { world, writer, slow } = scene(OnLag.LATEST_PER_KEY);
  const newest = new Map<string, number>();
  let offset = 0;
  for (let i = 0; i < 200; i++) {
    const batch = numbers(0, 4).map((n) => ({ key: `k${(i * 3 + n * n) % 11}`, data: 'x'.repeat(300) }));
    for (const { key } of batch) newest.set(key, ++offset);
    writer.publish('a', ...batch);
  }
  slow.link.allow(Infinity);
  world.time.run();
  const { delivered, gaps, offsets } = told(slow, 'a');
  t.same(offsets, numbers(1, 1_000));
  t.ok(gaps.length > 0 && gaps.every((gap) => gap.reason === GapReason.CONFLATED));
  for (const [key, at] of newest) t.equal(delivered.get(at)?.key, key);
  const inFlight = [...delivered.keys()].filter((at) => ![...newest.values()].includes(at));
  t.same(inFlight, numbers(1, inFlight.length), 'besides those, what was on its way when it fell behind');
  writer.publish('a', { key: 'k1', data: 'live' });
  t.equal(slow.offsets('a').at(-1), 1_001);
  t.equal(world.stats.laggingCursors, 0);
});

t.test('C5 LATEST_PER_KEY: records without a key have the empty one in common', async (t) => {
  const { world, writer, slow } = scene(OnLag.LATEST_PER_KEY);
  for (let i = 0; i < 300; i++) writer.publish('a', 'x'.repeat(1_000));
  slow.link.allow(Infinity);
  world.time.run();
  const { delivered, offsets } = told(slow, 'a');
  t.same(offsets, numbers(1, 300));
  t.ok(delivered.has(300) && delivered.size < 290);
});

t.test('C5 any policy, any reader, any retention: what is declared is what is missing, record for record', async () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant('publish' as const),
        keys: fc.array(fc.nat(5), { minLength: 1, maxLength: 6 }),
        size: fc.nat(3_000),
      }),
    },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('take' as const), who: fc.nat(3), bytes: fc.nat(40_000) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('catch up' as const), who: fc.nat(3) }) },
  );
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 20, maxLength: 120 }),
      fc.integer({ min: 8, max: 400 }),
      (steps, retainKib) => {
        const world = new World({
          lagLimit: 20 * KIB,
          retention: { bytes: retainKib * KIB, records: Infinity, ageMs: Infinity },
          heartbeat: 600_000,
        });
        const writer = world.client();
        const policies = [OnLag.WAIT, OnLag.SKIP, OnLag.LATEST_PER_KEY, OnLag.LATEST_PER_KEY];
        const readers = policies.map((onLag) => world.client().subscribe('a', { onLag }));
        for (const reader of readers) reader.link.allow(5_000);
        const published: string[] = [];
        for (const step of steps) {
          const reader = step.type === 'publish' ? undefined : readers[step.who];
          if (step.type === 'publish') {
            const records = step.keys.map((key) => ({
              key: `k${key}`,
              data: `${published.length + 1}`.padEnd(step.size, '.'),
            }));
            published.push(...records.map(({ key }) => key));
            writer.publish('a', ...records);
          } else {
            reader?.link.take(step.type === 'take' ? step.bytes : 10 * MIB);
            reader?.link.allow(0);
            world.time.run();
          }
        }
        for (const reader of readers) reader.link.allow(Infinity);
        world.time.run();
        for (const [i, reader] of readers.entries()) checkAccount(reader, published, policies[i] ?? OnLag.WAIT);
        if (world.stats.laggingCursors !== 0) throw new Error('somebody is still behind');
      },
    ),
    { numRuns: 150 },
  );
});

/** Everything published was delivered or declared, once and in order; what was conflated has been superseded. */
function checkAccount(reader: ProtocolClient, published: readonly string[], policy: OnLag): void {
  const { delivered, gaps, offsets } = told(reader, 'a');
  if (offsets.length !== published.length) throw new Error(`${offsets.length} of ${published.length} accounted for`);
  for (const [offset, record] of delivered) {
    if (record.key !== published[offset - 1]) throw new Error(`${offset} is another record`);
  }
  const allowed: { readonly [policy: number]: readonly number[] } = {
    [OnLag.WAIT]: [GapReason.EVICTED],
    [OnLag.SKIP]: [GapReason.EVICTED, GapReason.SKIPPED],
    [OnLag.LATEST_PER_KEY]: [GapReason.EVICTED, GapReason.CONFLATED],
  };
  const evicted = new Set<number>();
  for (const gap of gaps) {
    if (!allowed[policy]?.includes(gap.reason)) throw new Error(`a gap of reason ${gap.reason}`);
    if (gap.reason === GapReason.EVICTED) for (const o of numbers(gap.fromOffset, gap.toOffset)) evicted.add(o);
  }
  if (policy !== OnLag.LATEST_PER_KEY) return;
  for (const gap of gaps) {
    if (gap.reason !== GapReason.CONFLATED) continue;
    for (const offset of numbers(gap.fromOffset, gap.toOffset)) {
      const newest = published.lastIndexOf(published[offset - 1] ?? '') + 1;
      if (newest <= offset) throw new Error(`${offset} was conflated, but nothing newer of its key exists`);
      if (!delivered.has(newest) && !evicted.has(newest))
        throw new Error(`${newest}, the newest of its key, is missing`);
    }
  }
}
