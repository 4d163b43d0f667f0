import { setTimeout as pause } from 'node:timers/promises';
import { serverOf } from '../connection.js';
import { EXIT_CODES } from '../exit-codes.js';
import { interrupted } from '../interrupted.js';
import { counted, humanTime } from '../units.js';
import { within } from '../within.js';
import { DaemonProcess } from './daemon-process.js';
import { FigurePublisher } from './publisher.js';
import { openStage } from './stage.js';
import { FigureSubscriber } from './subscriber.js';
import type { Mood } from './view.js';

export interface DemoOptions {
  /** How long it takes; undefined: until it is interrupted. */
  readonly seconds: number | undefined;
}

const HOST = '127.0.0.1';
/** When the daemon is killed, as a share of the whole time, and at the latest. */
const KILL_SHARE = 0.45;
const KILL_MS_MAX = 5_000;
/** Node's timers cannot wait longer. */
const FOR_EVER_MS = 2 ** 31 - 1;
/** How long it stays dead, so that one sees it. */
const DEAD_MS = 700;

/** Shows a daemon at work, in a process of its own, and what becomes of its clients when it is killed. */
export const demo = async ({ seconds }: DemoOptions): Promise<void> => {
  const interruption = interrupted();
  const ending = within(interruption, seconds === undefined ? FOR_EVER_MS : seconds * 1_000);
  const { signal } = ending;
  let daemon = await DaemonProcess.start({ host: HOST, port: 0 });
  const { port } = daemon;
  const server = serverOf({ host: HOST, port });
  const stage = openStage(`push-daemon: live figures of this machine, through a daemon on ${server}`, process.stdout);
  const startMs = performance.now();
  const note = (mood: Mood, text: string): void =>
    stage.note({ seconds: (performance.now() - startMs) / 1_000, mood, text });
  note('good', `daemon started (process ${daemon.pid})`);

  const subscriber = new FigureSubscriber(server, stage, note);
  const publisher = new FigurePublisher(server, stage.everyMs);
  const killAfterMs = Math.min(KILL_MS_MAX, (seconds ?? Number.POSITIVE_INFINITY) * 1_000 * KILL_SHARE);
  try {
    await until(signal, killAfterMs);
    if (!signal.aborted) {
      note('bad', 'daemon killed with SIGKILL');
      await daemon.end('SIGKILL');
      await until(signal, DEAD_MS);
      daemon = await DaemonProcess.start({ host: HOST, port });
      note('good', `daemon started again (process ${daemon.pid})`);
    }
    await until(signal);
    const published = await publisher.end();
    await subscriber.end(published);
    stage.end();
    conclude(published, subscriber);
    if (subscriber.account.received === 0 && !interruption.aborted) process.exitCode = EXIT_CODES.failed.code;
  } finally {
    ending.clear();
    // A second time, unless something went wrong; then it is what lets the process end.
    await publisher.end();
    await subscriber.end(0);
    await daemon.end('SIGTERM');
  }
};

/** Waits so long, or until the signal is aborted. */
const until = async (signal: AbortSignal, ms?: number): Promise<void> => {
  await pause(ms ?? FOR_EVER_MS, undefined, { signal }).catch(() => {});
};

const conclude = (published: number, { account, ages, historiesLost }: FigureSubscriber): void => {
  const { received, missing, twice } = account;
  const age = ages === undefined ? '' : `; age p50 ${humanTime(ages.p50)}, p99 ${humanTime(ages.p99)}`;
  const lines = [
    `${counted(published, 'record')} published, ${received} received, ${missing} missing, ${twice} twice${age}`,
  ];
  if (historiesLost > 0) lines.push(`the history was lost ${counted(historiesLost, 'time')}, with the daemon's memory`);
  process.stdout.write(`\n${lines.join('\n')}\n`);
};
