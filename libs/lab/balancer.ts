// Adapter: a TCP balancer in front of the apiservers. It passes bytes, so TLS and identities stay end to end.
import { type Agent, request } from 'node:https';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import type { Log } from '@drydock/foundation/log.ts';

export interface BalancerConfig {
  readonly host: string;
  readonly port: number;
  /** `host:port` of each apiserver. */
  readonly backends: readonly string[];
  /** Connections for the health checks. */
  readonly agent: Agent;
}

/** Health is asked for this often; a backend that is alive but paused is only found this way. */
const checkEveryMs = 2_000;
const checkTimeoutMs = 1_000;
/** A backend that does not take a connection within this time is passed over. */
const connectTimeoutMs = 1_000;

/** New connections go to healthy backends in turn; where none is healthy, to any that takes them. */
export class Balancer implements Service {
  readonly name = 'apiserver-lb';
  readonly #config: BalancerConfig;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #unhealthy = new Set<string>();
  #next = 0;
  #timer: Timer | undefined;

  constructor(config: BalancerConfig, clock: Clock, log: Log) {
    this.#config = config;
    this.#clock = clock;
    this.#log = log;
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#config.port, this.#config.host, resolve);
    });
    void this.#checkAll();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(client: Socket): void {
    this.#track(client);
    const start = this.#next++;
    const { backends } = this.#config;
    const turn = backends.map((_, i) => backends[(start + i) % backends.length] ?? '');
    const order = [...turn.filter((name) => !this.#unhealthy.has(name)), ...turn.filter((name) => this.#unhealthy.has(name))];
    this.#tryNext(client, order);
  }

  #tryNext(client: Socket, order: readonly string[]): void {
    const [backend, ...rest] = order;
    if (backend === undefined || client.destroyed) {
      client.destroy();
      return;
    }
    const at = backend.lastIndexOf(':');
    const upstream = connect({ host: backend.slice(0, at), port: Number(backend.slice(at + 1)), noDelay: true });
    this.#track(upstream);
    const deadline = this.#clock.timer(connectTimeoutMs, () => upstream.destroy(new Error('connect timeout')));
    const failed = (error: Error) => {
      deadline.cancel();
      this.#mark(backend, error.message);
      this.#tryNext(client, rest);
    };
    upstream.once('error', failed);
    upstream.once('connect', () => {
      deadline.cancel();
      upstream.off('error', failed);
      join(client, upstream);
    });
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #mark(backend: string, problem: string | undefined): void {
    const known = this.#unhealthy.has(backend);
    if (problem === undefined && known) {
      this.#unhealthy.delete(backend);
      this.#log.info({ backend }, 'backend is healthy');
    } else if (problem !== undefined && !known) {
      this.#unhealthy.add(backend);
      this.#log.warn({ backend, problem }, 'backend is unhealthy');
    }
  }

  async #checkAll(): Promise<void> {
    await Promise.all(this.#config.backends.map(async (backend) => this.#mark(backend, await this.#check(backend))));
    this.#timer = this.#clock.timer(checkEveryMs, () => void this.#checkAll());
  }

  #check(backend: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      const ask = request(`https://${backend}/readyz`, { agent: this.#config.agent, timeout: checkTimeoutMs }, (response) => {
        response.resume();
        response.once('close', () => resolve(response.statusCode === 200 ? undefined : `status ${response.statusCode}`));
      });
      ask.once('timeout', () => ask.destroy(new Error('timeout')));
      ask.once('error', (error) => resolve(error.message));
      ask.end();
    });
  }
}

/** Bytes flow both ways; when either side breaks, so does the other. */
function join(client: Socket, upstream: Socket): void {
  client.once('error', () => upstream.destroy());
  upstream.once('error', () => client.destroy());
  client.once('close', () => upstream.destroy());
  upstream.once('close', () => client.destroy());
  client.pipe(upstream);
  upstream.pipe(client);
}
