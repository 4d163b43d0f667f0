import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Test } from 'tap';
import {
  type Close,
  codeName,
  DecodeStep,
  decodePayload,
  encodeFrame,
  type Frame,
  FrameDecoder,
  type Hello,
  type Subscribe,
} from '../../src/wire/index.js';
import { HELLO, publishFrame, subscribeFrame, textOf, type Written } from './protocol-client.js';

const PAYLOAD_BYTES_MAX = 64 * 1024 * 1024;

/**
 * A client that speaks raw frames over a real socket. It answers PINGs by itself, and ends its direction when the server
 * has ended the other one, unless it is told to hold on.
 */
export class SocketClient {
  readonly socket: Socket;
  /** What the server has said, but for PINGs and records. */
  readonly frames: Frame[] = [];
  /** The data of each record and the range of each GAP, by topic, in the order of arrival. */
  readonly #texts = new Map<string, string[]>();
  readonly #offsets = new Map<string, number[]>();
  close: Close | undefined;
  /** How the link ended, if it has: by the server's FIN, or by an error. */
  end: 'none' | 'fin' | string = 'none';
  /** Resolves when the server has ended the link, or the network has. */
  readonly ended: Promise<void>;
  readonly #decoder = new FrameDecoder('close');
  #wake = (): void => {};

  constructor(socket: Socket, { holdsOn = false } = {}) {
    this.socket = socket;
    this.#decoder.setMaxPayload(PAYLOAD_BYTES_MAX);
    this.ended = new Promise((resolve) => {
      const over = (how: string) => {
        if (this.end === 'none') this.end = how;
        this.#wake();
        resolve();
      };
      socket.on('data', (bytes) => this.#received(bytes));
      socket.on('error', (error: NodeJS.ErrnoException) => over(error.code ?? error.message));
      socket.on('end', () => {
        over('fin');
        if (!holdsOn) socket.end();
      });
      socket.on('close', () => over('closed'));
    });
  }

  // What it says:

  sendBytes(bytes: Uint8Array): this {
    this.socket.write(bytes);
    return this;
  }

  send(...frames: Frame[]): this {
    return this.sendBytes(Buffer.concat(frames.map(encodeFrame)));
  }

  hello(more: Partial<Hello> = {}): this {
    return this.send({ ...HELLO, ...more });
  }

  subscribe(topic: string, more: Partial<Subscribe> = {}): this {
    return this.send(subscribeFrame(1, topic, more));
  }

  publish(requestId: number, topic: string, ...records: Written[]): this {
    return this.send(publishFrame(requestId, topic, ...records));
  }

  // What it hears:

  /** Waits until `look` finds something; throws if the link ends before. */
  async until<T>(look: () => T | undefined | false): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      if (this.end !== 'none') throw new Error(`the link ended (${this.end}, ${this.cause})`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Waits for the first frame of a type that has not been waited for. */
  async frame<N extends Frame['type']>(type: N): Promise<Extract<Frame, { type: N }>> {
    const index = await this.until(() => {
      const at = this.frames.findIndex((frame) => frame.type === type);
      return at >= 0 ? { at } : undefined;
    });
    return this.frames.splice(index.at, 1)[0] as Extract<Frame, { type: N }>;
  }

  texts(topic: string): readonly string[] {
    return this.#texts.get(topic) ?? [];
  }

  offsets(topic: string): readonly number[] {
    return this.#offsets.get(topic) ?? [];
  }

  /** The name of the code that ended the conversation. */
  get cause(): string {
    return this.close === undefined ? 'none' : (codeName(this.close.code) ?? 'unknown');
  }

  #received(bytes: Uint8Array): void {
    this.#decoder.push(bytes);
    for (let step = this.#decoder.next(); step !== DecodeStep.NEED_MORE; step = this.#decoder.next()) {
      if (step !== DecodeStep.FRAME) throw new Error(`the server sent no frame: ${this.#decoder.fault?.reason}`);
      const frame = decodePayload(this.#decoder.bytes, this.#decoder.start, this.#decoder.end);
      if (frame.type === 'fault') throw new Error(`the server sent what cannot be decoded: ${frame.reason}`);
      this.#took(frame);
    }
    this.#wake();
  }

  #took(frame: Frame): void {
    switch (frame.type) {
      case 'ping':
        return void this.send({ type: 'pong', nonce: frame.nonce, sentUs: frame.sentUs });
      case 'messages':
        for (const [i, record] of frame.records.entries()) {
          listOf(this.#texts, frame.topic).push(textOf(record));
          listOf(this.#offsets, frame.topic).push(frame.baseOffset + i);
        }
        return;
      case 'close':
        this.close = frame;
        return void this.frames.push(frame);
      default:
        return void this.frames.push(frame);
    }
  }
}

const listOf = <T>(lists: Map<string, T[]>, name: string): T[] => {
  const list = lists.get(name) ?? [];
  lists.set(name, list);
  return list;
};

/** A link on which nothing has been said yet. It does not outlive the test. */
export const dialClient = async (
  t: Test,
  port: string,
  options: { readonly holdsOn?: boolean } = {},
): Promise<SocketClient> => {
  const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  t.teardown(() => socket.destroy());
  const client = new SocketClient(socket, options);
  await once(socket, 'connect');
  return client;
};

/** A client that has been welcomed. */
export const welcomed = async (t: Test, port: string, hello: Partial<Hello> = {}): Promise<SocketClient> => {
  const client = (await dialClient(t, port)).hello(hello);
  await client.frame('welcome');
  return client;
};

/** A client that has been welcomed and listens to a topic. */
export const listener = async (t: Test, port: string, topic: string, more: Partial<Subscribe> = {}) => {
  const client = (await welcomed(t, port)).subscribe(topic, more);
  await client.frame('subscribed');
  return client;
};
