import { isIP } from 'node:net';
import { fileKey } from './names.js';
import type { Config } from './options.js';
import type { Problem } from './problems.js';

/** Pairs of options of which the first must not exceed the second, and why. */
const NOT_ABOVE = [
  { low: 'reserveResume', high: 'maxConns', why: 'the reserve is a part of the slots' },
  { low: 'retainBytes', high: 'retainTotal', why: 'one topic cannot be given more than there is for all' },
] as const;

/** What is wrong between options that are each right by themselves. */
export const brokenRules = (config: Config): readonly Problem[] => [...above(config), ...sameAddress(config)];

const above = (config: Config): readonly Problem[] =>
  NOT_ABOVE.filter(({ low, high }) => config[low] > config[high]).map(({ low, high, why }) => ({
    type: 'rule',
    keys: [low, high],
    reason: `${fileKey(low)} (${config[low]}) must not be above ${fileKey(high)} (${config[high]}): ${why}`,
  }));

/** Both ports are listened on. 0 stands for a free one, which is another for each. */
const sameAddress = ({ host, port, metricsHost, metricsPort }: Config): readonly Problem[] => {
  if (port === 0 || port !== metricsPort || !overlap(host, metricsHost)) return [];
  const reason = `metrics-port (${metricsPort}) must not be port (${port}) on the same host: only one can listen there`;
  return [{ type: 'rule', keys: ['metricsPort', 'port'], reason }];
};

/** Is there an address that both hosts stand for? Names are compared, and not looked up. */
const overlap = (a: string, b: string): boolean =>
  a === b || [a, b].includes('::') || ([a, b].includes('0.0.0.0') && isIP(a) !== 6 && isIP(b) !== 6);
