import { equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { MemoryBudget, type Retention, TopicLog } from '../../src/log/index.js';

export const UNLIMITED: Retention = { bytes: Infinity, records: Infinity, ageMs: Infinity };

interface Frame {
  readonly base: number;
  readonly last: number;
  readonly records: number;
  readonly timestampUs: number;
  readonly data: Buffer;
}

const bytesOf = (frames: readonly Frame[]): number => frames.reduce((sum, { data }) => sum + data.length, 0);
const recordsOf = (frames: readonly Frame[]): number => frames.reduce((sum, { records }) => sum + records, 0);

export const newLog = (retention: Partial<Retention> = {}, budget = new MemoryBudget(Infinity)): TopicLog =>
  new TopicLog({ epoch: 'e', retention: { ...UNLIMITED, ...retention }, budget });

/** Appends a frame whose bytes tell its base, and returns it. */
export function append(log: TopicLog, size: number, records = 1, hole = 0, afterUs = 0): Frame {
  const base = log.head + 1 + hole;
  const timestampUs = log.lastTimestampUs + afterUs;
  const data = Buffer.alloc(size, `<${base}>`);
  log.reserve(size).set(data, log.reservedAt);
  log.commit(size, base, records, timestampUs);
  return { base, last: base + records - 1, records, timestampUs, data };
}

/** What a log should be, as a plain list of frames. */
export class Model {
  frames: Frame[] = [];
  head = 0;
  readonly retention: Retention;

  constructor(retention: Retention) {
    this.retention = retention;
  }

  append(frame: Frame): void {
    this.frames.push(frame);
    this.head = frame.last;
    const { bytes, records } = this.retention;
    while (this.frames.length > 1 && (bytesOf(this.frames) > bytes || recordsOf(this.frames) > records)) {
      this.frames.shift();
    }
    this.expire(frame.timestampUs);
  }

  expire(nowUs: number): void {
    this.frames = this.frames.filter((frame) => frame.timestampUs >= nowUs - this.retention.ageMs * 1000);
  }
}

type Command =
  | { readonly do: 'append'; size: number; records: number; hole: number; afterUs: number }
  | { readonly do: 'abandon'; size: number }
  | { readonly do: 'expire'; afterUs: number }
  | { readonly do: 'dropOldest' }
  | { readonly do: 'clear' };

const size = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 1, max: 600 }) },
  { weight: 2, arbitrary: fc.integer({ min: 601, max: 9000 }) },
  { weight: 1, arbitrary: fc.constant(300_000) },
);
export const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 60,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      size,
      records: fc.integer({ min: 1, max: 5 }),
      hole: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 9 })),
      afterUs: fc.integer({ min: 0, max: 300 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('abandon' as const), size }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('expire' as const), afterUs: fc.integer({ min: 0, max: 5000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('dropOldest' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
);
export const retention: fc.Arbitrary<Retention> = fc.record({
  bytes: fc.constantFrom(Infinity, 1, 1000, 20_000),
  records: fc.constantFrom(Infinity, 1, 7, 100),
  ageMs: fc.constantFrom(Infinity, 1, 10),
});

export function apply(command: Command, log: TopicLog, model: Model): void {
  switch (command.do) {
    case 'append':
      model.append(append(log, command.size, command.records, command.hole, command.afterUs));
      break;
    case 'abandon':
      log.reserve(command.size);
      break;
    case 'expire':
      log.expire(log.lastTimestampUs + command.afterUs);
      model.expire(log.lastTimestampUs + command.afterUs);
      break;
    case 'dropOldest': {
      const before = log.allocated;
      log.dropOldest();
      ok(log.allocated < before || before === 0);
      // How many frames lie in a chunk is the log's own affair.
      model.frames = model.frames.filter((frame) => frame.base >= log.first);
      break;
    }
    case 'clear':
      log.clear();
      model.frames = [];
      equal(log.allocated, 0);
      break;
    default:
      command satisfies never;
  }
}

/** Whether the log gives a reader at `offset` what the list gives. */
export function compareRead(offset: number, maxBytes: number, until: number, log: TopicLog, model: Model): void {
  const wanted = model.frames.filter((frame) => frame.last >= offset && frame.base < until);
  const slice = log.read(offset, maxBytes, until);
  const first = wanted[0];
  if (slice === undefined || first === undefined) {
    equal(slice, first);
    return;
  }
  const got = wanted.filter((frame) => frame.last < slice.next);
  equal(slice.bytes.toString(), Buffer.concat(got.map((frame) => frame.data)).toString());
  equal(slice.first, first.base);
  equal(slice.timestampUs, first.timestampUs);
  equal(slice.next, (got.at(-1)?.last ?? Number.NaN) + 1);
  equal(slice.frames, got.length);
  equal(slice.records, recordsOf(got));
  ok(got.length === 1 || slice.bytes.length <= maxBytes, 'more than was asked for');
  equal(log.read(offset, maxBytes, until), slice, 'the same reader again is given the same slice');
}

/** Whether the log knows of itself what the list knows. `n`, `us` and `offset` are any. */
export function compareState(n: number, us: number, offset: number, log: TopicLog, model: Model): void {
  const { frames, head } = model;
  const offsets = frames.flatMap(({ base, records }) => Array.from({ length: records }, (_, i) => base + i));
  const first = offsets[0] ?? head + 1;
  equal(log.head, head);
  equal(log.first, first);
  equal(log.bytes, bytesOf(frames));
  equal(log.records, offsets.length);
  equal(log.offsetOfLast(n), n === 0 ? head + 1 : (offsets.at(-n) ?? first));
  equal(log.offsetAtTime(us), frames.find(({ timestampUs }) => timestampUs >= us)?.base ?? head + 1);
  equal(log.bytesBehind(offset), bytesOf(frames.filter(({ last }) => last >= offset)));
  ok(log.bytes <= log.allocated);
}
