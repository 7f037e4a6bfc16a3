// Adapter: the HTTPS endpoint that scheduler and controller-manager serve about themselves: health checks, and metrics for those who may.
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { ServingTimes } from '@drydock/foundation/serving/bounds.ts';
import { peerOf } from '@drydock/foundation/serving/connection-gate.ts';
import { Turns } from '@drydock/foundation/serving/turns.ts';
import type { AccessGuard } from './access/guard.ts';
import { guardStatus, metricsType, ok, type StatusAnswer, sendStatus, statusBounds } from './status-server.ts';

export interface ServingOptions {
  readonly component: string;
  readonly address: string;
  readonly port: number;
  /** Files; empty for a self-signed certificate. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Who may ask for what. */
  readonly guard: AccessGuard;
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
      const { authentication } = options.guard;
      const authorities = () => authentication.authorities.tlsOptions;
      const made = createServer({ ...statusBounds(options.times), cert, key, ...authorities(), ...requested });
      const gate = guardStatus(made, options.times);
      const turns = new Turns();
      made.on('request', (request, response) => {
        turns
          .take(request.socket, () => serve(options, request, () => gate.trust(peerOf(request.socket))))
          .then((served) => void (response.destroyed || sendStatus(request, response, served)))
          .catch(() => request.socket.destroy());
      });
      authentication.onChange(() => made.setSecureContext({ cert, key, ...authorities() }));
      server = made;
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

/** Whoever comes may show a certificate; what it says is the guard's affair. */
const requested = { requestCert: true, rejectUnauthorized: false } as const;

async function serve(options: ServingOptions, request: IncomingMessage, trust: () => void): Promise<StatusAnswer> {
  const path = pathOf(request.url ?? '/');
  if (path === undefined) return { code: 400, body: '400 Bad Request' };
  return (await options.guard.refusal(request, path, trust)) ?? answer(options, path);
}

/** Decoded: the same text is authorised and served. Undefined where it is none. */
function pathOf(target: string): string | undefined {
  const raw = target.split('?')[0] ?? '';
  try {
    return raw.startsWith('/') ? decodeURIComponent(raw) : undefined;
  } catch {
    return undefined;
  }
}

function answer(options: ServingOptions, path: string): StatusAnswer {
  if (path === '/metrics') return { code: 200, body: options.metrics(), type: metricsType };
  if (!/^\/(healthz|livez|readyz)(\/|$)/.test(path)) return { code: 404, body: '404 page not found\n' };
  const reason = options.unhealthy();
  return reason === undefined ? ok : { code: 500, body: `[-]leaderElection failed: ${reason}\n` };
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
