// The credentials of an HTTP request: the connection's certificate and the headers.
import type { TLSSocket } from 'node:tls';
import type { ClientAuthorities } from '@drydock/foundation/serving/client-authorities.ts';
import { headerKey, headerValues } from '@drydock/foundation/serving/request-header.ts';
import type { Credentials, Impersonation } from '../request.ts';
import { type HttpRequest, headerOf } from './exchange.ts';

type Certificate = Pick<Credentials, 'certificate' | 'proxy' | 'badCertificate'>;

/** The certificate of each connection, read once. */
const known = new WeakMap<object, Certificate>();

export function credentialsOf(req: HttpRequest, authorities: ClientAuthorities): Credentials {
  const session = 'stream' in req ? (req.stream?.session ?? req.socket) : req.socket;
  let certificate = known.get(session);
  if (certificate === undefined) {
    certificate = readCertificate(req.socket as TLSSocket, authorities);
    known.set(session, certificate);
  }
  const headers = (name: string) => headerValues(req.rawHeaders, name.toLowerCase());
  const names = Object.keys(req.headers);
  return { ...certificate, bearerToken: bearerToken(req), impersonate: impersonation(req), headers, headerNames: names };
}

function readCertificate(socket: TLSSocket, authorities: ClientAuthorities): Certificate {
  const leaf = socket.getPeerX509Certificate?.();
  if (leaf === undefined) return {};
  const { client, proxy } = socket.authorized ? authorities.signersOf(socket) : { client: false, proxy: false };
  const { subject = {} } = socket.getPeerCertificate(false) as { subject?: { CN?: string | string[]; O?: string | string[] } };
  const certificate = {
    commonName: [subject.CN ?? ''].flat()[0] ?? '',
    organizations: [subject.O ?? []].flat(),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
  return {
    ...(client ? { certificate } : { badCertificate: true }),
    ...(proxy ? { proxy: certificate } : {}),
  };
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

/** A `Sec-WebSocket-Protocol` header without the token that it may carry: that is for nobody but this server. */
export function withoutToken(protocols: string): string {
  const offered = protocols.split(',').map((each) => each.trim());
  return offered.filter((each) => !each.startsWith(protocolPrefix)).join(', ');
}

function impersonation(req: HttpRequest): Impersonation | undefined {
  const user = headerValues(req.rawHeaders, 'impersonate-user')[0] ?? '';
  const uid = headerValues(req.rawHeaders, 'impersonate-uid')[0] ?? '';
  const groups = headerValues(req.rawHeaders, 'impersonate-group');
  const prefix = 'impersonate-extra-';
  const extra: Record<string, string[]> = {};
  for (const name of Object.keys(req.headers)) {
    if (name.startsWith(prefix)) extra[headerKey(name.slice(prefix.length))] = headerValues(req.rawHeaders, name);
  }
  const empty = user === '' && uid === '' && groups.length === 0 && Object.keys(extra).length === 0;
  return empty ? undefined : { user, uid, groups, extra };
}
