// Listens at the health check node ports: one small server for each Service that has one, at each address of node ports.
import { statusServer } from '@drydock/client/status-server.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { type HealthCheck, healthCheckAnswer } from './health-check.ts';

export interface HealthCheckServerOptions {
  readonly log: Log;
  /** Whether the proxy itself keeps up. */
  readonly proxyHealthy: () => boolean;
  /** Told where a port could not be had; `error` is why. */
  readonly failed: (check: HealthCheck, error: unknown) => void;
}

interface Listening {
  readonly port: number;
  /** The addresses, as one text. */
  readonly at: string;
  readonly servers: readonly Service[];
}

/** Follows what `sync` says; a port that could not be had is tried again at the next one. */
export class HealthCheckServers {
  readonly #options: HealthCheckServerOptions;
  readonly #listening = new Map<string, Listening>();
  #checks: ReadonlyMap<string, HealthCheck> = new Map();
  #addresses: readonly string[] = [];
  #running: Promise<void> | undefined;
  #again = false;

  constructor(options: HealthCheckServerOptions) {
    this.#options = options;
  }

  /** These Services are to be asked about, at these addresses. Numbers of endpoints count at once. */
  sync(checks: ReadonlyMap<string, HealthCheck>, addresses: readonly string[]): void {
    this.#checks = checks;
    this.#addresses = addresses;
    this.#again = true;
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
    });
  }

  /** Closes all. */
  async stop(): Promise<void> {
    this.sync(new Map(), []);
    await this.#running;
  }

  async #work(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      const [checks, addresses] = [this.#checks, this.#addresses];
      const at = addresses.join(' ');
      // Closed first: a port may go from one Service to another.
      for (const [key, { port, at: before, servers }] of this.#listening) {
        if (checks.get(key)?.port === port && before === at) continue;
        this.#listening.delete(key);
        await closeAll(servers);
      }
      for (const [key, check] of checks) if (!this.#listening.has(key)) await this.#open(key, check, addresses, at);
    }
  }

  async #open(key: string, check: HealthCheck, addresses: readonly string[], at: string): Promise<void> {
    const { log, failed } = this.#options;
    const opened: Service[] = [];
    try {
      for (const host of addresses) {
        const server = statusServer(`health check of ${key}`, { host, port: check.port }, () => this.#answer(key, check));
        await server.start();
        opened.push(server);
      }
      this.#listening.set(key, { port: check.port, at, servers: opened });
    } catch (err) {
      await closeAll(opened);
      log.error({ err, service: key, port: check.port }, 'Failed to start healthcheck');
      failed(check, err);
    }
  }

  #answer(key: string, known: HealthCheck) {
    return healthCheckAnswer(this.#checks.get(key) ?? { ...known, localEndpoints: 0 }, this.#options.proxyHealthy());
  }
}

async function closeAll(servers: readonly Service[]): Promise<void> {
  for (const server of servers) await server.stop();
}
