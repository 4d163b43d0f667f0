import type { DialEvents } from '../../src/client/world.js';
import type { Transport } from '../../src/session/index.js';
import { encodeFrame, type Frame } from '../../src/wire/index.js';
import { Host } from './host.js';
import type { Network } from './network.js';
import type { SeededRandom } from './random.js';
import type { World } from './world.js';

const HELLO: Frame = {
  type: 'hello',
  version: 1,
  client: 'stranger',
  token: '',
  heartbeatMs: 0,
  connectMs: 1,
  attempt: 0,
  resuming: false,
};
const SUBSCRIBE: Frame = {
  type: 'subscribe',
  requestId: 1,
  topic: '>',
  start: 1,
  epoch: '',
  offset: 0,
  lastN: 0,
  sinceUs: 0,
  onLag: 0,
  positions: [],
};

/** Often enough to be taken for alive, and seldom enough for the budget of PINGs. */
const REPEAT_MS = 700;
const PING = encodeFrame({ type: 'ping', nonce: 1n, sentUs: 1n, rttUs: 0 });
/** The beginning of a frame that is never finished: its length. */
const LONG_FRAME = Buffer.of(0, 1, 0, 0);

/** Does something now and then, so many times or for as long as the link is there. */
type Repeat = (times: number, work: (left: number) => void) => void;

/** What strangers do once they are connected; what comes after is up to the server. */
const MANNERS: readonly ((transport: Transport, random: SeededRandom, repeat: Repeat) => void)[] = [
  /** Says nothing. */
  () => {},
  /** Speaks another language. */
  (transport, random) =>
    transport.write(Buffer.from(Array.from({ length: 1 + random.int(200) }, () => random.int(256)))),
  /** Stops in the middle of a word. */
  (transport, random) => transport.write(encodeFrame(HELLO).subarray(0, 1 + random.int(10))),
  /** Forgets to say who it is. */
  (transport) => transport.write(encodeFrame(SUBSCRIBE)),
  /** Says it twice. */
  (transport) => transport.writeAll([encodeFrame(HELLO), encodeFrame(HELLO)]),
  /** Asks for everything and reads nothing. */
  (transport) => {
    transport.pause();
    transport.writeAll([encodeFrame(HELLO), encodeFrame(SUBSCRIBE)]);
  },
  /** Asks for everything and reads nothing, but shows that it lives; and goes at last, for it may have been owed nothing. */
  (transport, _random, repeat) => {
    transport.pause();
    transport.writeAll([encodeFrame(HELLO), encodeFrame(SUBSCRIBE)]);
    repeat(50, (left) => (left > 0 ? transport.write(PING) : transport.destroy()));
  },
  /** Goes on with one frame for ever. */
  (transport, _random, repeat) => {
    transport.writeAll([encodeFrame(HELLO), LONG_FRAME]);
    repeat(Number.POSITIVE_INFINITY, () => transport.write(Buffer.of(0)));
  },
  /** Asks for everything and goes. */
  (transport) => {
    transport.writeAll([encodeFrame(HELLO), encodeFrame(SUBSCRIBE)]);
    transport.end();
  },
];

/** Somebody connects who is no client of ours. It never leaves by itself, unless that is its manner. */
export function sendStranger(world: World, network: Network, random: SeededRandom): void {
  const host = new Host('stranger', world, 0);
  const behave = random.pick(MANNERS);
  let state: 'open' | 'closed' = 'open';
  const repeat: Repeat = (times, work) => {
    if (state === 'closed' || times === 0) return;
    work(times - 1);
    world.after(REPEAT_MS, () => repeat(times - 1, work));
  };
  const events: DialEvents = {
    connected: () => behave(transport, random, repeat),
    received: () => {},
    drained: () => {},
    ended: () => transport.end(),
    closed: () => {
      state = 'closed';
    },
  };
  const transport = network.dial(host, '10.9.9.9', events);
}
