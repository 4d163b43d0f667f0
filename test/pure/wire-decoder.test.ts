import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { ChunkQueue } from '../../src/wire/chunk-queue.js';
import {
  CORRUPT_FRAMES_MAX,
  crc32,
  DecodeStep,
  decodePayload,
  encodeFrame,
  type Frame,
  FrameDecoder,
  type OnCorrupt,
  PAYLOAD_BYTES_HANDSHAKE,
  sealFrame,
} from '../../src/wire/index.js';
import { SCAN_CRC_FACTOR, SCAN_FRAMES_MAX, ScanBudget } from '../../src/wire/scan-budget.js';

const LIMIT = 256 * 1024;
const MODES: readonly OnCorrupt[] = ['skip', 'scan', 'close'];

const ping = (nonce: number): Uint8Array => encodeFrame({ type: 'ping', nonce: BigInt(nonce), sentUs: 0n, rttUs: 0 });
const publish = (data: Uint8Array, requestId = 1): Uint8Array =>
  encodeFrame({
    type: 'publish',
    requestId,
    topic: 'a.b',
    records: [{ data, id: new Uint8Array(0), key: '', headers: new Map() }],
  });
const concat = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const bytewise = (bytes: Uint8Array): Uint8Array[] => [...bytes].map((byte) => Uint8Array.of(byte));
const flipBit = (bytes: Uint8Array, bit: number): Uint8Array => {
  const flipped = Uint8Array.from(bytes);
  flipped[bit >> 3] ^= 1 << (bit & 7);
  return flipped;
};
const header = (length: number): Uint8Array => Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length);
const sealed = (payload: Uint8Array): Uint8Array => {
  const frame = new Uint8Array(payload.length + 8);
  frame.set(payload, 4);
  sealFrame(frame, 0, payload.length);
  return frame;
};

interface Outcome {
  /** What came out, in order: payloads as values, and the names of other steps. */
  readonly log: readonly (Frame | string)[];
  readonly decoder: FrameDecoder;
}

function drain(decoder: FrameDecoder): (Frame | string)[] {
  const log: (Frame | string)[] = [];
  for (;;) {
    const step = decoder.next();
    switch (step) {
      case DecodeStep.NEED_MORE:
        return log;
      case DecodeStep.FATAL:
        return [...log, decoder.fault?.code ?? 'no fault'];
      case DecodeStep.CORRUPT:
        log.push('corrupt');
        break;
      case DecodeStep.TOO_LARGE:
        log.push('too large');
        break;
      case DecodeStep.FRAME: {
        const decoded = decodePayload(decoder.bytes.slice(decoder.start, decoder.end));
        log.push(decoded.type === 'fault' ? decoded.reason : decoded);
      }
    }
  }
}

function decode(mode: OnCorrupt, chunks: readonly Uint8Array[], limit = LIMIT): Outcome {
  const decoder = new FrameDecoder(mode);
  decoder.setMaxPayload(limit);
  const log: (Frame | string)[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    log.push(...drain(decoder));
    if (decoder.fault !== undefined) {
      break;
    }
  }
  return { log, decoder };
}

/** The log with pings as their nonces and publishes as their request ids: short enough to compare by eye. */
const brief = ({ log }: Outcome): (string | number)[] =>
  log.map((entry) => {
    if (typeof entry === 'string') {
      return entry;
    }
    return entry.type === 'ping'
      ? Number(entry.nonce)
      : entry.type === 'publish'
        ? `publish ${entry.requestId}`
        : entry.type;
  });

t.test('F1 cut at every byte boundary, and 100 frames in one segment: alike, in order', (t) => {
  const frames = Array.from({ length: 100 }, (_, index) =>
    index % 3 ? ping(index) : publish(new Uint8Array(index), index),
  );
  const stream = concat(...frames);
  for (const mode of MODES) {
    const whole = decode(mode, [stream]);
    t.equal(whole.log.length, 100);
    t.same(decode(mode, bytewise(stream)).log, whole.log, `${mode}: byte by byte`);
  }
  const three = concat(...frames.slice(0, 3));
  const expected = decode('skip', [three]).log;
  for (let cut = 0; cut <= three.length; cut += 1) {
    assert.deepEqual(decode('skip', [three.subarray(0, cut), three.subarray(cut)]).log, expected, `cut at ${cut}`);
  }
  t.end();
});

