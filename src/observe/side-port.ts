import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Exposition } from './exposition.js';
import { bounded, type Logger } from './logger.js';
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

/** Ready for clients, or why not, in a few words. */
export type Readiness = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export interface SidePortOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly metrics: Exposition;
  readonly ready: () => Readiness;
  /** What `/status` answers, as JSON. */
  readonly status: () => object;
  readonly log: Pick<Logger, 'error'>;
  readonly limits?: SidePortLimits;
}

export interface SidePort {
  readonly address: { readonly host: string; readonly port: number };
  /** Stops listening and ends the connections that are there. */
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}
type Route = (request: IncomingMessage) => Reply | Promise<Reply>;

/** Listens, or rejects with the error that `listen` gave. */
export const startSidePort = async (options: SidePortOptions): Promise<SidePort> => {
  const { host, port, log, limits = SIDE_PORT_LIMITS } = options;
  const routes = createRoutes(options);
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleMs,
      maxHeaderSize: limits.headBytesMax,
      // Node looks for late requests only every 30 s unless told otherwise.
      connectionsCheckingInterval: Math.ceil(limits.headersMs / 5),
    },
    (request, response) => void answer(routes, request, response, log),
  );
  server.maxConnections = limits.connectionsMax;
  server.timeout = limits.idleMs;

  server.listen(port, host);
  await once(server, 'listening');
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

const createRoutes = ({ metrics, ready, status }: SidePortOptions): ReadonlyMap<string, Route> => {
  const scrapes = {
    prometheus: shareRender(() => metrics.render('prometheus')),
    openmetrics: shareRender(() => metrics.render('openmetrics')),
  } as const;
  const statusJson = shareRender(async () => `${JSON.stringify(status())}\n`);
  return new Map<string, Route>([
    [
      '/metrics',
      async ({ headers }) => {
        const format = headers.accept?.includes('application/openmetrics-text') ? 'openmetrics' : 'prometheus';
        return { status: 200, ...(await scrapes[format]()) };
      },
    ],
    ['/livez', () => line(200, 'alive')],
    [
      '/readyz',
      () => {
        const readiness = ready();
        return readiness.ok ? line(200, 'ready') : line(503, bounded(readiness.reason));
      },
    ],
    ['/status', async () => ({ status: 200, contentType: 'application/json', body: await statusJson() })],
  ]);
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
    log.error({ err: error, path: bounded(path) }, 'side port: no answer to a request');
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

const line = (status: number, text: string): Reply => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body: `${text}\n`,
});
