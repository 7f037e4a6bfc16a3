// Adapter: the registry of a lab: serves an OCI image layout to the workers' containerds, which ask it before the registry that an
// image's name says. What it does not have they get there, or not.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { parseHostPort, sendStatus, statusBounds } from '@drydock/client/status-server.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import { blobFile, manifestIn, namesIn } from './layout.ts';
import { digestPattern, type RegistryError, readRange, readRequest } from './registry-plan.ts';

export interface RegistryOptions {
  /** `HOST:PORT`. */
  readonly listen: string;
  readonly layout: string;
  /** Addresses that are served; connections from others are closed, as from pods, whose traffic has their own. */
  readonly clients: readonly string[];
}

/** Connections at once: three downloads of each of a hundred workers (containerd's max_concurrent_downloads). */
const connectionsMax = 300;
/** A worker that takes nothing for so long has gone. */
const idleMs = 60_000;

export function imageRegistry({ listen, layout, clients }: RegistryOptions): Service {
  const server: Server = createServer(statusBounds(), (request, response) => {
    answer(layout, request, response).catch(() => response.destroy());
  });
  server.maxConnections = connectionsMax;
  server.setTimeout(idleMs);
  server.prependListener('connection', (socket) => {
    if (!clients.includes((socket.remoteAddress ?? '').replace(/^::ffff:/, ''))) socket.destroy();
  });
  return {
    name: 'image-registry',
    start: () =>
      new Promise((resolve, reject) => {
        const address = parseHostPort(listen);
        if (address === undefined) return reject(new Error(`--listen: expected an address and a port, got ${listen}`));
        server.once('error', reject);
        server.listen(address.port, address.host, () => resolve());
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(layout: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('docker-distribution-api-version', 'registry/2.0');
  const asked = readRequest(request.method ?? '', request.url ?? '');
  switch (asked.kind) {
    case 'version':
      return sendStatus(request, response, { code: 200, body: '{}', type: 'application/json' });
    case 'refused':
      return fail(request, response, asked.code, asked.error);
    case 'manifest': {
      const { repository, reference } = asked;
      const digest = digestPattern.test(reference) ? reference : namesIn(layout).get(`${repository}:${reference}`);
      const found = digest === undefined ? undefined : manifestIn(layout, digest);
      if (digest === undefined || found === undefined)
        return fail(request, response, 404, { code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' });
      describe(response, digest);
      response.writeHead(200, { 'content-type': found.type, 'content-length': found.bytes.length });
      response.end(request.method === 'HEAD' ? undefined : found.bytes);
      return;
    }
    case 'blob':
      return sendBlob(layout, asked.digest, request, response);
  }
}

async function sendBlob(layout: string, digest: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const file = blobFile(layout, digest);
  if (file === undefined || !existsSync(file))
    return fail(request, response, 404, { code: 'BLOB_UNKNOWN', message: 'blob unknown to registry' });
  const { size } = statSync(file);
  const range = readRange(request.headers.range, size);
  describe(response, digest);
  response.setHeader('accept-ranges', 'bytes');
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${size}`, 'content-length': 0 });
    response.end();
    return;
  }
  const { first, last } = range ?? { first: 0, last: size - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': last - first + 1,
    ...(range === undefined ? {} : { 'content-range': `bytes ${first}-${last}/${size}` }),
  });
  if (request.method === 'HEAD' || size === 0) response.end();
  else await pipeline(createReadStream(file, { start: first, end: last }), response);
}

function describe(response: ServerResponse, digest: string): void {
  response.setHeader('docker-content-digest', digest);
  response.setHeader('etag', `"${digest}"`);
}

function fail(request: IncomingMessage, response: ServerResponse, code: number, error: RegistryError): void {
  sendStatus(request, response, { code, body: `${JSON.stringify({ errors: [error] })}\n`, type: 'application/json' });
}
