import fc from 'fast-check';
import t from 'tap';
import {
  CLIENT_TRANSITIONS,
  type CloseCause,
  classify,
  closeFrame,
  DEADLINES,
  Deadlines,
  HEARTBEAT_MAX_MS,
  HEARTBEAT_MIN_MS,
  Heartbeat,
  heartbeatInterval,
  linkLost,
  localCause,
  mayRetry,
  PHASES,
  type Phase,
  peerCause,
  RttEstimator,
  SERVER_TRANSITIONS,
  Session,
  SessionEndedError,
  type SessionHost,
  type SessionNote,
  type SessionOptions,
  StreamContext,
  TimerWheel,
  TokenBucket,
  type WheelItem,
} from '../../src/session/index.js';
import {
  type CloseName,
  CODES,
  encodeFrame,
  type Frame,
  type FrameName,
  FrameType,
  GapReason,
  OnLag,
  Start,
} from '../../src/wire/index.js';

const MAX_PAYLOAD = 1024 * 1024;
const OPTIONS: SessionOptions = {
  transitions: SERVER_TRANSITIONS,
  maxPayload: MAX_PAYLOAD,
  onCorrupt: 'skip',
  heartbeat: 1_000,
  handshakeTimeoutMs: 5_000,
  frameTimeoutMs: 20_000,
  writeTimeoutMs: 30_000,
  lingerTimeoutMs: 2_000,
};

/** One of each frame, as small as it may be. */
const FRAMES: { readonly [N in FrameName]: Frame } = {
  hello: {
    type: 'hello',
    version: 1,
    client: '',
    token: '',
    heartbeatMs: 0,
    connectMs: 0,
    attempt: 0,
    resuming: false,
  },
  welcome: {
    type: 'welcome',
    version: 1,
    connectionId: 'c',
    server: 's',
    heartbeatMs: 1_000,
    maxPayload: MAX_PAYLOAD,
    principal: '',
  },
  ping: { type: 'ping', nonce: 1n, sentUs: 0n, rttUs: 0 },
  pong: { type: 'pong', nonce: 1n, sentUs: 0n },
  subscribe: {
    type: 'subscribe',
    requestId: 1,
    topic: 't',
    start: Start.LATEST,
    epoch: '',
    offset: 0,
    lastN: 0,
    sinceUs: 0,
    onLag: OnLag.WAIT,
    positions: [],
  },
  subscribed: { type: 'subscribed', requestId: 1, topic: 't', epoch: 'e', nextOffset: 1, headOffset: 0 },
  unsubscribe: { type: 'unsubscribe', requestId: 1, topic: 't' },
  unsubscribed: { type: 'unsubscribed', requestId: 1, topic: 't' },
  publish: { type: 'publish', requestId: 1, topic: 't', records: [] },
  ack: { type: 'ack', requestId: 1, epoch: 'e', baseOffset: 1, results: [] },
  messages: { type: 'messages', topic: 't', baseOffset: 1, prevOffset: 0, timestampUs: 1, records: [] },
  gap: { type: 'gap', topic: 't', epoch: 'e', fromOffset: 1, toOffset: 1, reason: GapReason.EVICTED },
  fetch: {
    type: 'fetch',
    requestId: 1,
    topic: 't',
    epoch: '',
    offset: 0,
    maxRecords: 0,
    maxBytes: 0,
    waitMs: 0,
    start: Start.EARLIEST,
  },
  fetched: { type: 'fetched', requestId: 1, epoch: 'e', nextOffset: 1, more: false },
  error: { type: 'error', requestId: 1, code: 3003, message: '' },
  close: { type: 'close', code: 1000, reason: '', retryable: false, retryAfterMs: 0, endpoint: '' },
};
const NAMES = Object.keys(FrameType) as FrameName[];

/** A session with a host that writes down what it is told, and a clock set by hand. */
class Bench implements SessionHost {
  nowMs = 0;
  readonly taken: FrameName[] = [];
  readonly sent: Frame[] = [];
  readonly notes: SessionNote[] = [];
  readonly causes: CloseCause[] = [];
  destroyed = 0;
  linkTook = 0;
  readonly session: Session;

