// The credentials of an HTTP request: the connection's certificate and the headers.
import type { TLSSocket } from 'node:tls';
import type { Credentials, Impersonation } from '../request.ts';
import { type HttpRequest, headerOf } from './exchange.ts';

type Certificate = Pick<Credentials, 'certificate' | 'badCertificate'>;

/** The certificate of each connection, read once. */
const known = new WeakMap<object, Certificate>();

export function credentialsOf(req: HttpRequest): Credentials {
  const session = 'stream' in req ? (req.stream?.session ?? req.socket) : req.socket;
  let certificate = known.get(session);
  if (certificate === undefined) {
    certificate = readCertificate(req.socket as TLSSocket);
    known.set(session, certificate);
  }
  return { ...certificate, bearerToken: bearerToken(req), impersonate: impersonation(req), headers: req.headers };
}

function readCertificate(socket: TLSSocket): Certificate {
  const peer = socket.getPeerCertificate?.(false);
  if (peer === undefined || peer === null || Object.keys(peer).length === 0) return {};
  if (!socket.authorized) return { badCertificate: true };
  const organizations = [peer.subject?.O ?? []].flat();
  const fingerprint = (peer.fingerprint256 ?? '').replaceAll(':', '').toLowerCase();
  return { certificate: { commonName: [peer.subject?.CN ?? ''].flat()[0] ?? '', organizations, fingerprint } };
}

const protocolPrefix = 'base64url.bearer.authorization.k8s.io.';

/** The Authorization header, or the WebSocket subprotocol that carries a token. */
function bearerToken(req: HttpRequest): string | undefined {
  const match = /^bearer +(\S+)\s*$/i.exec(headerOf(req, 'authorization'));
  if (match?.[1] !== undefined) return match[1];
  const offered = headerOf(req, 'sec-websocket-protocol')
    .split(',')
    .map((each) => each.trim());
  const carried = offered.find((each) => each.startsWith(protocolPrefix));
  return carried === undefined ? undefined : Buffer.from(carried.slice(protocolPrefix.length), 'base64url').toString();
}

function impersonation(req: HttpRequest): Impersonation | undefined {
  const user = headerOf(req, 'impersonate-user');
  if (user === '') return undefined;
  const groups = [req.headers['impersonate-group'] ?? []].flat().flatMap((value) => value.split(', '));
  const prefix = 'impersonate-extra-';
  const extra: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(req.headers)) {
    if (name.startsWith(prefix)) extra[decodeURIComponent(name.slice(prefix.length))] = [value ?? []].flat();
  }
  return { user, uid: headerOf(req, 'impersonate-uid'), groups, extra };
}
