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

/** Runs one seed from beginning to end. */
export async function simulate(seed: number, steps: number): Promise<Outcome> {
  const simulation = new Simulation(seed);
  const { world, plan } = simulation;
  const failure = await simulation.run(steps).then(
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
