import type { DialEvents } from '../../src/client/world.js';
import type { Transport, TransportEvents } from '../../src/session/index.js';
import type { LinkConditions } from './channel.js';
import type { Host } from './host.js';
import { LinkEnd } from './link.js';
import type { SeededRandom } from './random.js';
import type { World } from './world.js';

/** A dial that nobody answers is given up after so long. */
const DIAL_TIMEOUT_MS = 10_000;

/** A port that somebody listens on. */
export interface Door {
  readonly host: Host;
  accept(transport: Transport): TransportEvents;
}

/** A link as the world sees it: both of its ends. */
export interface Link {
  readonly client: LinkEnd;
  readonly server: LinkEnd;
}

/** Makes links between clients and the one server, and knows all that are there. */
export class Network {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #links = new Set<Link>();
  #made = 0;
  conditions: LinkConditions;
  /** Nobody listens while it is undefined: dials are refused. */
  door: Door | undefined;
  /** `dark`: a dial gets no answer at all. */
  weather: 'fair' | 'dark' = 'fair';

  constructor(world: World, random: SeededRandom, conditions: LinkConditions) {
    this.#world = world;
    this.#random = random;
    this.conditions = conditions;
  }

  /** Links of which at least one end is open. */
  get links(): readonly Link[] {
    for (const link of this.#links) if (link.client.closed && link.server.closed) this.#links.delete(link);
    return [...this.#links];
  }

  /** Dials the server from a client's host; `server` is where the other end will be. */
  dial(from: Host, address: string, events: DialEvents): Transport {
    this.#made += 1;
    const name = `${from.name}#${this.#made}`;
    const client = new LinkEnd(`${name} client`, 'server', from, this.#world, this.#random, this.conditions);
    client.attend(events);
    const roundTripMs = 2 * this.conditions.delayMs + 0.01;
    if (this.weather === 'dark') {
      this.#world.after(DIAL_TIMEOUT_MS, () => client.refuse('ETIMEDOUT'));
      return client;
    }
    this.#world.after(roundTripMs / 2, () => {
      const { door } = this;
      if (door === undefined || client.closed) {
        this.#world.after(roundTripMs / 2, () => client.refuse('ECONNREFUSED'));
        return;
      }
      const server = new LinkEnd(`${name} server`, address, door.host, this.#world, this.#random, this.conditions);
      client.join(server);
      server.join(client);
      this.#links.add({ client, server });
      server.accept(() => door.accept(server));
      this.#world.after(roundTripMs / 2, () =>
        from.tell(() => {
          if (client.closed) return;
          client.open();
          events.connected();
        }),
      );
    });
    return client;
  }
}