  constructor(options: Partial<SessionOptions> = {}) {
    this.session = new Session({ ...OPTIONS, ...options }, this, this.nowMs);
  }

  frame(frame: Frame): void {
    this.taken.push(frame.type);
    if (frame.type === 'hello') this.session.accept(frame.heartbeatMs, this.nowMs);
    if (frame.type === 'welcome') this.session.welcomed(frame.maxPayload, frame.heartbeatMs, this.nowMs);
  }

  publish(): undefined {
    this.taken.push('publish');
  }

  frameReceived(): void {}
  tooLarge(): void {}

  send(frame: Frame): void {
    this.sent.push(frame);
  }

  ending(cause: CloseCause): void {
    this.causes.push(cause);
  }

  destroy(): void {
    this.destroyed += 1;
  }

  bytesTaken(): number {
    return this.linkTook;
  }

  note(note: SessionNote): void {
    this.notes.push(note);
  }

  get causeName(): string {
    return this.session.context.cause?.name ?? 'none';
  }

  receive(...frames: Frame[]): this {
    return this.receiveBytes(Buffer.concat(frames.map(encodeFrame)));
  }

  receiveBytes(bytes: Uint8Array): this {
    this.session.receive(bytes, this.nowMs);
    this.session.advance(1_000, this.nowMs);
    return this;
  }

  /** Looks at the deadlines at this time. */
  at(nowMs: number): this {
    this.nowMs = nowMs;
    this.session.expire(nowMs);
    return this;
  }

  sentNames(): FrameName[] {
    return this.sent.map((frame) => frame.type);
  }
}

const active = (options: Partial<SessionOptions> = {}) => new Bench(options).receive(FRAMES.hello);

t.test('every phase and every frame, for both roles: what the table lacks is a PROTOCOL_ERROR', async (t) => {
  const roles = [
    { role: 'server', transitions: SERVER_TRANSITIONS, first: FRAMES.hello },
    { role: 'client', transitions: CLIENT_TRANSITIONS, first: FRAMES.welcome },
  ];
  const phases: { readonly [P in Phase]?: (bench: Bench, first: Frame) => void } = {
    handshaking: () => {},
    active: (bench, first) => void bench.receive(first),
  };
  for (const { role, transitions, first } of roles) {
    for (const [phase, reach] of Object.entries(phases) as [Phase, (bench: Bench, first: Frame) => void][]) {
      for (const name of NAMES) {
        const bench = new Bench({ transitions });
        reach(bench, first);
        t.equal(bench.session.phase, phase);
        bench.receive(FRAMES[name]);
        const allowed = transitions[phase][name] !== undefined;
        const expected = name === 'close' ? 'BYE' : allowed ? 'none' : 'PROTOCOL_ERROR';
        t.equal(bench.causeName, expected, `${role}, ${phase}, ${name}`);
        if (expected !== 'none') t.equal(bench.session.phase, 'draining', `${role}, ${phase}, ${name} ends it`);
      }
    }
  }
});

t.test('the table: each role refuses in mid-session what only the other one may send', async (t) => {
  const shared: FrameName[] = ['ping', 'pong', 'close'];
  for (const name of NAMES) {
    const client = CLIENT_TRANSITIONS.active[name] !== undefined;
    const server = SERVER_TRANSITIONS.active[name] !== undefined;
    if (name === 'hello') t.same([client, server], [false, false]);
    else t.equal(client && server, shared.includes(name), name);
  }
  for (const transitions of [SERVER_TRANSITIONS, CLIENT_TRANSITIONS]) {
    t.same(Object.keys(transitions), [...PHASES]);
    t.same(transitions.closed, {}, 'nothing leads out of closed');
    for (const phase of PHASES) {
      for (const next of Object.values(transitions[phase])) t.ok(PHASES.includes(next));
    }
  }
});

t.test('what arrives while the link is being closed is ignored, and so is what arrives behind it', async (t) => {
  const bench = active();
  bench.session.close(localCause('BYE', 'done'), 0);
  bench.receive(FRAMES.subscribe, FRAMES.publish, FRAMES.hello);
  t.same(bench.taken, ['hello']);
  bench.session.lost('gone');
  bench.receive(FRAMES.publish);
  t.equal(bench.session.phase, 'closed');
  t.same(bench.taken, ['hello']);
  t.equal(bench.causes.length, 1);
});

