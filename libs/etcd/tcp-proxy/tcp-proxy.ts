// `etcd gateway`: connections of clients are passed on, byte by byte, to one member after another. A member that does not take one is
// left out until it is tried again.
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface TcpProxyOptions {
  readonly endpoints: readonly Endpoint[];
  /** `--retry-delay`. */
  readonly retryMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

interface Remote extends Endpoint {
  readonly address: string;
  active: boolean;
}

export class TcpProxy {
  readonly #options: TcpProxyOptions;
  readonly #remotes: readonly Remote[];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #picked = 0;
  #timer: Timer | undefined;

  constructor(options: TcpProxyOptions) {
    this.#options = options;
    this.#remotes = options.endpoints.map(({ host, port }) => ({
      host,
      port,
      address: addressOf({ host, port }),
      active: true,
    }));
    // Either side may be done with speaking before the other.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => void this.#serve(socket));
  }

  /** Rejects where the address cannot be used. */
  async listen({ host, port }: Endpoint): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    this.#options.log.info({ endpoints: this.#remotes.map(({ address }) => address) }, 'ready to proxy client requests');
    this.#retryLater();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(client: Socket): Promise<void> {
    this.#keep(client);
    for (let remote = this.#pick(); remote !== undefined; remote = this.#pick()) {
      const member = await connected(remote).catch((error: Error) => {
        remote.active = false;
        const fields = { address: remote.address, interval: this.#options.retryMs / 1000, error: error.message };
        this.#options.log.warn(fields, 'deactivated endpoint');
        return undefined;
      });
      if (member === undefined) continue;
      this.#keep(member);
      if (client.destroyed) member.destroy();
      client.on('close', () => member.destroy());
      member.on('close', () => client.destroy());
      client.pipe(member);
      member.pipe(client);
      return;
    }
    client.destroy();
  }

  /** The next one in turn; undefined where none is left. */
  #pick(): Remote | undefined {
    for (let tried = 0; tried < this.#remotes.length; tried++) {
      const remote = this.#remotes[this.#picked++ % this.#remotes.length];
      if (remote?.active === true) return remote;
    }
    return undefined;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #retryLater(): void {
    this.#timer = this.#options.clock.timer(this.#options.retryMs, () => {
      for (const remote of this.#remotes) if (!remote.active) void this.#retry(remote);
      this.#retryLater();
    });
  }

  async #retry(remote: Remote): Promise<void> {
    const { log, retryMs } = this.#options;
    try {
      (await connected(remote)).destroy();
      remote.active = true;
      log.info({ address: remote.address }, 'activated');
    } catch (error) {
      const fields = { address: remote.address, interval: retryMs / 1000, error: (error as Error).message };
      log.warn(fields, 'failed to activate endpoint (stay inactive for another interval)');
    }
  }
}

function connected({ host, port }: Endpoint): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** `host:port`, of a URL too; undefined for anything else. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, bracketed, plain, port] = /^(?:\w+:\/\/)?(?:\[([^\]]+)\]|([^:/]*)):(\d+)\/?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  return host === undefined || port === undefined ? undefined : { host, port: Number(port) };
}

function addressOf({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
