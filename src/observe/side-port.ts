import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Logger } from './logger.js';
import { createRoutes, line, type Reply, type Route, type RouteSources } from './routes.js';
import { shareRender } from './shared-render.js';

/**
 * The HTTP server beside the data port: metrics, health and status. It shares the event loop with the data port, so
 * what its clients can cost is bounded by these.
 */
export const SIDE_PORT_LIMITS = {
  /** A scraper or two, the probes and a few people looking; more are dropped as they connect. */
  connectionsMax: 64,
  /** Time for the head of a request. */
  headersMs: 5_000,
  /** Time for a whole request. */
  requestMs: 10_000,
  /** Time without progress on a socket, as when a client does not read its answer. */
  idleMs: 10_000,
  /** No request to this port needs more than a few hundred bytes of head. */
  headBytesMax: 8_192,
} as const;
export type SidePortLimits = { readonly [L in keyof typeof SIDE_PORT_LIMITS]: number };

export interface SidePortOptions extends RouteSources {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly log: Pick<Logger, 'error'>;
  readonly limits?: SidePortLimits;
}

export interface SidePort {
  readonly address: { readonly host: string; readonly port: number };
  /** Stops listening and ends the connections that are there. */
  close(): Promise<void>;
}

/** Listens, or rejects with the error that `listen` gave. */
export const startSidePort = async (options: SidePortOptions): Promise<SidePort> => {
  const { host, port, limits = SIDE_PORT_LIMITS } = options;
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleMs,
      maxHeaderSize: limits.headBytesMax,
      // Node looks for late requests only every 30 s unless told otherwise.
      connectionsCheckingInterval: Math.ceil(limits.headersMs / 5),
    },
    createHandler(createRoutes(options), options.log),
  );
  server.maxConnections = limits.connectionsMax;
  server.timeout = limits.idleMs;

  server.listen(port, host);
  await once(server, 'listening');
  server.on('error', (error) => options.log.error({ err: error }, 'side port: a connection was not accepted'));
  const address = server.address() as AddressInfo;
  return {
    address: { host: address.address, port: address.port },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};

/**
 * Answers in batches, one pause apart, and one request at a time on a connection: so a client that asks as fast as it
 * can, whatever for, gets no more than a bounded number of answers a second. Pipelining, which no scraper or probe
 * does, would get round that, and ends the connection.
 */
const createHandler = (routes: ReadonlyMap<string, Route>, log: SidePortOptions['log']) => {
  const nextBatch = shareRender(async () => {});
  const busy = new WeakSet<Socket>();
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { socket } = request;
    if (busy.has(socket)) {
      socket.destroy();
      return;
    }
    busy.add(socket);
    response.once('close', () => busy.delete(socket));
    await nextBatch();
    await answer(routes, request, response, log);
  };
};

const answer = async (
  routes: ReadonlyMap<string, Route>,
  request: IncomingMessage,
  response: ServerResponse,
  log: SidePortOptions['log'],
): Promise<void> => {
  const [path = '/'] = (request.url ?? '/').split('?', 1);
  try {
    const reply = await reach(routes.get(path), request);
    if (reply.status === 405) response.setHeader('Allow', 'GET, HEAD');
    send(response, reply);
  } catch (error) {
    log.error({ err: error, path }, 'side port: no answer to a request');
    send(response, line(500, 'internal error'));
  }
};

const reach = (route: Route | undefined, request: IncomingMessage): Reply | Promise<Reply> => {
  if (route === undefined) return line(404, 'not found: there are /metrics, /livez, /readyz and /status');
  if (request.method !== 'GET' && request.method !== 'HEAD') return line(405, 'only GET and HEAD');
  return route(request);
};

/** Node itself leaves the body out of the answer to HEAD. */
const send = (response: ServerResponse, { status, contentType, body }: Reply): void => {
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(body);
};