t.test('H2 something before HELLO, a second HELLO, a payload that is none', async (t) => {
  t.equal(new Bench().receive(FRAMES.publish).causeName, 'PROTOCOL_ERROR');
  t.equal(new Bench().receive(FRAMES.ping).causeName, 'PROTOCOL_ERROR');
  t.equal(active().receive(FRAMES.hello).causeName, 'PROTOCOL_ERROR');
  const payload = Buffer.from('0000000101', 'hex');
  const bench = active().receiveBytes(Buffer.concat([payload, Buffer.from([0xa5, 0x05, 0xdf, 0x1b])]));
  t.equal(bench.causeName, 'PROTOCOL_ERROR');
});

t.test('a client may send on behind its HELLO: it is taken up, in order, once the HELLO is accepted', async (t) => {
  const bench = new Bench().receive(FRAMES.hello, FRAMES.subscribe, FRAMES.publish, FRAMES.fetch);
  t.same(bench.taken, ['hello', 'subscribe', 'publish', 'fetch']);
});

t.test('advance takes no more than its budget, and says that there is more', async (t) => {
  const bench = active();
  bench.session.receive(Buffer.concat(Array.from({ length: 5 }, () => encodeFrame(FRAMES.publish))), 0);
  t.equal(bench.session.advance(2, 0), true);
  t.equal(bench.taken.length, 3);
  t.equal(bench.session.advance(10, 0), false);
  t.equal(bench.taken.length, 6);
});

t.test('the first cause wins, and reaches the signal', async (t) => {
  const context = new StreamContext();
  const { signal } = context;
  t.equal(context.end(localCause('BUSY', 'first', 7)), true);
  t.equal(context.end(linkLost('second')), false);
  t.match(context.cause, { by: 'local', name: 'BUSY', reason: 'first', retryAfterMs: 7 });
  t.ok(signal.reason instanceof SessionEndedError);
  t.match(signal.reason, { code: 'SESSION_ENDED', message: 'BUSY: first', detail: { name: 'BUSY' } });

  const late = new StreamContext();
  late.end(linkLost('gone'));
  t.equal(late.signal.aborted, true, 'a signal that is asked for afterwards has been aborted already');
  t.match(late.signal.reason, { detail: { name: 'PEER_GONE' } });
});

t.test('A2 error, close and timeout on one session together: one cause', async (t) => {
  const bench = active();
  bench.session.close(localCause('SLOW_CONSUMER', 'slow'), 0);
  bench.session.close(localCause('INTERNAL', 'again'), 0);
  bench.session.ended(0);
  bench.session.lost('ECONNRESET');
  bench.session.lost('the link was closed');
  bench.at(1_000_000);
  t.match(bench.causes, [{ name: 'SLOW_CONSUMER' }]);
  t.equal(bench.destroyed, 0, 'nothing is left to destroy');
  t.equal(bench.session.deadlines.earliest, Infinity);
});

t.test('causes: what the peer is told, what is made of what it says, and who may come again', async (t) => {
  for (const name of Object.keys(CODES) as CloseName[]) {
    if (CODES[name].scope !== 'close') continue;
    const said = closeFrame(localCause(name, 'why', 5));
    t.match(said, { code: CODES[name].code, reason: 'why', retryable: CODES[name].retry, retryAfterMs: 5 });
    t.match(peerCause(said), { by: 'peer', name, reason: 'why', retryAfterMs: 5 });
    t.equal(mayRetry(localCause(name, '')), CODES[name].retry);
    t.equal(mayRetry(peerCause(said)), CODES[name].retry);
  }
  const strange = { ...closeFrame(localCause('BYE', '')), code: 9_999, retryable: true };
  t.match(peerCause(strange), { name: 'UNKNOWN', code: 9_999 });
  t.equal(mayRetry(peerCause(strange)), true, 'of a code without a name, the peer itself says it');
  t.equal(peerCause({ ...strange, code: CODES.BAD_TOPIC.code }).name, 'UNKNOWN', 'a code that closes nothing');
  t.equal(peerCause({ ...strange, reason: 'x'.repeat(900_000) }).reason.length, 1_024, 'a long reason is cut');
  t.equal(mayRetry(linkLost('')), true);
});

