import { readdirSync, readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import t from 'tap';
import { loadConfig } from '../../src/config/index.js';
import { PATTERN_TOKENS_MAX, PATTERN_WILDCARDS_MAX, TOPIC_BYTES_MAX } from '../../src/log/topic-name.js';
import * as limits from '../../src/server/limits.js';
import { HEARTBEAT_MAX_MS, HEARTBEAT_MIN_MS } from '../../src/session/index.js';
import {
  BATCH_RECORDS_MAX,
  CODES,
  CORRUPT_FRAMES_MAX,
  decodePayload,
  encodeFrame,
  type Frame,
  FrameType,
  GapReason,
  HEADER_BYTES,
  MESSAGES_SLACK_BYTES,
  OnLag,
  PAYLOAD_BYTES_DEFAULT,
  PAYLOAD_BYTES_HANDSHAKE,
  POSITIONS_MAX,
  payloadIsIntact,
  RECORD_HEADERS_MAX,
  RECORD_ID_BYTES_MAX,
  readUint32,
  Start,
  TOO_LARGE_FACTOR,
  TRAILER_BYTES,
} from '../../src/wire/index.js';
import type { ProtocolClient } from '../support/protocol-client.js';
import { OPTIONS, World } from '../support/world.js';

const text = readFileSync('docs/PROTOCOL.md', 'utf8');

/** The rows of the table between the markers of a section, as cells. */
function rows(section: string): string[][] {
  const [, table = ''] = text.split(new RegExp(`<!-- ${section}: (?:begin|end)(?: \\(generated\\))? -->`));
  const lines = table.trim().split('\n').slice(2);
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

interface Example {
  readonly from: string;
  readonly frame: string;
  readonly fields: string;
  readonly hex: string;
}

/** The examples of a part of the document, those of each block together. */
function blocksIn(part: string): Example[][] {
  const blocks = [...part.matchAll(/```frame\n(.*?)\n```/gs)].map(([, block = '']) => block.split('\n\n'));
  return blocks.map((block) =>
    block.map((example) => {
      const [, from = '', frame = '', fields = '', hex = ''] =
        /^([CS]) (\w+) (\{.*\})\n([0-9a-f ]+)$/s.exec(example) ?? [];
      return { from, frame, fields, hex };
    }),
  );
}

const examples = blocksIn(text).flat();
const bytesOf = ({ hex }: Example) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** The frame of an example that has been found to be one. */
function frameOf(example: Example): Frame {
  const bytes = bytesOf(example);
  return decodePayload(bytes, HEADER_BYTES, bytes.length - TRAILER_BYTES) as Frame;
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const nameOf = (table: object, value: unknown) => Object.entries(table).find(([, number]) => number === value)?.[0];

/** A field as the document writes it; undefined for a zero. */
function written(name: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return value.length > 0 ? Buffer.from(value).toString() : undefined;
  if (value instanceof Map) return value.size > 0 ? Object.fromEntries(value) : undefined;
  if (Array.isArray(value)) return value.length > 0 ? value.map(writtenFields) : undefined;
  if (typeof value === 'bigint') return Number(value) || undefined;
  if (value === 0 || value === '' || value === false) return undefined;
  if (name === 'start') return nameOf(Start, value);
  if (name === 'onLag') return nameOf(OnLag, value);
  return name === 'reason' && typeof value === 'number' ? nameOf(GapReason, value) : value;
}

function writtenFields(message: object): object {
  const entries = Object.entries(message).map(([name, value]) => [snake(name), written(name, value)]);
  return Object.fromEntries(entries.filter(([name, value]) => name !== 'type' && value !== undefined));
}

t.test('FRM-2 FRM-3 PAY-5 every example is the frame that it says', async (t) => {
  t.ok(examples.length > 30);
  for (const example of examples) {
    const { frame, fields } = example;
    const bytes = bytesOf(example);
    const end = bytes.length - TRAILER_BYTES;
    t.equal(readUint32(bytes, 0), end - HEADER_BYTES, `${frame}: length`);
    t.ok(payloadIsIntact(bytes, HEADER_BYTES, end), `${frame}: CRC`);
    const decoded = decodePayload(bytes, HEADER_BYTES, end);
    t.equal(decoded.type, frame);
    t.strictSame(writtenFields(decoded), JSON.parse(fields), `${frame} ${fields}`);
    t.strictSame(Buffer.from(encodeFrame(decoded as Frame)), bytes, `${frame}: encoded anew`);
  }
});

t.test('every frame has an example, from an end that may send it', async (t) => {
  const way = new Map(rows('frames').map(([, frame, way]) => [frame, way]));
  for (const { from, frame } of examples) t.match(way.get(frame), new RegExp(`${from}|both`), `${from} ${frame}`);
  t.strictSame(new Set(examples.map(({ frame }) => frame)), new Set(Object.keys(FrameType)));
});

const root = new protobuf.Root().loadSync('proto/push.proto', { keepCase: true });

/** The fields of a message as the document lists them. */
function fieldList(message: string): string {
  const fields = root.lookupType(`pushd.v1.${message}`).fieldsArray;
  const type = (field: protobuf.Field) => {
    if (field instanceof protobuf.MapField) return `map<${field.keyType},${field.type}>`;
    return field.repeated ? `repeated ${field.type}` : field.type;
  };
  return fields.map((field) => `${field.id} ${field.name} ${type(field)}`).join(' · ');
}

t.test(
  'PAY-2 PAY-3 PAY-4 the tables of frames, messages and enums are those of the code and of push.proto',
  async (t) => {
    const frames = root.lookupType('pushd.v1.Frame').fieldsArray;
    t.strictSame(
      rows('frames').map(([number, name, , fields]) => [Number(number), name, fields]),
      frames.map(({ id, name, type }) => [id, name, fieldList(type)]),
    );
    t.strictSame(Object.fromEntries(frames.map(({ id, name }) => [name, id])), FrameType);
    t.strictSame(
      rows('messages'),
      ['Record', 'AckResult', 'Position'].map((name) => [name, fieldList(name)]),
    );
    t.strictSame(
      rows('enums'),
      Object.entries({ Start, OnLag, GapReason }).map(([name, values]) => [
        name,
        Object.entries(values)
          .map(([value, number]) => `${number} ${value}`)
          .join(' · '),
      ]),
    );
  },
);

t.test('CLS-7 the table of codes is that of the code', async (t) => {
  t.strictSame(
    rows('codes'),
    Object.entries(CODES).map(([name, { code, retry, scope, meaning }]) => [
      String(code),
      name,
      retry ? 'yes' : 'no',
      scope,
      meaning,
    ]),
  );
});

t.test('the table of limits is that of the code', async (t) => {
  const loaded = loadConfig({ flags: {}, env: {}, readFile: () => '' });
  if (!loaded.ok) throw new Error('the defaults are not legal');
  const { config } = loaded;
  t.equal(config.maxPayload, PAYLOAD_BYTES_DEFAULT);
  t.strictSame(
    rows('limits').map(([, value]) => Number(value)),
    [
      PAYLOAD_BYTES_HANDSHAKE,
      config.maxPayload,
      MESSAGES_SLACK_BYTES,
      BATCH_RECORDS_MAX,
      RECORD_HEADERS_MAX,
      RECORD_ID_BYTES_MAX,
      TOPIC_BYTES_MAX,
      PATTERN_TOKENS_MAX,
      PATTERN_WILDCARDS_MAX,
      CORRUPT_FRAMES_MAX,
      TOO_LARGE_FACTOR,
      config.maxSubscriptions,
      limits.SUBSCRIPTION_CHANGES_PER_SECOND,
      limits.LOOKS_PER_CHANGE,
      POSITIONS_MAX,
      config.maxTopics,
      limits.FETCHES_MAX,
      limits.FETCHES_PER_SECOND,
      limits.FETCH_RECORDS_DEFAULT,
      limits.FETCH_BYTES_MAX,
      limits.FETCH_WAIT_MS_MAX,
      limits.IDS_KEPT_MS,
      limits.CONTROL_BYTES_MAX,
      limits.LINGER_MS,
      config.handshakeTimeout,
      config.frameTimeout,
      config.writeTimeout,
      HEARTBEAT_MIN_MS,
      HEARTBEAT_MAX_MS,
      config.lagLimit,
      limits.CONFLATION_BYTES_MAX,
    ],
  );
});

t.test('rules are numbered without holes, and every reference leads to one', async (t) => {
  const defined = [...text.matchAll(/^\*\*([A-Z]{3})-(\d+)\*\*/gm)].map(([, family = '', number]) => ({
    family,
    number: Number(number),
  }));
  const last = new Map<string, number>();
  for (const { family, number } of defined) {
    t.equal(number, (last.get(family) ?? 0) + 1, `${family}-${number}`);
    last.set(family, number);
  }
  for (const [reference, family = '', number] of text.matchAll(/\b([A-Z]{3})-(\d+)\b/g)) {
    if (reference === 'CRC-32' || reference === 'UTF-8') continue;
    t.ok(Number(number) <= (last.get(family) ?? 0), `${reference} exists`);
  }
});

/** Rules that no test of the server can show. */
const NOT_THE_SERVERS: { readonly [why: string]: readonly string[] } = {
  'a definition, or advice': ['FRM-1', 'PAY-8', 'CLS-4', 'CLS-6'],
  'what C does; see the tests of the SDK and of the client in Python': [
    'FRM-5',
    'COR-6',
    'COR-7',
    'CLS-5',
    'HBT-6',
    'HBT-7',
    'MSG-3',
    'MSG-4',
    'GAP-2',
  ],
};

t.test('every rule has a test that names it', async (t) => {
  const named = new Set<string>();
  for (const file of readdirSync('test/pure').filter((name) => name.startsWith('protocol-'))) {
    const source = readFileSync(`test/pure/${file}`, 'utf8');
    for (const [, ids = ''] of source.matchAll(/t\.test\(\s*'((?:[A-Z]{3}-\d+ )+)/g)) {
      for (const id of ids.trim().split(' ')) named.add(id);
    }
  }
  const rules = [...text.matchAll(/^\*\*([A-Z]{3}-\d+)\*\*/gm)].map(([, id]) => id as string);
  const exempt = Object.values(NOT_THE_SERVERS).flat();
  t.strictSame(
    rules.filter((id) => !named.has(id)),
    rules.filter((id) => exempt.includes(id)),
  );
  t.strictSame(
    [...named, ...exempt].filter((id) => !rules.includes(id)),
    [],
    'and each test a rule',
  );
});

const VARYING = ['connectionId', 'server', 'timestampUs', 'retryAfterMs'];

/** Frames without what no two runs have in common. Epochs are named by the order in which they came up. */
function comparable(frames: readonly Frame[]): object[] {
  const epochs: string[] = [];
  return frames.map((frame) => {
    if ('epoch' in frame && frame.epoch !== '' && !epochs.includes(frame.epoch)) epochs.push(frame.epoch);
    const fields = Object.entries(frame).filter(([name]) => !VARYING.includes(name));
    return { ...Object.fromEntries(fields), ...('epoch' in frame && { epoch: epochs.indexOf(frame.epoch) }) };
  });
}

t.test('the conversation is one that the server has', async (t) => {
  const blocks = blocksIn(text.slice(text.indexOf('## 14.')));
  let world = new World();
  let reader: ProtocolClient = world.dial();
  const heard: Frame[] = [];
  const append = (...batches: string[][]) => {
    const publisher = world.client();
    for (const batch of batches) publisher.publish('fx', ...batch);
    publisher.bye();
  };
  const comeBack = () => {
    reader.cut();
    reader = world.dial();
  };
  const comeBackGreeted = () => {
    comeBack();
    reader.hello().heard();
  };
  /** What has happened before each block. */
  const scenes = [
    () => append(['a', 'b']),
    () => {},
    () => append(['c', 'd', 'e']),
    () => {
      comeBack();
      append(['f']);
    },
    () => {},
    () => {
      world.server.configure({ ...OPTIONS, retention: { ...OPTIONS.retention, records: 1 } });
      append(...Array.from({ length: 34 }, () => ['lost']), ['z']);
      comeBackGreeted();
    },
    () => void world.server.drain(1_000),
    () => {
      world = new World({}, 2);
      comeBackGreeted();
    },
  ];
  t.equal(blocks.length, scenes.length);

  const epochs: string[] = [];
  for (const [index, block] of blocks.entries()) {
    scenes[index]?.();
    for (const example of block.filter(({ from }) => from === 'C')) {
      const frame = frameOf(example);
      // The reader resumes with the epoch that it has been told, of which the document's is only an example.
      reader.send('epoch' in frame && frame.epoch !== '' ? { ...frame, epoch: epochs.at(-1) as string } : frame);
    }
    world.time.run();
    for (const frame of reader.heard()) {
      heard.push(frame);
      if (frame.type === 'subscribed') epochs.push(frame.epoch);
    }
  }
  const told = blocks.flat().filter(({ from }) => from === 'S');
  t.strictSame(comparable(heard), comparable(told.map(frameOf)));
});
