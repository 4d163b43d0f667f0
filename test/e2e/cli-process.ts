import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

const BIN = fileURLToPath(new URL('../../bin/push-daemon.js', import.meta.url));

/** What a process has written to one of its streams so far, and may still write. */
class Written {
  text = '';
  /** The whole lines of it. */
  readonly lines: string[] = [];
  readonly #stream: Readable;
  readonly #decoder = new StringDecoder();
  #unfinished = '';

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#take(this.#decoder.write(chunk)));
  }

  /** Waits until `look` finds something in the whole lines; throws if the stream ends before. */
  async until<T>(look: (lines: readonly string[]) => T | undefined): Promise<T> {
    for (;;) {
      const found = look(this.lines);
      if (found !== undefined) return found;
      if (this.#stream.readableEnded || this.#stream.destroyed) throw new Error(`it ended with: ${this.text}`);
      await this.#more();
    }
  }

  /** Waits for a line that matches, and returns what the pattern has captured first, or the whole match. */
  line(pattern: RegExp): Promise<string> {
    let looked = 0;
    return this.until((lines) => {
      for (; looked < lines.length; looked++) {
        const match = pattern.exec(lines[looked] ?? '');
        if (match !== null) return match[1] ?? match[0];
      }
      return undefined;
    });
  }

  #take(text: string): void {
    this.text += text;
    const [first = '', ...others] = text.split('\n');
    this.#unfinished += first;
    for (const next of others) {
      this.lines.push(this.#unfinished);
      this.#unfinished = next;
    }
  }

  /** Waits for something more, or the end, and leaves no listener behind. */
  async #more(): Promise<void> {
    const waiting = new AbortController();
    const { signal } = waiting;
    try {
      await Promise.race([once(this.#stream, 'data', { signal }), once(this.#stream, 'close', { signal })]);
    } finally {
      waiting.abort();
    }
  }
}

export interface Cli {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly stdout: Written;
  readonly stderr: Written;
  /** Resolves when it has ended and said all; the name of a signal that killed it stands for a code. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

export interface CliOptions {
  readonly env?: { readonly [name: string]: string };
  readonly input?: string | Uint8Array;
  /** Where its output goes instead of to the test, as a shell has it: `>/dev/full`. */
  readonly redirect?: string;
  /** The most descriptors that the process may have; needs Linux. */
  readonly descriptors?: number;
}

/** Runs the command line in a process of its own, which does not outlive the test. Without input its stdin stays open. */
export const cli = (t: Test, args: readonly string[], options: CliOptions = {}): Cli => {
  const { env = {}, input, redirect, descriptors } = options;
  const inherited = Object.entries(process.env).filter(([name]) => !/^(PUSH_DAEMON_|NODE_OPTIONS$|TAP)/.test(name));
  // `prlimit` and the shell become the process, so that signals reach it.
  const limited = descriptors === undefined ? [] : ['prlimit', `--nofile=${descriptors}:${descriptors}`];
  const redirected = redirect === undefined ? [] : ['sh', '-c', `exec "$@" ${redirect}`, 'sh'];
  const [program = '', ...words] = [...limited, ...redirected, process.execPath, BIN, ...args];
  const child = spawn(program, words, {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close').then(([code, signal]: (number | NodeJS.Signals)[]) => code ?? signal);
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  child.stdin.on('error', () => {});
  if (input !== undefined) child.stdin.end(input);
  return { child, stdout: new Written(child.stdout), stderr: new Written(child.stderr), ended };
};

/** Runs a command to its end. */
export const run = async (t: Test, args: readonly string[], options: CliOptions = {}) => {
  const { stdout, stderr, ended } = cli(t, args, { input: '', ...options });
  const code = await ended;
  return { code, stdout: stdout.text, stderr: stderr.text };
};

export interface RunningDaemon extends Cli {
  readonly port: string;
  readonly metricsPort: string;
  /** Waits for a log line with this message. */
  logged(message: string): Promise<{ readonly [field: string]: unknown }>;
}

/** Starts a daemon on free ports, and waits until it is ready. */
export const daemon = async (
  t: Test,
  args: readonly string[] = [],
  options: CliOptions = {},
): Promise<RunningDaemon> => {
  const process = cli(t, ['--port', '0', '--metrics-port', '0', ...args], options);
  const logged = (message: string) =>
    process.stdout.until((lines) => lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === message));
  const { address, metricsAddress } = await logged('ready');
  return { ...process, port: String(address.port), metricsPort: String(metricsAddress.port), logged };
};

/** A bare connection to a daemon. */
export const dial = async (t: Test, port: string): Promise<Socket> => {
  const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
};
