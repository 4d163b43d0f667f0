import { Client } from '../../src/client/client.js';
import type { ConnectOptions } from '../../src/client/index.js';
import type { ClientWorld, DialEvents } from '../../src/client/world.js';
import type { Transport } from '../../src/session/index.js';
import {
  DecodeStep,
  decodePayload,
  encodeFrame,
  type Frame,
  FrameDecoder,
  type FrameName,
  type Record,
} from '../../src/wire/index.js';
import { SeededRandom, VirtualTime } from '../support/virtual-time.js';

type FrameOf<N extends FrameName> = Extract<Frame, { type: N }>;

/** The client's end of a link whose other end is the test: what the client sends is kept, and answers are scripted. */
export class FakeLink implements Transport {
  readonly remote = 'fake';
  readonly endpoint: string;
  readonly events: DialEvents;
  /** What the client has sent and the test has not looked at. */
  readonly sent: Frame[] = [];
  pending = 0;
  taken = 0;
  reading: 'yes' | 'paused' = 'yes';
  state: 'open' | 'ended' | 'closed' = 'open';
  /** Bytes on their way to the client while it does not read. */
  readonly #held: Uint8Array[] = [];
  readonly #decoder = new FrameDecoder('close');

  constructor(endpoint: string, events: DialEvents) {
    this.endpoint = endpoint;
    this.events = events;
    this.#decoder.setMaxPayload(1 << 24);
  }

  write(bytes: Uint8Array): void {
    if (this.state !== 'open') return;
    this.taken += bytes.length;
    this.#decoder.push(bytes);
    while (this.#decoder.next() === DecodeStep.FRAME) {
      const frame = decodePayload(this.#decoder.bytes, this.#decoder.start, this.#decoder.end);
      if (frame.type === 'fault') throw new Error(frame.reason);
      this.sent.push(frame);
    }
  }

  writeAll(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) this.write(piece);
  }

  pause(): void {
    this.reading = 'paused';
  }

  resume(): void {
    this.reading = 'yes';
    while (this.reading === 'yes' && this.#held.length > 0) this.events.received(this.#held.shift() as Uint8Array);
  }

  end(): void {
    if (this.state === 'open') this.state = 'ended';
  }

  destroy(): void {
    this.cut('destroyed');
  }

  // The test's end:

  say(...frames: Frame[]): void {
    this.bytes(Buffer.concat(frames.map(encodeFrame)));
  }

  bytes(bytes: Uint8Array): void {
    if (this.reading === 'yes') this.events.received(bytes);
    else this.#held.push(bytes);
  }

  cut(reason = 'reset'): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.events.closed(reason);
  }

  /** The client's next frame, which must be of this type. */
  next<N extends FrameName>(type: N): FrameOf<N> {
    const frame = this.sent.shift();
    if (frame?.type !== type) throw new Error(`expected ${type}, the client sent ${frame?.type ?? 'nothing'}`);
    return frame as FrameOf<N>;
  }

  /** What the client has sent since the test last looked. */
  all(): Frame[] {
    return this.sent.splice(0);
  }
}

/** A client in virtual time, and the links that it dials. */
export class Pair {
  readonly time = new VirtualTime();
  readonly links: FakeLink[] = [];
  readonly client: Client;
  /** Timers that are set. */
  timers = 0;

  constructor(options: Partial<ConnectOptions> = {}) {
    const world: ClientWorld = {
      dial: (endpoint, events) => {
        const link = new FakeLink(endpoint, events);
        this.links.push(link);
        return link;
      },
      clock: this.time,
      scheduler: { soon: (work) => this.time.soon(work), after: (ms, work) => this.#after(ms, work) },
      random: new SeededRandom(1),
    };
    this.client = new Client({ servers: 'daemon:9000', ...options }, world);
  }

  #after(ms: number, work: () => void): () => void {
    let end = () => {
      this.timers -= 1;
      end = () => {};
    };
    this.timers += 1;
    const cancel = this.time.after(ms, () => {
      end();
      work();
    });
    return () => {
      end();
      cancel();
    };
  }

  /** The newest link. */
  get link(): FakeLink {
    return this.links.at(-1) as FakeLink;
  }

  /** Lets the newest dial succeed, up to WELCOME. */
  welcome(maxPayload = 1 << 20): FakeLink {
    const { link } = this;
    link.events.connected();
    link.next('hello');
    link.say(welcome(maxPayload));
    this.time.run();
    return link;
  }

  /** Cuts the link and lets the client come back. */
  reconnect(): FakeLink {
    const dials = this.links.length;
    this.link.cut();
    this.time.advance(10_000);
    if (this.links.length !== dials + 1) throw new Error('the client did not dial once');
    return this.welcome();
  }
}

export const welcome = (maxPayload = 1 << 20): Frame => ({
  type: 'welcome',
  version: 1,
  connectionId: 'c1',
  server: 'fake',
  heartbeatMs: 5_000,
  maxPayload,
  principal: '',
});

export const record = (text: string): Record => ({
  data: Buffer.from(text),
  id: new Uint8Array(0),
  key: '',
  headers: new Map(),
});

export const subscribed = (requestId: number, topic: string, epoch: string, next: number, head: number): Frame => ({
  type: 'subscribed',
  requestId,
  topic,
  epoch,
  nextOffset: next,
  headOffset: head,
});

/** A batch of `count` records from `base` on, each with its offset as text. */
export const messages = (topic: string, base: number, count = 1, prev = base - 1): Frame => ({
  type: 'messages',
  topic,
  baseOffset: base,
  prevOffset: prev,
  timestampUs: 1_000,
  records: Array.from({ length: count }, (_, i) => record(`${base + i}`)),
});

export const close = (code: number, retryable: boolean, retryAfterMs = 0, endpoint = ''): Frame => ({
  type: 'close',
  code,
  reason: 'because',
  retryable,
  retryAfterMs,
  endpoint,
});

/** How a promise comes out: `fulfilled`, or the code of its error. */
export const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'fulfilled',
    (error: { code: string }) => error.code,
  );

/** Lets promises settle; no time passes. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What has arrived of an iteration: offsets as numbers, gaps as `REASON from-to`, its end as `end` or the error's code. */
export function collect(events: AsyncIterable<{ type: string }>): (number | string)[] {
  const seen: (number | string)[] = [];
  const run = async () => {
    for await (const event of events) seen.push(describe(event));
    seen.push('end');
  };
  run().catch((error: { code: string }) => seen.push(error.code));
  return seen;
}

function describe(event: object): number | string {
  if ('offset' in event) return event.offset as number;
  if (!('fromOffset' in event)) return (event as { type: string }).type;
  const { reason, fromOffset, toOffset } = event as unknown as { reason: string; fromOffset: number; toOffset: number };
  return `${reason} ${fromOffset}-${toOffset}`;
}
