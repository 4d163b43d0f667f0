import type { PositionOfTopic, TopicEvent } from '../../client/index.js';
import { LatencyHistogram } from '../latency.js';
import { StreamChecker, total } from './checker.js';
import type { Summary } from './summary.js';

/** Takes an event of a subscription, and the time of its arrival. */
export type Check = (event: TopicEvent, nowUs: number) => void;

/** What `--check` does with every event: verifies its stream, and notes how old the records are on arrival. */
export class Audit {
  readonly #checkers: StreamChecker[] = [];
  readonly #ages = new LatencyHistogram();
  #firstUs: number | undefined;
  #lastUs = 0;

  /** Begins to check a subscription, which stands for itself: two may have the same topic. */
  subscription(start?: PositionOfTopic): Check {
    const checker = new StreamChecker(start);
    this.#checkers.push(checker);
    return (event, nowUs) => {
      checker.observe(event);
      if (event.type === 'message') this.#arrived(event.timestampUs, nowUs);
    };
  }

  /** The seconds are those from the first record to the last. */
  summary(): Summary {
    return {
      seconds: (this.#lastUs - (this.#firstUs ?? this.#lastUs)) / 1e6,
      findings: total(this.#checkers.map((checker) => checker.findings())),
      age: this.#ages.percentiles(),
    };
  }

  #arrived(timestampUs: number, nowUs: number): void {
    this.#ages.add(nowUs - timestampUs);
    this.#firstUs ??= nowUs;
    this.#lastUs = nowUs;
  }
}
