import type { TopicEvent } from '../../client/index.js';
import { LatencyHistogram } from '../latency.js';
import { type Findings, StreamChecker } from './checker.js';
import type { Summary } from './summary.js';

/** What `--check` does with every event: verifies the stream, and notes how old the records are on arrival. */
export class Audit {
  readonly #checker = new StreamChecker();
  readonly #ages = new LatencyHistogram();
  #firstUs: number | undefined;
  #lastUs = 0;

  observe(event: TopicEvent, nowUs: number): void {
    this.#checker.observe(event);
    if (event.type === 'gap') return;
    this.#ages.add(nowUs - event.timestampUs);
    this.#firstUs ??= nowUs;
    this.#lastUs = nowUs;
  }

  get findings(): Findings {
    return this.#checker.findings();
  }

  /** The seconds are those from the first record to the last. */
  summary(): Summary {
    return {
      seconds: (this.#lastUs - (this.#firstUs ?? this.#lastUs)) / 1e6,
      findings: this.findings,
      age: this.#ages.percentiles(),
    };
  }
}
