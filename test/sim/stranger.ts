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

/** What strangers do once they are connected; what comes after is up to the server. */
const MANNERS: readonly ((transport: Transport, random: SeededRandom) => void)[] = [
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
  const events: DialEvents = {
    connected: () => behave(transport, random),
    received: () => {},
    drained: () => {},
    ended: () => transport.end(),
    closed: () => {},
  };
  const transport = network.dial(host, '10.9.9.9', events);
}