t.test('deadlines: a table of points in time', async (t) => {
  const deadlines = new Deadlines();
  t.equal(deadlines.earliest, Infinity);
  t.equal(deadlines.due(1e12), undefined);
  for (const [i, name] of DEADLINES.entries()) deadlines.set(name, 100 - i);
  t.equal(deadlines.earliest, 100 - DEADLINES.length + 1);
  t.equal(deadlines.due(95.9), undefined);
  t.equal(deadlines.due(96), 'linger', 'due at its very time');
  t.equal(deadlines.due(100), 'handshake', 'the first of the table first');
  deadlines.clear('handshake');
  t.equal(deadlines.at('handshake'), Infinity);
  t.equal(deadlines.due(100), 'frame');
  deadlines.clearAll();
  t.equal(deadlines.earliest, Infinity);
});

t.test('F9 a frame has a deadline of its own, however steadily its bytes drip', async (t) => {
  const bytes = encodeFrame({ ...FRAMES.subscribe, topic: 'x'.repeat(200) } as Frame);
  const bench = active({ heartbeat: 100_000 });
  for (let i = 0; i < bytes.length; i++) {
    bench.at(i * 1_000);
    if (bench.causeName !== 'none') break;
    bench.receiveBytes(bytes.subarray(i, i + 1));
  }
  t.equal(bench.causeName, 'HEARTBEAT_TIMEOUT');
  t.equal(bench.nowMs, OPTIONS.frameTimeoutMs);
  t.same(bench.taken, ['hello'], 'nothing of it is delivered');
});

t.test('F9 each whole frame is progress: many slow ones in a row are no slow one', async (t) => {
  const bytes = encodeFrame(FRAMES.subscribe);
  const bench = active({ heartbeat: 100_000 });
  for (let at = 0, ms = 0; at < bytes.length * 8; at += 4, ms += 3_000) {
    // Chunks across the borders of frames, so that there is always one begun.
    bench.at(ms).receiveBytes(Uint8Array.from({ length: 4 }, (_, i) => bytes[(at + i) % bytes.length] as number));
  }
  t.equal(bench.causeName, 'none');
});

t.test('H1 no HELLO in time', async (t) => {
  const bench = new Bench().at(4_999);
  t.equal(bench.causeName, 'none');
  t.equal(bench.at(5_000).causeName, 'HANDSHAKE_TIMEOUT');
  t.equal(bench.at(6_999).destroyed, 0);
  t.equal(bench.at(7_000).destroyed, 1, 'a peer that does not let go is let go of');
});

t.test('B1 the exact class at every multiple of the interval', async (t) => {
  const cases: [number, string][] = [
    [0, 'healthy'],
    [999, 'healthy'],
    [1_000, 'healthy'],
    [1_001, 'healthy'],
    [1_999.999, 'healthy'],
    [2_000, 'jittery'],
    [2_001, 'jittery'],
    [2_999, 'jittery'],
    [3_000, 'jittery'],
    [3_000.001, 'dead'],
    [3_001, 'dead'],
  ];
  for (const [silenceMs, expected] of cases) t.equal(classify(silenceMs, 1_000), expected, `${silenceMs}`);
});

