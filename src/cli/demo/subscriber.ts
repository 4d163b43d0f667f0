import { setTimeout as pause } from 'node:timers/promises';
import { type Client, connect, type TopicEvent, type TopicGap, type TopicMessage } from '../../client/index.js';
import { nowUs } from '../clock.js';
import { LatencyHistogram, type Percentiles } from '../latency.js';
import { describeLink } from '../link-report.js';
import { type Account, Ledger } from './ledger.js';
import type { NumberedFigure } from './publisher.js';
import type { Stage } from './stage.js';
import type { Mood } from './view.js';

type Tell = (mood: Mood, text: string) => void;

/** When history is lost, it is lost in every topic at once, and told once. */
const GAPS_TOGETHER_MS = 1_000;
/** How long the last records may be on their way. */
const LAST_RECORDS_MS = 1_000;

/** Receives the figures, shows them, and keeps account of them. */
export class FigureSubscriber {
  readonly #client: Client;
  readonly #stage: Stage;
  readonly #tell: Tell;
  readonly #ledger = new Ledger();
  readonly #ages = new LatencyHistogram();
  #gapMs = Number.NEGATIVE_INFINITY;
  #historiesLost = 0;

  constructor(server: string, stage: Stage, tell: Tell) {
    this.#client = connect({ servers: server, name: 'demo: subscriber' });
    this.#stage = stage;
    this.#tell = tell;
    void this.#followLink();
    void this.#followFigures();
  }

  get account(): Account {
    return this.#ledger.account();
  }

  get ages(): Percentiles | undefined {
    return this.#ages.percentiles();
  }

  /** How often the daemon had lost the history of the topics. */
  get historiesLost(): number {
    return this.#historiesLost;
  }

  /** Ends when so many records have come, or should have. */
  async end(expected: number): Promise<void> {
    const deadlineMs = performance.now() + LAST_RECORDS_MS;
    while (this.account.received < expected && performance.now() < deadlineMs) await pause(10);
    await this.#client.close();
  }

  async #followLink(): Promise<void> {
    for await (const event of this.#client.status()) {
      const text = describeLink(event);
      if (text !== undefined) this.#tell(event.type === 'connected' ? 'good' : 'bad', text);
    }
  }

  async #followFigures(): Promise<void> {
    for await (const event of this.#client.subscribe('machine.>', { from: 'earliest' })) this.#take(event);
  }

  #take(event: TopicEvent): void {
    if (event.type === 'message') this.#show(event);
    else this.#noteGap(event);
  }

  #show(message: TopicMessage): void {
    const { number, ...figure }: NumberedFigure = JSON.parse(Buffer.from(message.data).toString());
    const ageUs = nowUs() - message.timestampUs;
    this.#ledger.enter(message.topic, number);
    this.#ages.add(ageUs);
    this.#stage.reading({ message, ageUs, figure });
  }

  #noteGap({ reason }: TopicGap): void {
    const nowMs = performance.now();
    if (nowMs - this.#gapMs < GAPS_TOGETHER_MS) return;
    this.#gapMs = nowMs;
    const isHistory = reason === 'EPOCH_CHANGED';
    if (isHistory) this.#historiesLost += 1;
    const why = isHistory ? "lost with the killed daemon's memory" : 'records are lost';
    this.#tell('odd', `GAP, ${reason}, in all topics: ${why}`);
  }
}
