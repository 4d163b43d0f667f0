import { tapAppends } from './append-tap.js';
import { leave, settle } from './ending.js';
import { Simulation } from './simulation.js';

/** What became of one seed. */
export interface Outcome {
  readonly seed: number;
  readonly steps: number;
  readonly faults: readonly string[];
  /** What was found; undefined: everything held. */
  readonly failure: string | undefined;
  /** The command that shows it again. */
  readonly replay: string;
  /** Of everything that happened: the same for the same seed and steps, always. */
  readonly hash: string;
  readonly events: number;
  readonly virtualMs: number;
  /** What happened last. */
  readonly trace: readonly string[];
}

/** Does `steps` things to the world, lets it settle, and empties it. Throws what was found. */
async function run(simulation: Simulation, steps: number): Promise<void> {
  const { world, oracle } = simulation;
  const untap = tapAppends((epoch, frame) => {
    world.note(`${frame.topic} ${epoch}:${frame.baseOffset} is appended, ${frame.records.length} records`);
    oracle.appended(epoch, frame);
  });
  try {
    for (let step = 0; step < steps; step++) await simulation.act();
    await settle(simulation);
    await leave(simulation);
  } finally {
    untap();
  }
}

/** Runs one seed from beginning to end. */
export async function simulate(seed: number, steps: number): Promise<Outcome> {
  const simulation = new Simulation(seed);
  const { world, plan } = simulation;
  const failure = await run(simulation, steps).then(
    () => undefined,
    (error: Error) => (error.name === 'InvariantBroken' ? error.message : `${error.stack}`),
  );
  return {
    seed,
    steps,
    faults: [...plan.faults],
    failure,
    replay: `npm run simulate -- --seed ${seed} --steps ${steps} --trace`,
    hash: world.traceHash,
    events: world.events,
    virtualMs: Math.round(world.nowMs),
    trace: world.trace,
  };
}
