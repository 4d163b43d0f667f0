import { ACTIONS, type Action } from './actions.js';
import { tapAppends } from './append-tap.js';
import { Application } from './application.js';
import { Host } from './host.js';
import { Network } from './network.js';
import { Oracle } from './oracle.js';
import { drawPlan, fair, hospitable, type Plan, TOPICS } from './plan.js';
import { SeededRandom } from './random.js';
import { ServerLife } from './server-life.js';
import { must, World } from './world.js';

/** The longest that the server is gone, or drains, in milliseconds. */
const DOWN_MS_MAX = 15_000;
/**
 * After the last fault everything must have settled within this. It has room for what is slowest: a link that is found
 * dead after 3 heartbeats of 15 s, a retry after a rejection, at the most 60 s, and a request that is asked again.
 */
const SETTLE_MS = 240_000;
/** When everybody has left, the last connection must be gone within this: dead links are found, and linger. */
const LEAVE_MS = 60_000;
/** More events than this are a loop. */
const EVENTS_MAX = 5_000_000;

/** One seed's world, from its beginning to its end. */
export class Simulation {
  readonly world = new World();
  readonly random: SeededRandom;
  readonly plan: Plan;
  readonly network: Network;
  readonly applications: readonly Application[];
  readonly #oracle: Oracle;
  readonly #actions: readonly Action[];
  /** The server that runs now; undefined between two lives. */
  life: ServerLife | undefined;
  #lives = 0;
  #weather: 'foul' | 'fair' = 'foul';

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.plan = drawPlan(this.random.fork());
    const { faults, links, applications, costMs } = this.plan;
    this.#oracle = new Oracle(faults.has('damage') ? 'any order' : 'in order');
    this.network = new Network(this.world, this.random.fork(), links);
    this.#actions = ACTIONS.filter(({ fault }) => fault === undefined || faults.has(fault));
    const around = {
      world: this.world,
      network: this.network,
      oracle: this.#oracle,
      retained: { first: (topic: string, epoch: string) => this.life?.first(topic, epoch) },
      costMs,
      noisy: () => faults.has('damage'),
    };
    this.applications = Array.from({ length: applications }, (_, i) => {
      return new Application(`app${i}`, `10.0.0.${i % 3}`, around, this.random.fork());
    });
    this.startServer();
    for (const application of this.applications) application.start();
  }

  /** Does `steps` things to the world, lets it settle, and empties it. Throws what was found. */
  async run(steps: number): Promise<void> {
    const untap = tapAppends((epoch, frame) => {
      this.world.note(`${frame.topic} ${epoch}:${frame.baseOffset} is appended, ${frame.records.length} records`);
      this.#oracle.appended(epoch, frame);
    });
    try {
      for (let step = 0; step < steps; step++) await this.#act();
      await this.#settle();
      await this.#leave();
    } finally {
      untap();
    }
  }

  startServer(): void {
    this.#lives += 1;
    const host = new Host(`server${this.#lives}`, this.world, this.plan.costMs);
    const options = this.#weather === 'fair' ? hospitable(this.plan.server) : this.plan.server;
    this.world.note(`${host.name} starts`);
    this.life = new ServerLife(host, this.network, this.world, this.random.fork(), options);
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

  async #act(): Promise<void> {
    const { random, world } = this;
    // Mostly bursts and short pauses, now and then a long one.
    const pauseMs = -Math.log(1 - random.next()) * this.plan.paceMs * (random.chance(0.03) ? 50 : 1);
    const untilMs = world.nowMs + (random.chance(0.3) ? 0 : pauseMs);
    let state: 'waiting' | 'reached' = 'waiting';
    world.at(untilMs, () => {
      state = 'reached';
    });
    await this.#until(() => state === 'reached');
    this.#draw().act(this);
    this.life?.check();
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

  /** All faults stop. Now everything that was owed must come. */
  async #settle(): Promise<void> {
    this.world.note('all faults stop');
    this.#weather = 'fair';
    const { network, plan } = this;
    network.conditions = fair(plan.links);
    for (const { client, server } of network.links) {
      client.change(network.conditions);
      server.change(network.conditions);
    }
    await this.#untilNothing('come back', () => (this.life?.state === 'serving' ? undefined : 'the server'), SETTLE_MS);
    this.life?.server.configure(hospitable(plan.server));
    for (const application of this.applications) {
      for (const listening of application.listenings.values()) listening.take('yes');
    }
    await this.#untilNothing('settled', () => this.#unconnected(), SETTLE_MS);
    // A last record for each topic: what was lost at the end of a damaged link is noticed by what comes after it.
    if (plan.faults.has('damage')) for (const topic of TOPICS) this.applications[0]?.publish(topic, 1, () => 10);
    await this.#untilNothing('been given everything', () => this.#unconnected() ?? this.#lacking(), SETTLE_MS);
  }

  #unconnected(): string | undefined {
    for (const application of this.applications) {
      if (application.state === 'gone') application.start();
      const { waitsFor } = application;
      if (waitsFor !== undefined) return waitsFor;
    }
    return undefined;
  }

  #lacking(): string | undefined {
    const topics = this.life?.server.topics() ?? [];
    for (const { listenings } of this.applications) {
      for (const listening of listenings.values()) {
        const lacks = listening.lacks(topics);
        if (lacks !== undefined) return lacks;
      }
    }
    return undefined;
  }

  /** Everybody leaves; nothing may be left of them. */
  async #leave(): Promise<void> {
    this.world.note('everybody leaves');
    for (const application of this.applications) application.close();
    const present = () => {
      const application = this.applications.find(({ state }) => state !== 'gone');
      if (application !== undefined) return application.waitsFor ?? application.name;
      const leftovers = this.applications.reduce((sum, application) => sum + application.leftovers, 0);
      if (leftovers > 0) return `${leftovers} timers of applications that are gone`;
      const held = this.life?.server.stats();
      return held !== undefined && held.connections + held.timers > 0 ? JSON.stringify(held) : undefined;
    };
    await this.#untilNothing('left', present, LEAVE_MS);
    const life = this.life as ServerLife;
    life.checkEmpty();
    life.shut();
    life.server.stop();
    await this.#untilNothing(
      'stopped',
      () => (life.host.pending > 0 ? `${life.host.pending} timers` : undefined),
      1_000,
    );
  }

  async #untilNothing(what: string, left: () => string | undefined, withinMs: number): Promise<void> {
    const deadlineMs = this.world.nowMs + withinMs;
    let ticking = true;
    const tick = () => {
      if (ticking) this.world.after(50, tick);
    };
    tick();
    await this.#until(() => {
      if (this.world.nowMs <= deadlineMs) return left() === undefined;
      return must(false, () => `not ${what} after ${withinMs} ms: ${left()}`) === undefined;
    });
    ticking = false;
  }

  /** Lets things happen until `reached`; promises are kept between one event and the next. */
  async #until(reached: () => boolean): Promise<void> {
    while (!reached()) {
      must(this.world.step(), () => 'nothing happens any more');
      must(this.world.events < EVENTS_MAX, () => `${EVENTS_MAX} events, and no end`);
      await undefined;
    }
  }
}
