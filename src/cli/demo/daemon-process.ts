import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Failure } from '../failure.js';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));

/** A daemon in a process of its own, as an operator would run it. */
export class DaemonProcess {
  readonly #child: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Starts a daemon, on a free port if `port` is 0, and waits until it says that it is ready. */
  static async start({ host, port }: { readonly host: string; readonly port: number }): Promise<DaemonProcess> {
    const args = [MAIN, 'serve', '--host', host, '--port', String(port), '--metrics-port', '0'];
    const child = spawn(process.execPath, args, {
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PUSH_DAEMON_'))),
      // It must not outlive the demonstration, however that ends: with it the channel to it closes, and so it ends.
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      // What is typed at the terminal is for the demonstration alone.
      detached: true,
    });
    if (child.stdout === null) throw new Error('invariant: its output is a pipe');

    // The rest of its log is read, so that it never waits for a reader, and let go.
    for await (const line of createInterface({ input: child.stdout })) {
      const { msg, address }: { msg?: string; address?: { port: number } } = JSON.parse(line);
      if (msg !== 'ready' || address === undefined) continue;
      child.stdout.resume();
      return new DaemonProcess(child, address.port);
    }
    throw new Failure('failed', 'the daemon did not start');
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Ends the process, and waits until it is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill(signal);
    await once(this.#child, 'exit');
  }
}