t.test('B1 a PING once from 1×, a probe and a jitter event once from 2×, the end only over 3×', async (t) => {
  const steps: [at: number, sent: FrameName[], linkClass: string, cause: string][] = [
    [999, [], 'healthy', 'none'],
    [1_000, ['ping'], 'healthy', 'none'],
    [1_001, ['ping'], 'healthy', 'none'],
    [1_999, ['ping'], 'healthy', 'none'],
    [2_000, ['ping', 'ping'], 'jittery', 'none'],
    [2_001, ['ping', 'ping'], 'jittery', 'none'],
    [2_999, ['ping', 'ping'], 'jittery', 'none'],
    [3_000, ['ping', 'ping'], 'jittery', 'none'],
    [3_001, ['ping', 'ping'], 'dead', 'HEARTBEAT_TIMEOUT'],
  ];
  const bench = active();
  for (const [at, sent, linkClass, cause] of steps) {
    bench.at(at);
    t.same(bench.sentNames(), sent, `sent by ${at}`);
    t.equal(bench.session.liveness.linkClass, linkClass, `class at ${at}`);
    t.equal(bench.causeName, cause, `cause at ${at}`);
  }
  t.same(bench.notes, [
    { type: 'class', from: 'healthy', to: 'jittery', silenceMs: 2_000 },
    { type: 'class', from: 'jittery', to: 'dead', silenceMs: 3_001 },
  ]);
});

t.test('B1 whoever looks only at the deadlines that the table names misses nothing', async (t) => {
  const bench = active();
  const looks: number[] = [];
  while (bench.causeName === 'none') {
    looks.push(bench.session.deadlines.earliest);
    bench.at(bench.session.deadlines.earliest);
  }
  t.same(looks, [1_000, 2_000, 3_001]);
});

t.test('B1 a silence that rounding makes a hair too short is looked at again, and not for ever', async (t) => {
  const heardMs = 24.1 + 0.01;
  t.ok(heardMs + 1_000 - heardMs < 1_000, 'such a moment');
  const bench = active().at(heardMs);
  bench.receiveBytes(encodeFrame(FRAMES.pong).subarray(0, 1));
  bench.at(heardMs + 1_000);
  t.same(bench.sentNames(), []);
  bench.at(bench.session.deadlines.earliest);
  t.same(bench.sentNames(), ['ping']);
});

t.test('B1 any inbound byte ends an episode, and the next one is noted anew', async (t) => {
  const bench = active().at(2_500);
  bench.receiveBytes(encodeFrame(FRAMES.pong).subarray(0, 1));
  t.equal(bench.session.liveness.linkClass, 'healthy');
  bench.at(4_499);
  t.equal(bench.session.liveness.linkClass, 'healthy');
  bench.at(4_500);
  t.equal(bench.session.liveness.linkClass, 'jittery');
  t.equal(bench.notes.filter((note) => note.type === 'class' && note.to === 'jittery').length, 2);
});

