import { type Client, connect } from '../../client/index.js';
import { type Figure, Machine } from './machine.js';

/** What is published: a figure, and its number within its topic, from 1. */
export interface NumberedFigure extends Figure {
  readonly number: number;
}

/** Publishes the figures of this machine at a steady pace, whether or not there is a daemon to take them. */
export class FigurePublisher {
  readonly #client: Client;
  readonly #machine = new Machine();
  readonly #timer: NodeJS.Timeout;
  readonly #numbers = new Map<string, number>();
  #acknowledged = 0;

  constructor(server: string, everyMs: number) {
    this.#client = connect({ servers: server, name: 'demo: publisher' });
    this.#timer = setInterval(() => this.#publish(), everyMs);
  }

  /** Stops, waits for what is on its way, and returns how many records the daemon has acknowledged. */
  async end(): Promise<number> {
    clearInterval(this.#timer);
    await this.#client.close();
    return this.#acknowledged;
  }

  #publish(): void {
    for (const figure of this.#machine.sample()) {
      const number = (this.#numbers.get(figure.topic) ?? 0) + 1;
      this.#numbers.set(figure.topic, number);
      void this.#send({ ...figure, number });
    }
  }

  async #send(figure: NumberedFigure): Promise<void> {
    try {
      await this.#client.publish(figure.topic, JSON.stringify(figure));
      this.#acknowledged += 1;
    } catch {
      // Not acknowledged before the end: then it does not count as published.
    }
  }
}
