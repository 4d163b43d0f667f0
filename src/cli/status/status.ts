import { setTimeout as pause } from 'node:timers/promises';
import { Failure } from '../failure.js';
import { interrupted } from '../interrupted.js';
import { Output } from '../output.js';
import { Screen } from '../terminal.js';
import { type DaemonStatus, fetchStatus } from './fetch-status.js';
import { report } from './report.js';

export interface StatusOptions {
  readonly metricsHost: string;
  readonly metricsPort: number;
  readonly url?: string;
  readonly rows: number;
  readonly watch?: true;
  readonly json?: true;
}

const WATCH_MS = 1_000;

export const status = async (options: StatusOptions): Promise<void> => {
  const url = urlOf(options);
  const output = new Output();
  const show = display(options, output);
  if (options.watch) await watch(url, AbortSignal.any([output.gone, interrupted()]), show);
  else await show(await fetchStatus(url, output.gone));
  await output.end();
};

/** Shows it again and again, until the signal is aborted. */
const watch = async (url: URL, signal: AbortSignal, show: (status: DaemonStatus) => Promise<void>): Promise<void> => {
  try {
    for (;;) {
      await show(await fetchStatus(url, signal));
      await pause(WATCH_MS, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
};

const urlOf = ({ url, metricsHost, metricsPort }: StatusOptions): URL => {
  // In a URL an IPv6 address stands in brackets.
  const host = metricsHost.includes(':') ? `[${metricsHost}]` : metricsHost;
  const text = url ?? `http://${host}:${metricsPort}/status`;
  if (URL.canParse(text) && /^https?:/.test(text)) return new URL(text);
  throw new Failure('usage', `${JSON.stringify(text)} is no URL: it must be http://HOST:PORT/status`);
};

/** A picture that changes where a terminal watches; a block, or a line of JSON, for each time otherwise. */
const display = ({ json, watch, rows }: StatusOptions, output: Output): ((status: DaemonStatus) => Promise<void>) => {
  if (json) return (status) => output.write(`${JSON.stringify(status)}\n`);
  if (!watch) return (status) => output.write(report(status, rows));
  if (!process.stdout.isTTY) return (status) => output.write(`${report(status, rows)}\n`);
  const screen = new Screen(process.stdout);
  return async (status) => screen.paint(report(status, rows));
};