/** Pieces of streams, good and bad. */
const piece = fc.oneof(
  fc.nat(1000).map(ping),
  fc.uint8Array({ maxLength: 400 }).map((data) => publish(data)),
  fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 60 })).map(([bit, data]) => {
    const frame = publish(data);
    return flipBit(frame, bit % (frame.length * 8));
  }),
  fc.uint8Array({ maxLength: 20 }),
  fc.constantFrom(header(0), header(700), header(20_000), publish(new Uint8Array(900)), publish(publish(ping(7)))),
);

t.test('F1 F6 F7 any split of any stream decodes alike, in every mode', (t) => {
  fc.assert(
    fc.property(
      fc.constantFrom(...MODES),
      fc.array(piece, { maxLength: 12 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (mode, pieces, cuts) => {
        const stream = concat(...pieces);
        const places = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
        const chunks = places.slice(1).map((place, index) => stream.subarray(places[index], place));
        const whole = decode(mode, [stream], 600);
        for (const split of [decode(mode, chunks, 600), decode(mode, bytewise(stream), 600)]) {
          assert.deepEqual(split.log, whole.log);
          assert.equal(split.decoder.fault?.reason, whole.decoder.fault?.reason);
          assert.equal(split.decoder.resyncBytes, whole.decoder.resyncBytes);
          assert.equal(split.decoder.corruptFrames, whole.decoder.corruptFrames);
        }
      },
    ),
    { numRuns: 1500 },
  );
  t.end();
});

t.test('F2 length 0 ends the stream, once and for all', (t) => {
  for (const mode of ['skip', 'close'] as const) {
    const { decoder, ...rest } = decode(mode, [concat(ping(1), header(0), ping(2))]);
    t.same(brief({ decoder, ...rest }), [1, 'PROTOCOL_ERROR'], mode);
    decoder.push(ping(3));
    t.equal(decoder.next(), DecodeStep.FATAL);
    t.equal(decoder.buffered, 0, 'nothing is kept for a dead stream');
  }
  t.same(
    brief(decode('scan', [concat(ping(1), header(0), ping(2))])),
    [1, 'corrupt', 2],
    'scan: damage like any other',
  );
  t.end();
});

/** A publish whose payload has exactly so many bytes. */
function publishOfPayload(bytes: number): Uint8Array {
  let size = bytes;
  while (publish(new Uint8Array(size)).length > bytes + 8) {
    size -= 1;
  }
  const frame = publish(new Uint8Array(size));
  assert.equal(frame.length, bytes + 8);
  return frame;
}

t.test('F3 exactly the limit is accepted; one more is judged by its header, and nothing of it kept', (t) => {
  const exact = publishOfPayload(LIMIT);
  const over = publishOfPayload(LIMIT + 1);
  for (const mode of MODES) {
    t.same(brief(decode(mode, [exact, ping(1)])), ['publish 1', 1], mode);
  }
  t.same(brief(decode('close', [over.subarray(0, 4)])), ['FRAME_TOO_LARGE']);
  t.same(brief(decode('scan', [over, ping(1)])), ['too large', 1]);
  const decoder = new FrameDecoder('skip');
  decoder.setMaxPayload(LIMIT);
  decoder.push(over.subarray(0, 4));
  t.equal(decoder.next(), DecodeStep.TOO_LARGE);
  for (let at = 4; at < over.length; at += 50_000) {
    t.equal(decoder.next(), DecodeStep.NEED_MORE);
    t.equal(decoder.buffered, 0);
    t.equal(decoder.midFrame, true);
    decoder.push(over.subarray(at, at + 50_000));
  }
  t.equal(decoder.next(), DecodeStep.NEED_MORE);
  t.equal(decoder.midFrame, false);
  t.equal(decoder.resyncBytes, over.length);
  decoder.push(concat(over, ping(2)));
  t.same(brief({ log: drain(decoder), decoder }), ['too large', 2], 'two in a row are two errors');
  t.equal(decoder.corruptFrames, 0);
  t.end();
});

t.test('F3 up to 16 times the limit is discarded; beyond, the stream ends', (t) => {
  t.same(brief(decode('skip', [header(LIMIT * 16)])), ['too large']);
  t.same(brief(decode('skip', [header(LIMIT * 16 + 1)])), ['FRAME_TOO_LARGE']);
  t.end();
});

t.test('F4 lengths 0x80000000 and 0xFFFFFFFF: ended from the header alone', (t) => {
  for (const length of [0x80000000, 0xffffffff]) {
    for (const mode of ['skip', 'close'] as const) {
      t.same(brief(decode(mode, [header(length)])), ['FRAME_TOO_LARGE']);
    }
  }
  t.end();
});

t.test('a length that is letters is told as such: the peer speaks another protocol', (t) => {
  const reason = (length: number) => decode('skip', [header(length)]).decoder.fault?.reason;
  t.match(reason(0x48545450), /^a payload of 1213486160 bytes, as text "HTTP"; the limit is \d+$/);
  t.match(reason(0x47455420), 'as text "GET "');
  t.match(reason(0x48545400), /^a payload of \d+ bytes; the limit is/);
  t.end();
});

t.test('F5 more than 64 KiB before HELLO is accepted: refused, in every mode', (t) => {
  for (const mode of MODES) {
    const decoder = new FrameDecoder(mode);
    decoder.push(publishOfPayload(PAYLOAD_BYTES_HANDSHAKE));
    t.same(brief({ log: drain(decoder), decoder }), ['publish 1']);
    decoder.push(publishOfPayload(PAYLOAD_BYTES_HANDSHAKE + 1));
    t.same(brief({ log: drain(decoder), decoder }), ['FRAME_TOO_LARGE'], mode);
  }
  t.end();
});

t.test('F6 every single-bit flip is noticed, and each mode goes on, or ends, as it should', (t) => {
  const victim = publish(Uint8Array.from(Buffer.from('a record of some length, more or less')), 1);
  const filler = publish(new Uint8Array(1000), 2);
  for (let bit = 0; bit < victim.length * 8; bit += 1) {
    const stream = [concat(ping(1), flipBit(victim, bit), ping(2), ping(3), filler, filler)];
    const skip = decode('skip', stream, 2000);
    const scan = decode('scan', stream, 2000);
    const close = decode('close', stream, 2000);
    assert.deepEqual(brief(scan), [1, 'corrupt', 2, 3, 'publish 2', 'publish 2'], `scan, bit ${bit}`);
    assert.equal(scan.decoder.resyncBytes, victim.length);
    if (bit >= 32) {
      assert.deepEqual(brief(skip), [1, 'corrupt', 2, 3, 'publish 2', 'publish 2'], `skip, bit ${bit}`);
      assert.equal(skip.decoder.resyncBytes, victim.length);
      assert.deepEqual(brief(close), [1, 'CORRUPT'], `close, bit ${bit}`);
    } else {
      assert.ok(skip.decoder.corruptFrames > 0 || skip.decoder.resyncBytes > 0 || skip.decoder.fault, `bit ${bit}`);
      assert.ok(!brief(skip).includes('publish 1'), `bit ${bit}`);
      assert.equal(close.decoder.fault === undefined, close.decoder.midFrame, `bit ${bit}`);
    }
  }
  t.end();
});

t.test('F6 sixteen corrupt frames are survived, in a row too; the next one ends the stream', (t) => {
  const survives = (mode: OnCorrupt, corrupt: Uint8Array): void => {
    const most = Array.from({ length: CORRUPT_FRAMES_MAX }, () => corrupt);
    assert.deepEqual(brief(decode(mode, [concat(...most, ping(1))])), [...most.map(() => 'corrupt'), 1]);
    const { decoder, log } = decode(mode, [concat(...most, ping(1), corrupt, ping(2))]);
    assert.equal(log.at(-1), 'CORRUPT');
    assert.equal(decoder.corruptFrames, CORRUPT_FRAMES_MAX + 1);
  };
  const frame = publish(new Uint8Array(200));
  for (let at = 4; at < frame.length; at += 1) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const corrupt = Uint8Array.from(frame);
      corrupt[at] ^= mask;
      survives('skip', corrupt);
    }
  }
  survives('scan', flipBit(frame, 8 * 20));
  const lost = flipBit(frame, 8 * 5);
  t.same(brief(decode('scan', [concat(lost, lost, ping(1))])), ['corrupt', 1], 'a search across several counts once');
  t.end();
});

