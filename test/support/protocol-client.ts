import type { Scheduler } from '../../src/server/index.js';
import {
  type Ack,
  type Close,
  codeName,
  DecodeStep,
  decodePayload,
  type ErrorFrame,
  encodeFrame,
  type Fetch,
  type Frame,
  FrameDecoder,
  type FrameName,
  type Gap,
  type Hello,
  type Messages,
  OnLag,
  type Publish,
  type Record,
  Start,
  type Subscribe,
  WIRE_VERSION,
} from '../../src/wire/index.js';
import { type FarEnd, VirtualLink } from './virtual-link.js';

const NOTHING = new Uint8Array(0);
const PAYLOAD_BYTES_MAX = 64 * 1024 * 1024;

/** A record as tests write it: its data alone, or what matters of it. */
export type Written = string | { readonly data: string; readonly key?: string; readonly id?: string };

export const recordOf = (written: Written): Record => {
  const { data, key = '', id = '' } = typeof written === 'string' ? { data: written } : written;
  return { data: Buffer.from(data), id: id === '' ? NOTHING : Buffer.from(id), key, headers: new Map() };
};

export const HELLO: Hello = {
  type: 'hello',
  version: WIRE_VERSION,
  client: 'test',
  token: '',
  heartbeatMs: 0,
  connectMs: 0,
  attempt: 0,
  resuming: false,
};

export const subscribeFrame = (requestId: number, topic: string, more: Partial<Subscribe> = {}): Subscribe => ({
  type: 'subscribe',
  requestId,
  topic,
  start: Start.LATEST,
  epoch: '',
  offset: 0,
  lastN: 0,
  sinceUs: 0,
  onLag: OnLag.WAIT,
  positions: [],
  ...more,
});

export const fetchFrame = (requestId: number, topic: string, more: Partial<Fetch> = {}): Fetch => ({
  type: 'fetch',
  requestId,
  topic,
  epoch: '',
  offset: 0,
  maxRecords: 0,
  maxBytes: 0,
  waitMs: 0,
  start: Start.EARLIEST,
  ...more,
});

export const publishFrame = (requestId: number, topic: string, ...records: Written[]): Publish => ({
  type: 'publish',
  requestId,
  topic,
  records: records.map(recordOf),
});

/** A client that speaks raw frames over a virtual link. Each thing it does is a turn of the server's event loop. */
export class ProtocolClient implements FarEnd {
  readonly link: VirtualLink;
  /** What the server has said, as far as it has not been taken by `heard`. */
  frames: Frame[] = [];
  /** The frame that ended the conversation. */
  close: Close | undefined;
  /** How the server left, if it has. */
  end: 'none' | 'ended' | 'destroyed' = 'none';
  bytesReceived = 0;
  /** Answers PINGs by itself. */
  answersPings = false;
  readonly #decoder = new FrameDecoder('close');
  readonly #run: () => void;
  readonly #scheduler: Scheduler;
  #requests = 0;

  constructor(remote: string, scheduler: Scheduler, run: () => void) {
    this.#run = run;
    this.#scheduler = scheduler;
    this.#decoder.setMaxPayload(PAYLOAD_BYTES_MAX);
    this.link = new VirtualLink(remote, this, scheduler);
  }

  // What it says:

  send(...frames: Frame[]): this {
    return this.sendBytes(Buffer.concat(frames.map(encodeFrame)));
  }

  sendBytes(bytes: Uint8Array): this {
    this.link.send(bytes);
    this.#run();
    return this;
  }

  hello(more: Partial<Hello> = {}): this {
    return this.send({ ...HELLO, ...more });
  }

  subscribe(topic: string, more: Partial<Subscribe> = {}): this {
    return this.send(subscribeFrame(++this.#requests, topic, more));
  }

  unsubscribe(topic: string): this {
    return this.send({ type: 'unsubscribe', requestId: ++this.#requests, topic });
  }

  publish(topic: string, ...records: Written[]): this {
    return this.send(publishFrame(++this.#requests, topic, ...records));
  }

  fetch(topic: string, more: Partial<Fetch> = {}): this {
    return this.send(fetchFrame(++this.#requests, topic, more));
  }

  /** Says BYE. */
  bye(): this {
    return this.send({ type: 'close', code: 1000, reason: '', retryable: false, retryAfterMs: 0, endpoint: '' });
  }

  /** Ends its direction, as a client does that has been told to go. */
  fin(): this {
    this.link.fin();
    this.#run();
    return this;
  }

  cut(): this {
    this.link.cut();
    this.#run();
    return this;
  }

  // What it hears:

  /** Everything that was said since it was asked last. */
  heard(): Frame[] {
    const frames = this.frames;
    this.frames = [];
    return frames;
  }

  names(): FrameName[] {
    return this.frames.map((frame) => frame.type);
  }

  of<N extends FrameName>(type: N): Extract<Frame, { type: N }>[] {
    return this.frames.filter((frame): frame is Extract<Frame, { type: N }> => frame.type === type);
  }

  get errors(): string[] {
    return this.of('error').map(({ code }: ErrorFrame) => codeName(code) ?? String(code));
  }

  /** The name of the code that ended the conversation. */
  get cause(): string {
    return this.close === undefined ? 'none' : (codeName(this.close.code) ?? 'unknown');
  }

  get lastAck(): Ack | undefined {
    return this.of('ack').at(-1);
  }

  /** The data of every record of a topic, in the order of arrival. */
  texts(topic: string): string[] {
    return this.of('messages').flatMap((m: Messages) => (m.topic === topic ? m.records.map((r) => textOf(r)) : []));
  }

  /** The offset of every record of a topic, in the order of arrival. */
  offsets(topic: string): number[] {
    return this.of('messages').flatMap((m: Messages) =>
      m.topic === topic ? m.records.map((_, i) => m.baseOffset + i) : [],
    );
  }

  gaps(topic: string): Gap[] {
    return this.of('gap').filter((gap: Gap) => gap.topic === topic);
  }

  // FarEnd:

  received(bytes: Uint8Array): void {
    this.bytesReceived += bytes.length;
    this.#decoder.push(bytes);
    for (let step = this.#decoder.next(); step !== DecodeStep.NEED_MORE; step = this.#decoder.next()) {
      if (step !== DecodeStep.FRAME) throw new Error(`the server sent no frame: ${this.#decoder.fault?.reason}`);
      const frame = decodePayload(this.#decoder.bytes, this.#decoder.start, this.#decoder.end);
      if (frame.type === 'fault') throw new Error(`the server sent what cannot be decoded: ${frame.reason}`);
      this.#took(frame);
    }
  }

  left(how: 'ended' | 'destroyed'): void {
    if (this.end === 'none') this.end = how;
  }

  #took(frame: Frame): void {
    this.frames.push(frame);
    if (frame.type === 'close') this.close = frame;
    if (frame.type !== 'ping' || !this.answersPings) return;
    const pong = encodeFrame({ type: 'pong', nonce: frame.nonce, sentUs: frame.sentUs });
    this.#scheduler.soon(() => this.link.send(pong));
  }
}

export const textOf = (record: Record): string => Buffer.from(record.data).toString();
