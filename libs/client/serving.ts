// Adapter: the HTTPS endpoint of a component that is no API server of the cluster: what it serves, for those who may.
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { ResourceAttributes } from '@drydock/api/generated/types.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { ServingTimes } from '@drydock/foundation/serving/bounds.ts';
import { peerOf } from '@drydock/foundation/serving/connection-gate.ts';
import { Turns } from '@drydock/foundation/serving/turns.ts';
import type { AccessGuard } from './access/guard.ts';
import { guardStatus, type StatusAnswer, sendStatus, statusBounds } from './status-server.ts';

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
  readonly pages: Pages;
}

/** A request, read once: the same is authorised and answered. */
export interface Question {
  readonly method: string;
  /** Decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** What is served behind the guard. */
export interface Pages {
  /** What of an API is asked for; undefined where a path is nothing but a path. */
  attributesOf?(question: Question): ResourceAttributes | undefined;
  /** The answer to somebody who may ask. */
  answer(question: Question): StatusAnswer | Promise<StatusAnswer>;
}

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

async function serve({ guard, pages }: ServingOptions, request: IncomingMessage, trust: () => void): Promise<StatusAnswer> {
  const question = questionOf(request);
  if (question === undefined) return { code: 400, body: '400 Bad Request' };
  const wanted = { path: question.path, attributes: pages.attributesOf?.(question) };
  return (await guard.refusal(request, wanted, trust)) ?? pages.answer(question);
}

/** Undefined where the path is none. */
function questionOf({ method = 'GET', url = '/', headers }: IncomingMessage): Question | undefined {
  const [raw = '', ...query] = url.split('?');
  try {
    if (!raw.startsWith('/')) return undefined;
    return { method, path: decodeURIComponent(raw), query: new URLSearchParams(query.join('?')), headers };
  } catch {
    return undefined;
  }
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
