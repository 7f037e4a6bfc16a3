// Adapter: the HTTPS endpoint that scheduler and controller-manager serve about themselves: health checks and metrics.
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { ServingTimes } from '@drydock/foundation/serving/bounds.ts';
import { guardStatus, sendStatus, statusBounds } from './status-server.ts';

export interface ServingOptions {
  readonly component: string;
  readonly address: string;
  readonly port: number;
  /** Files; empty for a self-signed certificate. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly times?: ServingTimes;
  /** Why the process is not healthy; undefined where it is. */
  unhealthy(): string | undefined;
  /** The text of /metrics. */
  metrics(): string;
}

/** Serves /healthz, /livez, /readyz and /metrics. */
export function servingService(options: ServingOptions): Service {
  let server: Server | undefined;
  return {
    name: 'https',
    async start() {
      const { cert, key } = await certificate(options);
      server = createServer({ ...statusBounds(options.times), cert, key }, (request, response) => {
        const path = (request.url ?? '/').split('?')[0] ?? '/';
        const [code, body] = answer(options, path);
        sendStatus(request, response, { code, body });
      });
      guardStatus(server, options.times);
      const listening = server;
      await new Promise<void>((resolve, reject) => {
        listening.once('error', (error) => reject(new StartupError(`--secure-port ${options.port}: ${error.message}`)));
        listening.listen(options.port, options.address, resolve);
      });
    },
    async stop() {
      const closing = server;
      closing?.closeAllConnections();
      await new Promise<void>((resolve) => (closing === undefined ? resolve() : closing.close(() => resolve())));
    },
  };
}

function answer(options: ServingOptions, path: string): [number, string] {
  if (path === '/metrics') return [200, options.metrics()];
  if (!/^\/(healthz|livez|readyz)(\/|$)/.test(path)) return [404, '404 page not found\n'];
  const reason = options.unhealthy();
  return reason === undefined ? [200, 'ok'] : [500, `[-]leaderElection failed: ${reason}\n`];
}

async function certificate(options: ServingOptions): Promise<{ cert: string | Buffer; key: string | Buffer }> {
  if (options.certFile !== '' || options.keyFile !== '') {
    return { cert: read('tls-cert-file', options.certFile), key: read('tls-private-key-file', options.keyFile) };
  }
  const { Authority } = await import('@drydock/pki/authority.ts');
  const made = await Authority.create(`localhost@${options.component}`, options.clock.wallMs(), options.random);
  return { cert: made.certificatePem, key: made.keyPem };
}

function read(flag: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new StartupError(`--${flag}: ${(error as Error).message}`);
  }
}
