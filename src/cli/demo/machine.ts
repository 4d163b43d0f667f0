import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, freemem, loadavg, totalmem } from 'node:os';
import { parseDiskStats, parseMemAvailable, parseNetDev, type Traffic } from './counters.js';

/** One figure of this machine, at one time. */
export interface Figure {
  readonly topic: string;
  readonly unit: '%' | 'B' | 'B/s' | 'load';
  readonly value: number;
  /** What fills the bar. */
  readonly full: number;
}

/** Cores that are shown one by one. */
const CORES_MAX = 8;

/** Reads the figures of this machine: from /proc where there is one, and what Node knows by itself everywhere. */
export class Machine {
  #cores = readCores();
  #counters = readCounters();
  #atMs = performance.now();
  /** The highest rate seen of each topic: a link or a disk does not tell what it could do. */
  readonly #highest = new Map<string, number>();

  /** The figures now; shares and rates are those since the last time. */
  sample(): readonly Figure[] {
    const nowMs = performance.now();
    const seconds = Math.max(0.001, (nowMs - this.#atMs) / 1_000);
    const cores = readCores();
    const counters = readCounters();
    const figures = [
      ...cores.map((core, index) => coreFigure(index, core, this.#cores[index] ?? core)),
      memoryFigure(),
      { topic: 'machine.load', unit: 'load', value: loadavg()[0] ?? 0, full: availableParallelism() } as const,
      ...Object.entries(counters).map(([topic, bytes]) => {
        const value = Math.max(0, bytes - (this.#counters[topic] ?? bytes)) / seconds;
        return this.#rateFigure(topic, value);
      }),
    ];
    this.#cores = cores;
    this.#counters = counters;
    this.#atMs = nowMs;
    return figures;
  }

  #rateFigure(topic: string, value: number): Figure {
    const full = Math.max(this.#highest.get(topic) ?? 1, value);
    this.#highest.set(topic, full);
    return { topic, unit: 'B/s', value, full };
  }
}

/** Milliseconds since the machine started. */
interface Core {
  readonly busy: number;
  readonly idle: number;
}

const readCores = (): readonly Core[] =>
  cpus()
    .slice(0, CORES_MAX)
    .map(({ times: { idle, user, nice, sys, irq } }) => ({ busy: user + nice + sys + irq, idle }));

const coreFigure = (index: number, now: Core, before: Core): Figure => {
  const busy = now.busy - before.busy;
  const all = busy + now.idle - before.idle;
  return { topic: `machine.cpu.${index}`, unit: '%', value: all > 0 ? (100 * busy) / all : 0, full: 100 };
};

const memoryFigure = (): Figure => {
  const full = totalmem();
  const available = parseMemAvailable(readProc('meminfo')) ?? freemem();
  return { topic: 'machine.memory', unit: 'B', value: full - available, full };
};

/** Bytes since the machine started, by the topic of their rate; none where there is no /proc. */
const readCounters = (): { readonly [topic: string]: number } => ({
  ...named('machine.network', parseNetDev(readProc('net/dev'))),
  ...named('machine.disk', parseDiskStats(readProc('diskstats'))),
});

const named = (prefix: string, traffic: Traffic): { readonly [topic: string]: number } =>
  traffic.in + traffic.out === 0 ? {} : { [`${prefix}.in`]: traffic.in, [`${prefix}.out`]: traffic.out };

const readProc = (name: string): string => {
  try {
    return readFileSync(`/proc/${name}`, 'utf8');
  } catch {
    // Only Linux has it.
    return '';
  }
};