t.test('F7 garbage before, between and after good frames', (t) => {
  const garbage = Uint8Array.from(Buffer.from('GET / HTTP/1.1\r\nHost: example\r\n\r\n'));
  const zeros = new Uint8Array(500);
  for (const junk of [garbage, zeros, concat(garbage, zeros, garbage)]) {
    const stream = [concat(junk, ping(1), junk, ping(2), junk)];
    t.same(brief(decode('scan', stream)), ['corrupt', 1, 'corrupt', 2, 'corrupt']);
    for (const mode of ['skip', 'close'] as const) {
      const [first, ...rest] = brief(decode(mode, stream));
      t.match(first, /PROTOCOL_ERROR|FRAME_TOO_LARGE/, 'no frame of a stream that starts so is believed');
      t.same(rest, []);
    }
  }
  t.end();
});

t.test('F7 what follows a discarded frame must be a frame, or at least look like one', (t) => {
  const corrupt = flipBit(ping(9), 8 * 5);
  const strange = sealed(Uint8Array.of(1, 2, 3, 4, 5));
  strange[4] ^= 0xff;
  for (const junk of [header(0), header(LIMIT + 1), header(LIMIT * 17), strange]) {
    const outcome = decode('skip', [concat(corrupt, junk, ping(1), ping(2))]);
    t.same(brief(outcome), ['corrupt', 'CORRUPT']);
  }
  t.same(brief(decode('skip', [concat(strange, ping(1), strange, ping(2))])), ['corrupt', 1, 'corrupt', 2]);
  t.end();
});