t.test('B1 the classes of any sequence of silences are those of a plain model', async () => {
  const step = fc.record({ silenceMs: fc.integer({ min: 1, max: 3_200 }), looks: fc.integer({ min: 1, max: 5 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let now = 0;
      const heartbeat = new Heartbeat(1_000, now);
      for (const { silenceMs, looks } of steps) {
        const heard = now;
        const verdicts: string[] = [];
        for (let i = 1; i <= looks; i++) {
          now = heard + (silenceMs * i) / looks;
          verdicts.push(heartbeat.judge(now));
        }
        if (verdicts.includes('dead') !== silenceMs > 3_000) return false;
        if (verdicts.filter((v) => v === 'ping').length > 1) return false;
        if (verdicts.filter((v) => v === 'probe').length > 1) return false;
        if (silenceMs >= 2_000 && silenceMs <= 3_000 && !verdicts.includes('probe')) return false;
        if (silenceMs < 1_000 && verdicts.some((v) => v !== 'wait')) return false;
        if (verdicts.includes('dead')) return true;
        heartbeat.heard(now);
      }
      return true;
    }),
  );
});

t.test('progress of a stuck write is a sign of life', async (t) => {
  const bench = active();
  bench.session.waiting(500_000, 0);
  for (let ms = 900; ms < 20_000; ms += 900) {
    bench.linkTook += 20_000;
    bench.at(ms);
  }
  t.equal(bench.causeName, 'none');
  bench.at(bench.nowMs + 3_900);
  t.equal(bench.causeName, 'HEARTBEAT_TIMEOUT', 'without any, silence is what it is');
});

t.test(
  'B1 what the link takes while nothing waits is no sign of life: the buffers of a system take anything',
  async (t) => {
    const bench = active();
    for (let ms = 500; ms <= 3_000; ms += 61) {
      bench.linkTook += 40;
      bench.at(ms);
    }
    t.equal(bench.session.liveness.linkClass, 'jittery');
    bench.linkTook += 40;
    t.equal(bench.at(3_001).causeName, 'HEARTBEAT_TIMEOUT');
  },
);

t.test('C2 a write deadline asks for progress within every span of it, whenever heartbeats look', async (t) => {
  for (const heartbeat of [700, 4_000, 9_999, 60_000]) {
    const bench = active({ heartbeat });
    bench.session.waiting(500_000, 0);
    for (let ms = 100; ms < 100_000; ms += 100) {
      // Something moves every 25 s, and the peer says something in between: neither silent nor stuck.
      if (ms % 25_000 === 0) bench.linkTook += 10_000;
      bench.at(ms);
      if (ms % 500 === 0) bench.receive(FRAMES.pong);
    }
    t.equal(bench.causeName, 'none', `heartbeat ${heartbeat}`);
  }
});

t.test('C2 a reader of one byte a second is no reader', async (t) => {
  const bench = active();
  bench.session.waiting(500_000, 0);
  for (let ms = 1_000; ms <= 30_000; ms += 1_000) {
    bench.linkTook += 1;
    bench.at(ms).receive(FRAMES.pong);
  }
  t.equal(bench.causeName, 'SLOW_CONSUMER');
});

t.test('a link that has taken everything has no write deadline', async (t) => {
  const bench = active({ heartbeat: 100_000 });
  bench.session.waiting(500, 0);
  t.equal(bench.session.deadlines.at('write'), 30_000);
  bench.session.waiting(400, 10_000);
  t.equal(bench.session.deadlines.at('write'), 30_000, 'more to write is no progress');
  bench.session.waiting(0, 20_000);
  t.equal(bench.session.deadlines.at('write'), Infinity);
  bench.at(40_000);
  t.equal(bench.causeName, 'none');
});

t.test('an end that has stopped reading judges nobody, and shows that it lives', async (t) => {
  const bench = active().at(2_500);
  bench.session.hold(2_500);
  t.equal(bench.session.liveness.linkClass, 'healthy');
  for (let ms = 3_000; ms <= 60_000; ms += 100) bench.at(ms);
  t.equal(bench.causeName, 'none');
  t.ok(bench.sent.length >= 50, 'a PING an interval');
  bench.session.release(60_000);
  bench.at(62_000);
  t.equal(bench.session.liveness.linkClass, 'jittery');
  t.equal(bench.at(63_001).causeName, 'HEARTBEAT_TIMEOUT');
});

t.test('B5 PINGs have a budget, and one PONG each', async (t) => {
  const bench = active();
  for (let i = 0; i < 100; i++) bench.receive(FRAMES.ping);
  t.equal(bench.sentNames().filter((name) => name === 'pong').length, 100);
  bench.nowMs = 1_000;
  for (let i = 0; i < 10; i++) bench.receive(FRAMES.ping);
  t.equal(bench.causeName, 'none', 'ten a second for ever');
  t.equal(bench.receive(FRAMES.ping).causeName, 'RATE_LIMITED');
  t.equal(bench.sentNames().filter((name) => name === 'pong').length, 110);
});

t.test('PONG echoes to the last bit', async (t) => {
  const nonce = 2n ** 64n - 1n;
  const bench = active().receive({ type: 'ping', nonce, sentUs: -5n, rttUs: 0 });
  t.same(bench.sent, [{ type: 'pong', nonce, sentUs: -5n }]);
});

t.test('only the answer to the last PING measures the round trip', async (t) => {
  const bench = active().at(1_000);
  const [ping] = bench.sent;
  if (ping?.type !== 'ping') throw new Error('there was no PING');
  bench.nowMs = 1_080;
  bench.receive({ type: 'pong', nonce: ping.nonce + 1n, sentUs: 0n });
  t.equal(bench.session.liveness.rttMs, 0);
  bench.receive({ type: 'pong', nonce: ping.nonce, sentUs: ping.sentUs });
  t.equal(bench.session.liveness.rttMs, 80);
  bench.nowMs = 2_000;
  bench.receive({ type: 'pong', nonce: ping.nonce, sentUs: ping.sentUs });
  t.equal(bench.session.liveness.rttMs, 80, 'a second answer to the same PING says nothing');
});

t.test('a PONG that comes an hour late is a sign of life, and no round trip', async (t) => {
  const bench = active({ heartbeat: 'auto' }).at(5_000);
  const [ping] = bench.sent;
  if (ping?.type !== 'ping') throw new Error('there was no PING');
  while (bench.nowMs < 5_000_000)
    bench.at(bench.nowMs + 4_000).receive({ type: 'ping', nonce: 1n, sentUs: 0n, rttUs: 0 });
  t.equal(bench.sent.filter((frame) => frame.type === 'ping').length, 1, 'the first PING is the last');
  bench.receive({ type: 'pong', nonce: ping.nonce, sentUs: ping.sentUs });
  t.equal(bench.session.liveness.rttMs, 0);
  t.same(bench.notes, []);
  bench.at(bench.nowMs + 5_000);
  t.doesNotThrow(() => encodeFrame(bench.sent.at(-1) as Frame), 'what it goes on to say can be said');
  t.match(bench.sent.at(-1), { type: 'ping', rttUs: 0 });
});

t.test('the round trip, as RFC 6298 has it', async (t) => {
  const rtt = new RttEstimator();
  t.equal(rtt.upperMs, 0);
  rtt.sample(100);
  t.same([rtt.smoothedMs, rtt.upperMs], [100, 100 + 4 * 50]);
  rtt.sample(200);
  // RTTVAR = 3/4 × 50 + 1/4 × |100 − 200| = 62.5 comes first, with the old SRTT; SRTT = 7/8 × 100 + 1/8 × 200.
  t.same([rtt.smoothedMs, rtt.upperMs], [112.5, 112.5 + 4 * 62.5]);
});

t.test('the heartbeat interval follows the round trip, from 5 to 15 s, and does not flap', async (t) => {
  const steady = (ms: number) => {
    const rtt = new RttEstimator();
    for (let i = 0; i < 200; i++) rtt.sample(ms);
    return rtt;
  };
  t.equal(heartbeatInterval(new RttEstimator(), HEARTBEAT_MIN_MS), HEARTBEAT_MIN_MS);
  t.equal(heartbeatInterval(steady(1), HEARTBEAT_MIN_MS), 5_000);
  t.equal(heartbeatInterval(steady(701), HEARTBEAT_MIN_MS), 8_000);
  t.equal(heartbeatInterval(steady(60_000), HEARTBEAT_MIN_MS), HEARTBEAT_MAX_MS);
  t.equal(heartbeatInterval(steady(701), 9_000), 9_000, 'a step down is not worth a WELCOME');
  t.equal(heartbeatInterval(steady(701), 10_000), 8_000, 'two steps are');
  t.equal(heartbeatInterval(steady(1), 6_000), 5_000, 'and so is the lowest');
  const bench = active({ heartbeat: 'auto' });
  for (let i = 0; i < 20; i++) bench.receive({ type: 'ping', nonce: 1n, sentUs: 0n, rttUs: 900_000 });
  const intervals = bench.notes.flatMap((note) => (note.type === 'interval' ? [note.ms] : []));
  t.equal(intervals[0], 15_000, 'the first sample has a wide margin');
  t.equal(intervals.at(-1), bench.session.liveness.intervalMs);
  t.equal(new Set(intervals).size, intervals.length, 'it settles');
  const wish = new Bench({ heartbeat: 'auto' }).receive({ ...FRAMES.hello, heartbeatMs: 60_000 } as Frame);
  t.equal(wish.session.liveness.intervalMs, HEARTBEAT_MAX_MS, 'a wish is bounded');
  const liar = active({ heartbeat: 'auto' }).receive({ type: 'ping', nonce: 1n, sentUs: 0n, rttUs: 4e9 });
  t.equal(liar.session.liveness.intervalMs, 5_000, 'an absurd claim is not believed');
});

t.test('token bucket', async (t) => {
  const bucket = new TokenBucket(10, 3, 0);
  t.same(
    [1, 2, 3, 4].map(() => bucket.take(0)),
    [true, true, true, false],
  );
  t.equal(bucket.take(99), false);
  t.equal(bucket.take(100), true);
  t.equal(bucket.take(100), false);
  t.same(
    [1, 2, 3, 4].map(() => bucket.take(1e9)),
    [true, true, true, false],
    'the burst is the most that is saved',
  );
});

class Item implements WheelItem {
  wheelSlot = -1;
  dueMs: number;
  firedMs: number | undefined;
  looks = 0;

  constructor(dueMs: number) {
    this.dueMs = dueMs;
  }

  expire(nowMs: number): number {
    this.looks += 1;
    if (nowMs < this.dueMs) return this.dueMs;
    this.firedMs = nowMs;
    return Infinity;
  }
}

t.test('timer wheel: every item as a naive list would fire it, never early, at most one resolution late', async () => {
  const RESOLUTION = 50;
  const command = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ type: fc.constant('add' as const), inMs: fc.integer({ min: 0, max: 200_000 }) }),
    },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 500 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant('stall' as const), ms: fc.integer({ min: 0, max: 150_000 }) }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('remove' as const), pick: fc.nat() }) },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('move' as const),
        pick: fc.nat(),
        inMs: fc.integer({ min: 0, max: 200_000 }),
      }),
    },
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 120 }), (commands) => {
      let now = 1_000;
      const wheel = new TimerWheel(RESOLUTION, now);
      const items: Item[] = [];
      const kept = () => items.filter((item) => item.wheelSlot >= 0);
      for (const command of commands) {
        switch (command.type) {
          case 'add': {
            const item = new Item(now + command.inMs);
            items.push(item);
            wheel.schedule(item, item.dueMs);
            break;
          }
          case 'remove': {
            const item = kept()[command.pick % Math.max(1, kept().length)];
            if (item === undefined) break;
            wheel.remove(item);
            wheel.remove(item);
            items.splice(items.indexOf(item), 1);
            break;
          }
          case 'move': {
            const item = kept()[command.pick % Math.max(1, kept().length)];
            if (item === undefined) break;
            item.dueMs = now + command.inMs;
            wheel.schedule(item, item.dueMs);
            break;
          }
          case 'pass':
          case 'stall':
            now += command.ms;
            wheel.advance(now);
            for (const item of items) {
              if (item.firedMs !== undefined && item.firedMs < item.dueMs) return false;
              if (item.firedMs === undefined && item.dueMs + RESOLUTION <= now) return false;
            }
        }
        if (wheel.size !== kept().length) return false;
      }
      wheel.advance(now + 1_000_000);
      return wheel.size === 0 && items.every((item) => item.firedMs !== undefined);
    }),
  );
});

