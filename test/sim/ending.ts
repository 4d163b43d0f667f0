import { TOPICS } from './plan.js';
import type { ServerLife } from './server-life.js';
import type { Simulation } from './simulation.js';
import { must } from './world.js';

/**
 * After the last fault everything must have settled within this. It has room for what is slowest: a link that is found
 * dead after 3 heartbeats of 15 s, a retry after a rejection, at the most 60 s, and a request that is asked again.
 */
const SETTLE_MS = 240_000;
/** Nothing may happen for so long, once everything has settled: 3 of the longest heartbeat intervals, and more. */
const QUIET_MS = 50_000;
/** When everybody has left, the last connection must be gone within this: dead links are found, and linger. */
const LEAVE_MS = 60_000;
/** A long poll that its client will not wait for. */
const POLL_MS = 30_000;
/** After this what was on slow links has arrived, and the longest stall, of a minute, is over. */
const ARRIVE_MS = 65_000;
/** Long enough on fair links for a request to arrive, and for a process to be told of the end of its links. */
const MOMENT_MS = 1_000;

/** All faults stop. Now everything that was owed must come, and then idle links must hold. */
export async function settle(simulation: Simulation): Promise<void> {
  const { world, plan, applications } = simulation;
  simulation.becomeFair();
  const waiting = () => unconnected(simulation);
  const server = () => (simulation.life?.state === 'serving' ? undefined : 'the server');
  await world.until(world.nowMs + ARRIVE_MS);
  await world.untilNothing('come back', server, SETTLE_MS);
  // Whoever takes no more of a subscription is answered all the same.
  await world.untilNothing('settled', waiting, SETTLE_MS);
  simulation.allTake();
  // A last record for each topic: what was lost at the end of a damaged link is noticed by what comes after it.
  if (plan.faults.has('damage')) for (const topic of TOPICS) applications[0]?.publish(topic, 1, () => 10);
  await world.untilNothing('been given everything', () => waiting() ?? lacking(simulation), SETTLE_MS);
  // A frame whose length was damaged is waited for, and a link that went dark is taken for idle, until a deadline.
  if (plan.faults.has('damage') || plan.faults.has('silence')) return;
  const losses = () => applications.reduce((sum, application) => sum + application.losses, 0);
  const before = losses();
  await world.until(world.nowMs + QUIET_MS);
  must(losses() === before, () => `${losses() - before} links were lost while nothing was wrong`);
  must(lacking(simulation) === undefined, () => 'something has come by itself');
}

/** Everybody leaves, many in the middle of something; nothing may be left of them. */
export async function leave(simulation: Simulation): Promise<void> {
  const { world, applications, random, oracle, network } = simulation;
  const life = simulation.life as ServerLife;
  for (const application of applications) {
    const topic = random.pick(TOPICS);
    application.fetch(topic, oracle.end(topic), 1, POLL_MS);
  }
  await world.until(world.nowMs + MOMENT_MS);
  world.note('everybody leaves');
  for (const application of applications) {
    if (random.chance(0.3)) application.kill();
    else application.close();
  }
  const present = () => {
    const application = applications.find(({ state }) => state !== 'gone');
    if (application !== undefined) return application.waitsFor ?? application.name;
    const open = network.links.filter(({ server }) => !server.closed).length;
    const { connections } = life.server.stats();
    return open + connections > 0 ? `${open} links and ${connections} connections` : undefined;
  };
  await world.untilNothing('left', present, LEAVE_MS);
  await world.until(world.nowMs + MOMENT_MS);
  life.checkEmpty();
  life.shut();
  life.server.stop();
  await world.until(world.nowMs + MOMENT_MS);
  must(life.host.pending === 0, () => `${life.host.pending} timers are left of the server`);
}

function unconnected({ applications }: Simulation): string | undefined {
  for (const application of applications) {
    if (application.state === 'gone') application.start();
    const { waitsFor } = application;
    if (waitsFor !== undefined) return waitsFor;
  }
  return undefined;
}

function lacking({ applications, life }: Simulation): string | undefined {
  const topics = life?.server.topics() ?? [];
  for (const { listenings } of applications) {
    for (const listening of listenings.values()) {
      const lacks = listening.lacks(topics);
      if (lacks !== undefined) return lacks;
    }
  }
  return undefined;
}
