import { type Config, type ConfigDiff, diffConfig } from '../config/index.js';
import { createLogger, type Logger, startSidePort, watchEventLoop } from '../observe/index.js';
import { type Address, Listener, PushServer } from '../server/index.js';
import { realClock, realRandomness, realScheduler } from './environment.js';
import { serverOptions } from './options.js';
import { RefusalWarnings } from './refusals.js';
import { daemonMetrics, readGauges, telemetryOf } from './telemetry.js';
import { VERSION } from './version.js';

export { METRIC_LABELS } from './metric-labels.js';
export { VERSION } from './version.js';

export interface Daemon {
  /** Where clients connect. */
  readonly address: Address;
  /** Where metrics, health and status are. */
  readonly metricsAddress: Address;
  readonly log: Logger;
  /** Takes over what a new configuration changes; returns what that is. Values that need a restart stay as they are. */
  reload(config: Config): ConfigDiff;
  /** Sends everybody away in good order, within the drain timeout, and lets go of everything. */
  drain(): Promise<void>;
  /** Lets go of everything at once. */
  stop(): Promise<void>;
}

export interface DaemonOptions {
  readonly config: Config;
  /** Where log lines go; standard output if none is given. */
  readonly logTo?: { write(line: string): void };
}

/**
 * Starts a daemon in this process: data port and side port. Rejects with the system's error if a port cannot be had;
 * nothing is left behind then.
 */
export async function startDaemon({ config: initial, logTo }: DaemonOptions): Promise<Daemon> {
  let config = initial;
  const log = createLogger({ level: config.logLevel, ...(logTo && { stream: logTo }) });
  const metrics = daemonMetrics(VERSION);
  const warnings = new RefusalWarnings(log, realScheduler);
  const telemetry = telemetryOf(metrics, warnings);
  const env = { clock: realClock(), scheduler: realScheduler, random: realRandomness, log, telemetry };
  const server = new PushServer(serverOptions(config, VERSION), env);
  const listener = new Listener(server, log);
  readGauges(metrics, server);
  const unwatch = watchEventLoop(metrics.eventLoopLag);
  let state: 'starting' | 'ready' | 'draining' = 'starting';

  const stop = async () => {
    listener.close();
    server.stop();
    warnings.stop();
    unwatch();
    await sidePort?.close();
  };

  let sidePort: Awaited<ReturnType<typeof startSidePort>> | undefined;
  try {
    const address = await listener.listen({ host: config.host, port: config.port });
    sidePort = await startSidePort({
      host: config.metricsHost,
      port: config.metricsPort,
      metrics,
      ready: () => (state === 'ready' ? { ok: true } : { ok: false, reason: state }),
      status: () => ({
        version: VERSION,
        stats: server.stats(),
        connections: server.connections(),
        topics: server.topics(),
      }),
      log,
    });
    const metricsAddress = sidePort.address;
    state = 'ready';
    warnIfOpen(log, address.host, metricsAddress.host);
    log.info({ address, metricsAddress, maxConns: config.maxConns }, 'ready');
    return {
      address,
      metricsAddress,
      log,
      stop,
      reload: (next) => {
        const diff = diffConfig(config, next);
        config = diff.effective;
        log.level = config.logLevel;
        server.configure(serverOptions(config, VERSION));
        return diff;
      },
      drain: async () => {
        state = 'draining';
        listener.close();
        await server.drain(config.drainTimeout);
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Nothing asks who somebody is, and so the operator is told who can reach what. */
function warnIfOpen(log: Logger, host: string, metricsHost: string): void {
  if (!isLoopback(host)) {
    log.warn(
      { host },
      'listening beyond loopback without TLS and identities: whoever reaches the port can read and write',
    );
  }
  if (!isLoopback(metricsHost)) {
    log.warn(
      { metricsHost },
      'the side port listens beyond loopback: whoever reaches it sees the names and addresses of clients, and the topics',
    );
  }
}

const isLoopback = (host: string): boolean => host === '::1' || host.startsWith('127.');