t.test('timer wheel: 20,000 items, each looked at once, and all of them after a stall', async (t) => {
  const wheel = new TimerWheel(50, 0);
  const items = Array.from({ length: 20_000 }, (_, i) => new Item(1 + (i % 40_000)));
  for (const item of items) wheel.schedule(item, item.dueMs);
  t.equal(wheel.size, 20_000);
  for (let now = 0; now <= 10_000; now += 50) wheel.advance(now);
  t.equal(wheel.size, 10_000);
  t.ok(items.every((item) => item.looks === (item.dueMs <= 10_000 ? 1 : 0)));
  wheel.advance(10_000_000);
  t.equal(wheel.size, 0);
  t.ok(items.every((item) => item.looks === 1));
});

t.test('timer wheel: an item may remove, or put off, one of the same bucket', async (t) => {
  const wheel = new TimerWheel(50, 0);
  const victim = new Item(10);
  const putOff = new Item(10);
  const killer: WheelItem = {
    wheelSlot: -1,
    expire: () => {
      wheel.remove(victim);
      putOff.dueMs = 500;
      wheel.schedule(putOff, 500);
      return Infinity;
    },
  };
  for (const item of [killer, victim, putOff]) wheel.schedule(item, 10);
  wheel.advance(100);
  t.same([victim.looks, putOff.looks, wheel.size], [0, 0, 1]);
  wheel.advance(500);
  t.same([putOff.firedMs, wheel.size], [500, 0]);
});
