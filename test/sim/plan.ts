import type { ServerOptions } from '../../src/server/index.js';
import type { LinkConditions } from './channel.js';
import type { SeededRandom } from './random.js';

/** What may go wrong. Each seed has a part of it: faults that always come together would hide each other. */
export const FAULTS = [
  'slow links',
  'fragments',
  'damage',
  'cuts',
  'silence',
  'slow readers',
  'server restarts',
  'drains',
  'client crashes',
  'crowds',
  'little retention',
  'old age',
  'little patience',
  'server stalls',
  'client stalls',
  'slow processors',
  'wall clock',
  'strangers',
  'large records',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Larger than what the server gathers for one write. */
const WINDOW_BYTES_MAX = 1_000_000;

/** A fault is part of a seed with this probability. */
const FAULT_SHARE = 0.35;

export const TOPICS = ['a', 'a.b', 'a.c', 'b', 'b.c', 'b.c.d'] as const;
export const PATTERNS = ['>', 'a.*', '*.c', 'b.>'] as const;

/** All that is decided before a simulation begins. */
export interface Plan {
  readonly faults: ReadonlySet<Fault>;
  readonly applications: number;
  readonly server: ServerOptions;
  readonly links: LinkConditions;
  /** What a look at the clock costs the server and the clients, in milliseconds. */
  readonly costMs: number;
  /** Between one thing that is done to the world and the next, in the mean. */
  readonly paceMs: number;
  readonly recordBytesMax: number;
}

export function drawPlan(random: SeededRandom): Plan {
  const faults = new Set(FAULTS.filter(() => random.chance(FAULT_SHARE)));
  const applications = 1 + random.int(5);
  return {
    faults,
    applications,
    server: drawServer(faults, applications, random),
    links: drawLinks(faults, random),
    costMs: faults.has('slow processors') ? random.between(0.01, 1) : 0,
    paceMs: random.magnitude(2, 400),
    recordBytesMax: faults.has('large records') ? 60_000 : random.magnitude(30, 2_000),
  };
}

/** The limits of a server that nobody is turned away from, for the time after all faults. */
export const hospitable = (options: ServerOptions): ServerOptions => ({
  ...options,
  maxConns: 1_000,
  maxConnsPerIp: 0,
  reserveResume: 0,
});

function drawServer(faults: ReadonlySet<Fault>, applications: number, random: SeededRandom): ServerOptions {
  const crowded = faults.has('crowds');
  const little = faults.has('little retention');
  const impatient = faults.has('little patience');
  return {
    serverName: 'simulated',
    maxConns: crowded ? 1 + random.int(applications + 1) : 1_000,
    maxConnsPerIp: crowded && random.chance(0.3) ? 1 + random.int(2) : 0,
    reserveResume: crowded && random.chance(0.3) ? 1 : 0,
    maxPayload: 128 * 1024,
    handshakeTimeoutMs: impatient ? 500 : 5_000,
    frameTimeoutMs: impatient ? 2_000 : 30_000,
    writeTimeoutMs: impatient ? 2_000 : 30_000,
    heartbeat: random.chance(0.5) ? 'auto' : random.magnitude(300, 15_000),
    // Looking for frames inside damage is for those who accept its risk, so it is not the usual case.
    onCorrupt: random.pick(['skip', 'skip', 'skip', 'scan', 'close']),
    retention: {
      bytes: little ? random.magnitude(500, 100_000) : 64 * 1024 * 1024,
      records: little && random.chance(0.5) ? random.magnitude(1, 300) : Number.POSITIVE_INFINITY,
      ageMs: faults.has('old age') ? random.magnitude(500, 60_000) : Number.POSITIVE_INFINITY,
    },
    retainTotal: little && random.chance(0.3) ? random.magnitude(20_000, 200_000) : 512 * 1024 * 1024,
    lagLimit: random.magnitude(200, 200_000),
    maxSubscriptions: 1_000,
    maxTopics: 1_000,
  };
}

export function drawLinks(faults: ReadonlySet<Fault>, random: SeededRandom): LinkConditions {
  const slow = faults.has('slow links');
  return {
    delayMs: slow ? random.magnitude(1, 800) : random.between(0.02, 5),
    jitterMs: slow ? random.magnitude(1, 2_000) : random.between(0, 5),
    bytesPerMs: slow ? random.magnitude(1, 10_000) : 100_000,
    windowBytes: slow || faults.has('slow readers') ? random.magnitude(500, WINDOW_BYTES_MAX) : WINDOW_BYTES_MAX,
    fragment: faults.has('fragments') ? random.next() : 0,
    corrupt: faults.has('damage') ? random.magnitude(1, 100) / 1_000 : 0,
  };
}

/** The same links without anything that loses or damages. */
export const fair = (links: LinkConditions): LinkConditions => ({
  ...links,
  corrupt: 0,
  jitterMs: 1,
  delayMs: 1,
  bytesPerMs: 100_000,
  windowBytes: WINDOW_BYTES_MAX,
});
