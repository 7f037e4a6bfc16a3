// What a proxied backend answers, as the client gets it: links lead back through the proxy, and no backend says for the API server
// which other sites may read from it (k8s.io/apimachinery/pkg/util/proxy: Transport, corsRemovingTransport).
import type { IncomingHttpHeaders } from 'node:http';
import type { Transform } from 'node:stream';
import { constants, createGunzip, createGzip } from 'node:zlib';
import { apiError } from '@drydock/api/status.ts';
import { htmlLinks } from './html.ts';
import { type ProxyBase, proxiedLink } from './link.ts';

const removed: readonly string[] = [
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
];

/** The headers for the client. Fails with InternalError where the backend redirects to what is no URL. */
export function proxiedHeaders(headers: IncomingHttpHeaders, base: ProxyBase): IncomingHttpHeaders {
  const result = { ...headers };
  for (const name of removed) delete result[name];
  const { location } = headers;
  if (location !== undefined && location !== '') result.location = proxiedLink(checked(location), base);
  // Of a document whose links change, the length is another one.
  else if (isRewritten(headers)) delete result['content-length'];
  return result;
}

/** What has come goes on at once: a backend may take its time between two pieces. */
const gzipOptions = { level: constants.Z_BEST_SPEED, flush: constants.Z_SYNC_FLUSH };

/** The streams through which the body goes to the client, none where it stays as it is. */
export function bodyChanges(headers: IncomingHttpHeaders, base: ProxyBase): Transform[] {
  if (!isRewritten(headers)) return [];
  const links = htmlLinks((link) => proxiedLink(link, base));
  return headers['content-encoding'] === 'gzip' ? [createGunzip(), links, createGzip(gzipOptions)] : [links];
}

/** Of a redirect nobody reads the body; in other encodings than gzip a document passes as it is. */
function isRewritten(headers: IncomingHttpHeaders): boolean {
  const { location = '' } = headers;
  if (location !== '' || headers['content-type']?.split(';')[0]?.trim() !== 'text/html') return false;
  return ['', 'identity', 'gzip'].includes(headers['content-encoding'] ?? '');
}

function checked(location: string): string {
  const bad = /%(?![0-9A-Fa-f]{2}).{0,2}/.exec(location.replace(/[?#].*$/s, ''));
  if (bad === null) return location;
  const quoted = JSON.stringify(location);
  throw apiError(
    'InternalError',
    `Internal error occurred: error trying to parse Location header: parse ${quoted}: invalid URL escape ${JSON.stringify(bad[0])}`,
  );
}
