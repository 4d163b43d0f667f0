import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { SOCKET_OPTIONS, SocketTransport } from '../net/index.js';
import type { Environment } from './environment.js';
import type { PushServer } from './push-server.js';

/**
 * Connects that may wait to be accepted. With Node's default of 511 a storm of 1,000 connects lost a second each to
 * retransmitted SYNs. The kernel cuts it to `net.core.somaxconn`.
 */
const BACKLOG = 4096;

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The door: hands each TCP connection to the server. */
export class Listener {
  readonly #server: Server;
  readonly #log: Environment['log'];

  constructor(pushServer: PushServer, log: Environment['log']) {
    this.#log = log;
    this.#server = createServer(SOCKET_OPTIONS, (socket) => {
      const transport = new SocketTransport(socket);
      transport.open(pushServer.accept(transport));
    });
  }

  /** Listens, or rejects with what the system said; port 0 picks a free one, which the answer names. */
  async listen({ host, port }: Address): Promise<Address> {
    this.#server.listen({ host, port, backlog: BACKLOG });
    await once(this.#server, 'listening');
    // From here on it is `accept` that failed, for want of memory or descriptors. Those who are there stay served.
    this.#server.on('error', (error) => this.#log.error({ err: error }, 'a connection was not accepted'));
    const { address, port: bound } = this.#server.address() as AddressInfo;
    return { host: address, port: bound };
  }

  /** Stops accepting. Connections that are there stay. */
  close(): void {
    this.#server.close();
  }
}