t.test('F7 with skip, a whole frame inside the record of a discarded one is never acted on', (t) => {
  const nested = publish(concat(...Array.from({ length: 200 }, (_, index) => ping(index))), 77);
  for (let bit = 32; bit < nested.length * 8; bit += 61) {
    assert.deepEqual(brief(decode('skip', [flipBit(nested, bit), ping(1)])), ['corrupt', 1], `bit ${bit}`);
  }
  t.same(brief(decode('skip', [nested, ping(1)], 1000)), ['too large', 1]);
  t.same(brief(decode('skip', bytewise(concat(nested, ping(1))), 1000)), ['too large', 1]);
  t.end();
});

t.test('F7 scan gives up after two frames of the largest size', (t) => {
  const limit = 1000;
  const budget = SCAN_FRAMES_MAX * (limit + 8);
  const junk = (bytes: number) => new Uint8Array(bytes).fill(0x41);
  t.same(brief(decode('scan', [concat(junk(budget + 1), ping(1))], limit)), ['corrupt', 1]);
  const { decoder, log } = decode('scan', [concat(junk(budget + 2), ping(1))], limit);
  t.same(log, ['corrupt', 'CORRUPT']);
  t.equal(decoder.buffered, 0);
  t.end();
});

t.test('F7 scan: the CRC work that a hostile stream can ask for is bounded for every byte it sends', (t) => {
  // As many plausible frames as can be: each a few bytes behind the last, all with a legal length and the look of one.
  const limit = 4096;
  const hostile = (bytes: number): Uint8Array => {
    const stream = new Uint8Array(bytes).fill(0xff);
    for (let at = 1; at + 16 < bytes; at += 7) {
      const length = Math.min(limit, bytes - at - 8);
      stream.set([0, 0, length >> 8, length & 0xff, 0x4a, ((length - 3) & 0x7f) | 0x80, (length - 3) >> 7], at);
    }
    return stream;
  };
  const { log, decoder } = decode('scan', [hostile(8000)], limit);
  t.same(log, ['corrupt', 'CORRUPT']);
  t.match(decoder.fault, { reason: /too much to check/ });

  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 10_000 })), { maxLength: 100 }), (events) => {
      const budget = new ScanBudget();
      let received = 0;
      let spent = 0;
      for (const [arrives, bytes] of events) {
        if (arrives) {
          received += bytes;
          budget.received(bytes, limit);
        } else if (budget.spendCrc(bytes)) {
          spent += bytes;
        } else {
          break;
        }
        assert.ok(spent <= SCAN_CRC_FACTOR * received);
      }
    }),
  );
  t.end();
});

