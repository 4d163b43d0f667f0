import type { Config } from '../config/index.js';
import type { ServerOptions } from '../server/index.js';

/** In the configuration 0 stands for "no limit". */
const unlimited = (value: number): number => (value === 0 ? Number.POSITIVE_INFINITY : value);

/** What the server is told of the configuration. */
export function serverOptions(config: Config, version: string): ServerOptions {
  return {
    serverName: `push-daemon/${version}`,
    maxConns: config.maxConns,
    maxConnsPerIp: config.maxConnsPerIp,
    reserveResume: config.reserveResume,
    maxPayload: config.maxPayload,
    handshakeTimeoutMs: config.handshakeTimeout,
    frameTimeoutMs: config.frameTimeout,
    writeTimeoutMs: config.writeTimeout,
    heartbeat: config.heartbeat,
    onCorrupt: config.onCorrupt,
    retention: {
      bytes: config.retainBytes,
      records: unlimited(config.retainRecords),
      ageMs: unlimited(config.retainAge),
    },
    retainTotal: config.retainTotal,
    lagLimit: config.lagLimit,
    maxSubscriptions: config.maxSubscriptions,
    maxTopics: config.maxTopics,
  };
}
