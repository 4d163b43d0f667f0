import type { OnLag } from '../../src/wire/index.js';
import type { Application } from './application.js';
import { drawLinks, type Fault, PATTERNS, TOPICS } from './plan.js';
import type { Simulation } from './simulation.js';
import { sendStranger } from './stranger.js';

/** Something that is done to the world, once. */
export interface Action {
  /** How often it is drawn, compared with the others. */
  readonly weight: number;
  /** The fault that it belongs to; undefined: it is ordinary use. */
  readonly fault?: Fault;
  readonly act: (simulation: Simulation) => void;
}

const withRunning = (act: (application: Application, simulation: Simulation) => void): Action['act'] => {
  return (simulation) => {
    const running = simulation.applications.filter(({ state }) => state === 'running');
    if (running.length > 0) act(simulation.random.pick(running), simulation);
  };
};

const withLink = (
  act: (link: Simulation['network']['links'][number], simulation: Simulation) => void,
): Action['act'] => {
  return (simulation) => {
    const { links } = simulation.network;
    if (links.length > 0) act(simulation.random.pick(links), simulation);
  };
};

const publish = withRunning((application, { random, plan }) => {
  const count = random.chance(0.2) ? random.magnitude(1, 40) : 1;
  application.publish(random.pick(TOPICS), count, () => random.magnitude(1, plan.recordBytesMax));
});

const listen = withRunning((application, { random, oracle, plan }) => {
  const topic: string = random.pick(random.chance(0.3) ? PATTERNS : TOPICS);
  if (application.listenings.has(topic)) application.unlisten(topic);
  else {
    const onLag = random.pick<OnLag>([0, 0, 1, 2, 3]);
    const somewhere = (TOPICS as readonly string[]).includes(topic) ? oracle.somewhere(topic, random) : undefined;
    const from = random.pick(['earliest', 'latest', somewhere ?? 'earliest'] as const);
    const answers = plan.faults.has('slow readers') && random.chance(0.5) ? random.magnitude(1, 20) : 0;
    application.listen({ topic, from, onLag, answers });
  }
});

const fetch = withRunning((application, { random, oracle }) => {
  const topic = random.pick(TOPICS);
  const place = random.chance(0.2) ? undefined : oracle.somewhere(topic, random);
  const waitMs = random.chance(0.5) ? 0 : random.magnitude(10, 20_000);
  application.fetch(topic, place, random.magnitude(1, 100), waitMs);
});

const pause = withRunning((application, { random }) => {
  const listenings = [...application.listenings.values()];
  if (listenings.length > 0) random.pick(listenings).take(random.chance(0.4) ? 'no' : 'yes');
});

const crash = withRunning((application) => application.kill());
const leave = withRunning((application) => application.close());

function comeBack({ applications, random }: Simulation): void {
  const gone = applications.filter(({ state }) => state === 'gone');
  if (gone.length > 0) random.pick(gone).start();
}

const reset = withLink(({ client, server }) => {
  client.reset();
  server.reset();
});

const sever = withLink(({ client, server }) => {
  client.sever();
  server.sever();
});

const silence = withLink(({ client, server }, { random, world }) => {
  const untilMs = random.chance(0.5) ? Number.POSITIVE_INFINITY : world.nowMs + random.magnitude(50, 30_000);
  if (random.chance(0.7)) client.darken(untilMs);
  if (random.chance(0.7)) server.darken(untilMs);
});

const changeLink = withLink(({ client, server }, { random, plan }) => {
  const conditions = drawLinks(plan.faults, random);
  client.change(conditions);
  server.change(conditions);
});

export const ACTIONS: readonly Action[] = [
  { weight: 60, act: publish },
  { weight: 8, act: listen },
  { weight: 4, act: fetch },
  { weight: 2, act: leave },
  { weight: 6, act: comeBack },
  { weight: 3, fault: 'slow links', act: changeLink },
  { weight: 6, fault: 'slow readers', act: pause },
  { weight: 2, fault: 'cuts', act: reset },
  { weight: 2, fault: 'cuts', act: sever },
  { weight: 3, fault: 'silence', act: silence },
  { weight: 3, fault: 'client crashes', act: crash },
  { weight: 2, fault: 'server restarts', act: (simulation) => simulation.crashServer() },
  { weight: 1, fault: 'drains', act: (simulation) => simulation.drainServer() },
  { weight: 2, fault: 'server stalls', act: ({ life, random }) => life?.host.stall(random.magnitude(5, 60_000)) },
  {
    weight: 2,
    fault: 'client stalls',
    act: withRunning((application, { random }) => application.stall(random.magnitude(5, 60_000))),
  },
  {
    weight: 2,
    fault: 'wall clock',
    act: ({ life, random }) => life?.host.setWall(random.between(-3_600_000, 3_600_000)),
  },
  { weight: 3, fault: 'strangers', act: ({ world, network, random }) => sendStranger(world, network, random) },
  { weight: 2, fault: 'crowds', act: ({ world, network, random }) => sendStranger(world, network, random) },
];
