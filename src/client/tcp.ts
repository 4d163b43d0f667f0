import { connect, type Socket } from 'node:net';
import { SOCKET_OPTIONS, SocketTransport } from '../net/index.js';
import type { Transport } from '../session/index.js';
import { parseEndpoint } from './endpoint.js';
import type { DialEvents } from './world.js';

/** A dial that takes longer has met a host that drops packets: the kernel alone would go on for two minutes. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Dials `host:port` over TCP. An endpoint that cannot be parsed is one that cannot be reached. */
export function dialTcp(endpoint: string, events: DialEvents): Transport {
  const address = parseEndpoint(endpoint) ?? { host: endpoint, port: 0 };
  const socket = connect({ ...SOCKET_OPTIONS, ...address });
  giveUpInTime(socket);
  const transport = new SocketTransport(socket);
  transport.open(events);
  socket.once('connect', () => events.connected());
  return transport;
}

function giveUpInTime(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(new Error('no connection in time')), CONNECT_TIMEOUT_MS);
  const disarm = () => clearTimeout(timer);
  socket.once('connect', disarm);
  socket.once('close', disarm);
}
