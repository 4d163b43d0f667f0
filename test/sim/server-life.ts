import { type Environment, PushServer, type ServerOptions } from '../../src/server/index.js';
import { CONTROL_BYTES_MAX, IN_FLIGHT_BYTES_MAX, SLICE_BYTES_MAX } from '../../src/server/limits.js';
import { FRAME_OVERHEAD } from '../../src/wire/index.js';
import { Closings } from './closings.js';
import type { Host } from './host.js';
import type { Network } from './network.js';
import type { SeededRandom } from './random.js';
import type { Retained } from './stream-checker.js';
import { must, type World } from './world.js';

/** Nobody's answers are longer than this, per turn and connection: 512 small frames. */
const ANSWERS_BYTES_PER_TURN = 64 * 1024;

/** A deadline may be looked at so late: the server stalls for a minute, or several, and a link that is ended lingers. */
const DEADLINE_SLACK_MS = 240_000;

/** One life of the server process, and what must hold of it at any moment and at its end. */
export class ServerLife implements Retained {
  readonly host: Host;
  readonly server: PushServer;
  #options: ServerOptions;
  readonly #network: Network;
  readonly #closings: Closings;
  #state: 'serving' | 'draining' | 'dead' = 'serving';

  /** @param attentive no client is ever silent, so none may be taken for dead */
  constructor(
    host: Host,
    network: Network,
    world: World,
    random: SeededRandom,
    options: ServerOptions,
    attentive: boolean,
  ) {
    this.host = host;
    this.#network = network;
    this.#options = options;
    this.#closings = new Closings(world, attentive);
    const { log, telemetry } = this.#closings;
    const env: Environment = { clock: host.clock, scheduler: host.scheduler, random, log, telemetry };
    this.server = new PushServer(options, env);
    network.door = { host, accept: (transport) => this.server.accept(transport) };
  }

  get state(): 'serving' | 'draining' | 'dead' {
    return this.#state;
  }

  first(topic: string, epoch: string): number | undefined {
    return this.server.topics().find((status) => status.name === topic && status.epoch === epoch)?.first;
  }

  epochs(): ReadonlySet<string> {
    return new Set(this.server.topics().map(({ epoch }) => epoch));
  }

  /** No more links are made. */
  shut(): void {
    if (this.#network.door?.host === this.host) this.#network.door = undefined;
  }

  configure(options: ServerOptions): void {
    this.#options = options;
    this.server.configure(options);
  }

  /** Sends everybody away, in time. */
  async drain(timeoutMs: number): Promise<void> {
    this.shut();
    this.#state = 'draining';
    await this.server.drain(timeoutMs);
  }

  /** The process is gone; the kernel ends its links. */
  kill(): void {
    this.shut();
    this.#state = 'dead';
    this.host.kill();
    for (const { server } of this.#network.links) server.destroy();
  }

  /** What must hold at any moment. */
  check(): void {
    const { connections, laggingCursors, timers } = this.server.stats();
    const held = this.server.connections();
    must(held.length === connections, () => `${held.length} connections hold ${connections} slots`);
    this.#checkLimits(held.map(({ remote }) => remote));
    must(laggingCursors >= 0 && timers >= 0, () => `${laggingCursors} cursors lag, ${timers} timers`);
    const lagging = this.server.topics().reduce((sum, topic) => sum + topic.lagging, 0);
    must(lagging === laggingCursors, () => `topics count ${lagging} cursors, connections ${laggingCursors}`);
    for (const { server } of this.#network.links) {
      must(server.pendingMax <= this.#pendingBound, () => `${server.name} had ${server.pendingMax} bytes waiting`);
      const late = server.stuckMs > this.#options.writeTimeoutMs + DEADLINE_SLACK_MS;
      must(!late, () => `${server.name} has been stuck for ${server.stuckMs} ms`);
    }
  }

  /** What must hold when everybody has left. */
  checkEmpty(): void {
    this.check();
    const { connections, timers } = this.server.stats();
    must(connections === 0 && timers === 0, () => `${connections} slots and ${timers} timers are left`);
    for (const { name, subscribers, lagging } of this.server.topics()) {
      must(
        subscribers === 0 && lagging === 0,
        () => `${name} is left with ${subscribers} subscribers, ${lagging} lagging`,
      );
    }
    this.#closings.checkAll();
  }

  #checkLimits(remotes: readonly string[]): void {
    const { maxConns, maxConnsPerIp } = this.#options;
    must(remotes.length <= maxConns, () => `${remotes.length} connections, and no more than ${maxConns} are allowed`);
    if (maxConnsPerIp === 0) return;
    for (const ip of new Set(remotes)) {
      const count = remotes.filter((remote) => remote === ip).length;
      must(
        count <= maxConnsPerIp,
        () => `${count} connections of ${ip}, and no more than ${maxConnsPerIp} are allowed`,
      );
    }
  }

  /** What may wait for one link: a full write, and the last words behind another one. */
  get #pendingBound(): number {
    const piece = Math.max(SLICE_BYTES_MAX, this.#options.maxPayload + FRAME_OVERHEAD);
    return 2 * (IN_FLIGHT_BYTES_MAX + piece + CONTROL_BYTES_MAX + ANSWERS_BYTES_PER_TURN);
  }
}