t.test('F8 the end in the middle of a frame: nothing of it comes out', (t) => {
  const frame = publish(new Uint8Array(100));
  for (const mode of MODES) {
    for (let cut = 1; cut < frame.length; cut += 1) {
      const { log, decoder } = decode(mode, [frame.subarray(0, cut)]);
      assert.deepEqual(log, []);
      assert.equal(decoder.midFrame, true);
      assert.equal(decoder.buffered, cut);
    }
  }
  t.end();
});

t.test('F10 a storm of one-byte chunks: chunks and bytes bounded, and the bytes right', (t) => {
  const queue = new ChunkQueue();
  const total = 1024 * 1024;
  for (let sent = 0; sent < total; sent += 1) {
    queue.append(Uint8Array.of(sent & 0xff));
  }
  t.equal(queue.size, total);
  t.ok(queue.chunkCount < 30, `${queue.chunkCount} chunks`);
  queue.gather(total);
  t.ok(queue.bytes.subarray(queue.start, queue.start + total).every((byte, index) => byte === (index & 0xff)));
  const big = publishOfPayload(LIMIT);
  t.same(brief(decode('skip', bytewise(concat(big, ping(1))))), ['publish 1', 1]);
  t.end();
});

t.test('F10 the queue is a plain queue of bytes, however it is filled and emptied', (t) => {
  const action = fc.oneof(
    fc.record({ append: fc.oneof(fc.nat(3), fc.nat(9000)) }),
    fc.record({ skip: fc.nat(12_000) }),
    fc.record({ gather: fc.nat(12_000) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const queue = new ChunkQueue();
      let model = Buffer.alloc(0);
      let next = 0;
      for (const step of actions) {
        if ('append' in step) {
          const chunk = Uint8Array.from({ length: step.append }, () => next++ & 0xff);
          queue.append(chunk);
          model = Buffer.concat([model, chunk]);
        } else if ('skip' in step) {
          assert.equal(queue.skip(step.skip), Math.min(step.skip, model.length));
          model = model.subarray(Math.min(step.skip, model.length));
        } else if (model.length > 0) {
          const count = Math.min(step.gather, model.length);
          queue.gather(count);
          assert.ok(model.subarray(0, count).equals(queue.bytes.subarray(queue.start, queue.start + count)));
        }
        assert.equal(queue.size, model.length);
        assert.ok(queue.chunkCount <= 3 + model.length / 1024);
        for (const at of [0, 1, 4095, 4096, model.length - 1]) {
          assert.ok(at < 0 || at >= model.length || queue.byteAt(at) === model[at]);
        }
        assert.ok(model.length < 4 || queue.uint32() === model.readUInt32BE(0));
      }
    }),
  );
  t.end();
});

t.test('payloads handed out are never overwritten', (t) => {
  const decoder = new FrameDecoder('skip');
  const stream = concat(...Array.from({ length: 50 }, (_, index) => publish(new Uint8Array(90).fill(index), index)));
  const held: [Uint8Array, number][] = [];
  for (const chunk of bytewise(stream)) {
    decoder.push(chunk);
    while (decoder.next() === DecodeStep.FRAME) {
      const view = decoder.bytes.subarray(decoder.start, decoder.end);
      held.push([view, crc32(view, 0, view.length)]);
    }
  }
  t.equal(held.length, 50);
  t.ok(held.every(([view, crc]) => crc32(view, 0, view.length) === crc));
  t.end();
});
