import { startDaemon } from '../../daemon/index.js';
import { flushStandardOutput } from '../../observe/index.js';
import { type ConfigFlags, loadOrFail } from '../config-flags.js';
import { EXIT_CODES } from '../exit-codes.js';
import { explainCode, Failure, isSystemError } from '../failure.js';
import { warnOfDescriptors } from './descriptors.js';
import { reload } from './reload.js';
import { takeSignals } from './signals.js';

/** Runs the daemon until a signal ends it, and the process with it. */
export const serve = async (flags: ConfigFlags): Promise<void> => {
  const signals = takeSignals();
  const { config } = loadOrFail(flags);
  const daemon = await startDaemon({ config }).catch((error: unknown) => {
    throw isSystemError(error) ? new Failure('unreachable', cannotStart(error)) : error;
  });
  warnOfDescriptors(daemon.log, config);
  signals.onReload(() => reload(daemon, flags));

  const signal = await signals.end;
  daemon.log.info({ signal }, 'draining');
  await daemon.drain();
  daemon.log.info('drained');
  await flushStandardOutput();
  // Whatever might still be open must not keep a daemon alive that has let go of everything.
  process.exit(EXIT_CODES.ok.code);
};

/** `cannot listen on 127.0.0.1:9000: the port is taken (EADDRINUSE)` */
const cannotStart = (error: NodeJS.ErrnoException & { readonly code: string }): string => {
  if (error.syscall === 'listen' || error.syscall === 'bind') {
    const { address, port } = error as { readonly address?: string; readonly port?: number };
    return `cannot listen on ${address}:${port}: ${explainCode(error.code)}`;
  }
  if (error.syscall === 'getaddrinfo') {
    const { hostname } = error as { readonly hostname?: string };
    return `cannot listen on ${hostname}: ${explainCode(error.code)}`;
  }
  const { path } = error;
  return path === undefined ? `cannot start: ${error.message}` : `cannot use ${path}: ${explainCode(error.code)}`;
};
