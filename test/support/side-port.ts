import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import type { ServerStats } from '../../src/server/index.js';

interface Status {
  readonly stats: ServerStats;
  readonly connections: readonly { readonly client: string; readonly lagging: number; readonly pendingBytes: number }[];
}

/**
 * Looks at a daemon through its side port, always over the same connection: one look takes no descriptor that another
 * one had not. Each answer is as new as the question, and the side port itself sets the pace.
 */
export class SidePort {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;

  constructor(t: Test, port: string) {
    this.#port = Number(port);
    t.teardown(() => this.#agent.destroy());
  }

  async status(): Promise<Status> {
    return JSON.parse(await this.#get('/status'));
  }

  /** The value of each series of the metrics. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const lines = (await this.#get('/metrics')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => {
        const end = line.lastIndexOf(' ');
        return [line.slice(0, end).replace(/^push_daemon_/, ''), Number(line.slice(end + 1))];
      }),
    );
  }

  /** Waits until it looks so in `/status`. */
  async untilStatus(looks: (status: Status) => boolean): Promise<Status> {
    for (;;) {
      const status = await this.status();
      if (looks(status)) return status;
    }
  }

  /** Waits until the metrics say so. */
  async untilMetrics(say: (metrics: ReadonlyMap<string, number>) => boolean): Promise<ReadonlyMap<string, number>> {
    for (;;) {
      const metrics = await this.metrics();
      if (say(metrics)) return metrics;
    }
  }

  /** A connection that was idle for long may have been ended just now: then the question is asked again, over another. */
  async #get(path: string): Promise<string> {
    const message = request({ port: this.#port, path, agent: this.#agent }).end();
    try {
      const [response] = await once(message, 'response');
      return await text(response);
    } catch (error) {
      if (message.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET') return this.#get(path);
      throw error;
    }
  }
}

/** Connections that ended, by their cause; those that there were none of are left out. */
export const endings = (metrics: ReadonlyMap<string, number>): { readonly [cause: string]: number } => {
  const found: { [cause: string]: number } = {};
  for (const [series, value] of metrics) {
    const cause = /^closes_total\{cause="(\w+)"\}$/.exec(series)?.[1];
    if (cause !== undefined && value > 0) found[cause] = value;
  }
  return found;
};
