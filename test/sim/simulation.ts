import { ACTIONS, type Action } from './actions.js';
import { Application } from './application.js';
import { Host } from './host.js';
import { Network } from './network.js';
import { Oracle } from './oracle.js';
import { drawPlan, type Fault, fair, hospitable, type Plan } from './plan.js';
import { SeededRandom } from './random.js';
import { ServerLife } from './server-life.js';
import { World } from './world.js';

/** The longest that the server is gone, or drains, in milliseconds. */
const DOWN_MS_MAX = 15_000;

/** Faults that silence a client, or make it look so. Without them nobody may be taken for dead. */
const SILENCING: readonly Fault[] = ['silence', 'slow links', 'slow processors', 'client stalls', 'damage'];

/** One seed's world: the server's lives, the applications, and what is done to them. */
export class Simulation {
  readonly world = new World();
  readonly random: SeededRandom;
  readonly plan: Plan;
  readonly network: Network;
  readonly applications: readonly Application[];
  readonly oracle: Oracle;
  readonly #actions: readonly Action[];
  /** The server that runs now; undefined between two lives. */
  life: ServerLife | undefined;
  #lives = 0;
  #weather: 'foul' | 'fair' = 'foul';

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.plan = drawPlan(this.random.fork());
    const { faults, links, applications, costMs } = this.plan;
    this.oracle = new Oracle(faults.has('damage') ? 'any order' : 'in order');
    this.network = new Network(this.world, this.random.fork(), links);
    this.#actions = ACTIONS.filter(({ fault }) => fault === undefined || faults.has(fault));
    const around = {
      world: this.world,
      network: this.network,
      oracle: this.oracle,
      retained: {
        first: (topic: string, epoch: string) => this.life?.first(topic, epoch),
        epochs: () => this.life?.epochs(),
      },
      costMs,
      noisy: faults.has('damage'),
    };
    this.applications = Array.from({ length: applications }, (_, i) => {
      return new Application(`app${i}`, `10.0.0.${i % 3}`, around, this.random.fork());
    });
    this.startServer();
    for (const application of this.applications) application.start();
  }

  /** Does something to the world, and looks at it. */
  async act(): Promise<void> {
    const { random, world, plan } = this;
    // Mostly bursts and short pauses, now and then a long one.
    const pauseMs = -Math.log(1 - random.next()) * plan.paceMs * (random.chance(0.03) ? 50 : 1);
    await world.until(world.nowMs + (random.chance(0.3) ? 0 : pauseMs));
    this.#draw().act(this);
    this.life?.check();
  }

  /** From now on nothing goes wrong any more: links are fair, and nobody is turned away. */
  becomeFair(): void {
    this.world.note('all faults stop');
    this.#weather = 'fair';
    const { network, plan, life } = this;
    network.conditions = fair(plan.links);
    for (const { client, server } of network.links) {
      client.change(network.conditions);
      server.change(network.conditions);
    }
    life?.configure(hospitable(plan.server));
  }

  /** From now on everybody takes what comes. */
  allTake(): void {
    for (const { listenings } of this.applications) {
      for (const listening of listenings.values()) listening.take('yes');
    }
  }

  startServer(): void {
    this.#lives += 1;
    const host = new Host(`server${this.#lives}`, this.world, this.plan.costMs);
    const options = this.#weather === 'fair' ? hospitable(this.plan.server) : this.plan.server;
    this.world.note(`${host.name} starts`);
    const attentive = !SILENCING.some((fault) => this.plan.faults.has(fault));
    this.life = new ServerLife(host, this.network, this.world, this.random.fork(), options, attentive);
  }

  /** The server's process dies, and another is started after a while. */
  crashServer(): void {
    if (this.life === undefined) return;
    this.world.note(`${this.life.host.name} dies`);
    this.life.kill();
    this.life = undefined;
    this.world.after(this.random.magnitude(1, DOWN_MS_MAX), () => this.startServer());
  }

  /** The server sends everybody away, its process exits, and another is started after a while. */
  drainServer(): void {
    const { life } = this;
    if (life?.state !== 'serving') return;
    this.world.note(`${life.host.name} drains`);
    const downMs = this.random.magnitude(1, DOWN_MS_MAX);
    void life.drain(this.random.magnitude(1, DOWN_MS_MAX)).then(() => {
      if (this.life !== life) return;
      this.world.note(`${life.host.name} has drained`);
      life.kill();
      this.life = undefined;
      this.world.after(downMs, () => this.startServer());
    });
  }

  #draw(): Action {
    const total = this.#actions.reduce((sum, { weight }) => sum + weight, 0);
    let left = this.random.next() * total;
    for (const action of this.#actions) {
      left -= action.weight;
      if (left < 0) return action;
    }
    return this.#actions[0] as Action;
  }
}
