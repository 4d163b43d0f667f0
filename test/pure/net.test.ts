import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import t from 'tap';
import { SOCKET_OPTIONS, SocketTransport } from '../../src/net/index.js';

const KIB = 1024;

/** A socket without a network: what it is handed in one write stays with it until the kernel has taken all of that. */
class FakeSocket extends Duplex {
  readonly writes: number[] = [];
  readonly held: Buffer[] = [];
  bytesWritten = 0;
  /** The kernel takes whatever comes, at once. */
  open = false;
  #done: (() => void) | undefined;

  constructor() {
    super(SOCKET_OPTIONS);
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this._writev([{ chunk }], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    const bytes = Buffer.concat(chunks.map(({ chunk }) => chunk));
    this.writes.push(bytes.length);
    this.bytesWritten += bytes.length;
    this.held.push(bytes);
    if (this.open) done();
    else this.#done = done;
  }

  /** The kernel takes what is held, and the stream has its turn. */
  async takeAll(): Promise<void> {
    const done = this.#done;
    this.#done = undefined;
    done?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const setUp = () => {
  const socket = new FakeSocket();
  const transport = new SocketTransport(socket as unknown as Socket);
  const told: string[] = [];
  transport.open({
    received: () => told.push('received'),
    drained: () => told.push('drained'),
    ended: () => told.push('ended'),
    closed: () => told.push('closed'),
  });
  return { socket, transport, told };
};

/** So many bytes, no two neighbours alike. */
const pattern = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => (i * 7) & 0xff));

t.test('a socket that falls behind is handed little at a time, so that each part taken is progress', async (t) => {
  const shapes = [[300 * KIB], [100 * KIB, 1, 200 * KIB - 1], Array.from({ length: 300 }, () => KIB)];
  for (const shape of shapes) {
    const { socket, transport, told } = setUp();
    const bytes = pattern(300 * KIB);
    let at = 0;
    const pieces = shape.map((size) => {
      at += size;
      return bytes.subarray(at - size, at);
    });
    let taken = 0;
    const writeAndTake = async (parts: number[]) => {
      const before = taken;
      told.length = 0;
      transport.writeAll(pieces);
      t.equal(transport.pending, 300 * KIB);
      for (const part of parts) {
        t.same(told, []);
        await socket.takeAll();
        taken += part * KIB;
        t.equal(transport.taken, taken);
        t.equal(transport.pending, before + 300 * KIB - taken);
      }
      t.same(told, ['drained'], 'once, when all of it is gone');
    };
    await writeAndTake([256, 44]);
    await writeAndTake([64, 64, 64, 64, 44]);
    await writeAndTake([64, 64, 64, 64, 44]);
    t.ok(Buffer.concat(socket.held).equals(Buffer.concat([bytes, bytes, bytes])), 'in order, and nothing else');
    // It takes a byte at once, and so has kept up again.
    socket.open = true;
    transport.write(pattern(1));
    socket.open = false;
    taken += 1;
    await writeAndTake([256, 44]);
  }
});

t.test('what the kernel takes at once never waits, and nobody is told of it', async (t) => {
  const { socket, transport, told } = setUp();
  socket.open = true;
  transport.write(pattern(200 * KIB));
  t.same([transport.pending, transport.taken], [0, 200 * KIB]);
  await socket.takeAll();
  t.same(told, []);
});

t.test('the end comes behind all that waits', async (t) => {
  const { socket, transport } = setUp();
  let finished = false;
  socket.once('finish', () => {
    finished = true;
  });
  const bytes = pattern(300 * KIB);
  transport.write(bytes);
  transport.end();
  await socket.takeAll();
  t.equal(finished, false);
  await socket.takeAll();
  t.equal(finished, true);
  t.ok(Buffer.concat(socket.held).equals(bytes));
  transport.write(pattern(1));
  t.equal(transport.pending, 0, 'what is written behind it goes nowhere');
});
