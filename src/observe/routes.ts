import type { IncomingMessage } from 'node:http';
import type { Exposition } from './exposition.js';
import { bounded } from './logger.js';
import { shareRender } from './shared-render.js';

/** Ready for clients, or why not, in a few words. */
export type Readiness = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** What the routes tell of. */
export interface RouteSources {
  readonly metrics: Pick<Exposition, 'render'>;
  readonly ready: () => Readiness;
  /** What `/status` answers, as JSON. */
  readonly status: () => object;
}

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}
export type Route = (request: IncomingMessage) => Reply | Promise<Reply>;

/** What the side port answers, by path. */
export const createRoutes = ({ metrics, ready, status }: RouteSources): ReadonlyMap<string, Route> => {
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

/** An answer of one line of plain text. */
export const line = (status: number, text: string): Reply => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body: `${text}\n`,
});
