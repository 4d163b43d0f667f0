import { setMaxListeners } from 'node:events';
import type { Client, OnLagName, TopicEvent, TopicPosition } from '../../client/index.js';
import { nowUs } from '../clock.js';
import { type ConnectionOptions, withClient } from '../connection.js';
import { EXIT_CODES } from '../exit-codes.js';
import { Failure } from '../failure.js';
import { interrupted } from '../interrupted.js';
import { Output } from '../output.js';
import { Audit, type Check } from './audit.js';
import { isFaultless } from './checker.js';
import { asData, asJson, asPrintable, describeGap } from './format.js';
import { type FromArgument, resolveFrom } from './from.js';
import { summaryJson, summaryText } from './summary.js';

export interface SubOptions extends ConnectionOptions {
  readonly from: FromArgument;
  readonly onLag: OnLagName;
  readonly json?: true;
  readonly count?: number;
  readonly check?: true;
}

/** Prints what comes until it is interrupted, has printed `--count` records, or nobody reads any more. */
export const sub = async (topics: readonly string[], options: SubOptions): Promise<void> => {
  assertOnePlace(topics, options.from);
  const output = new Output();
  const audit = options.check ? new Audit() : undefined;
  const enough = new AbortController();
  const signal = AbortSignal.any([enough.signal, output.gone, interrupted()]);
  // Every topic listens to it.
  setMaxListeners(0, signal);

  let left = options.count ?? Number.POSITIVE_INFINITY;
  const take = async (event: TopicEvent, check: Check | undefined): Promise<void> => {
    if (left === 0) return;
    check?.(event, nowUs());
    if (event.type === 'message') left -= 1;
    if (left === 0) enough.abort();
    await print(event, options, output);
  };
  await withClient(options, 'push-daemon sub', signal, (client) =>
    Promise.all(
      topics.map((topic) => {
        const check = audit?.subscription(isPlace(options.from) ? { topic, ...options.from } : undefined);
        return follow(client, topic, options, signal, (event) => take(event, check));
      }),
    ),
  );
  await output.end();
  if (audit !== undefined) conclude(audit, options);
};

const isPlace = (from: FromArgument): from is TopicPosition => typeof from === 'object' && 'epoch' in from;

const assertOnePlace = (topics: readonly string[], from: FromArgument): void => {
  if (isPlace(from) && (topics.length > 1 || topics.some((topic) => /[*>]/.test(topic)))) {
    throw new Failure('usage', '--from EPOCH:OFFSET is a place in one topic: name that one, without wildcards');
  }
};

/** Takes what comes of one topic, one event at a time, until the signal; a slow reader slows this, and no more. */
const follow = async (
  client: Client,
  topic: string,
  { from, onLag }: SubOptions,
  signal: AbortSignal,
  take: (event: TopicEvent) => Promise<void>,
): Promise<void> => {
  for await (const event of client.subscribe(topic, { from: resolveFrom(from, Date.now()), onLag, signal })) {
    await take(event);
  }
};

const print = async (event: TopicEvent, { json }: SubOptions, output: Output): Promise<void> => {
  if (event.type === 'gap') process.stderr.write(`${describeGap(event)}\n`);
  if (json) await output.write(asJson(event, nowUs()));
  else if (event.type === 'message') await output.write(process.stdout.isTTY ? asPrintable(event) : asData(event));
};

const conclude = (audit: Audit, { json }: SubOptions): void => {
  const summary = audit.summary();
  process.stderr.write(json ? summaryJson(summary) : summaryText(summary));
  if (!isFaultless(summary.findings)) process.exitCode = EXIT_CODES.failed.code;
};
