// Adapter: TLS on connections that are there already. Who is refused is told nothing but that, and the log why, as with etcd.
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import type { Log } from '@drydock/foundation/log.ts';
import {
  commonNameOf,
  refusalByAddress,
  refusalByName,
  refusalByRevocation,
  subjectNames,
  systemResolver,
} from './certificate-check.ts';
import { type KeyPair, keyPairOf, noRules, type TlsSettings } from './settings.ts';

export interface AcceptOptions {
  readonly tls: TlsSettings;
  readonly chooseProtocol: (offered: readonly string[]) => string | undefined;
  /** Whether clients must be where their certificate says: members must. */
  readonly checkAddress: boolean;
  readonly accepted: (socket: TLSSocket, commonName: string | undefined) => void;
  /** The certificate is valid, and yet not let in. */
  readonly refused: (socket: TLSSocket) => void;
  readonly log: Log;
  /** Of the log's lines. */
  readonly message: string;
}

/** To be handed sockets with `emit('connection', socket)`. */
export function createTlsAcceptor(options: AcceptOptions): Server {
  const { tls } = options;
  const requestCert = tls.clientCertAuth || tls.ca !== undefined;
  const contextOf = ({ cert, key }: KeyPair): SecureContextOptions => ({
    cert,
    key,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.ciphers === undefined ? {} : { ciphers: tls.ciphers }),
    ...(tls.minVersion === undefined ? {} : { minVersion: tls.minVersion }),
    ...(tls.maxVersion === undefined ? {} : { maxVersion: tls.maxVersion }),
  });
  const current = () =>
    keyPairOf(tls, (error) => options.log.warn({ error: error.message }, 'failed to create peer certificate'));
  let pair = current();
  const server = createServer({
    ...contextOf(pair),
    requestCert,
    rejectUnauthorized: requestCert,
    ALPNCallback: ({ protocols }) => options.chooseProtocol(protocols),
  });
  server.prependListener('connection', () => {
    const now = current();
    if (now.cert.equals(pair.cert) && now.key.equals(pair.key)) return;
    pair = now;
    server.setSecureContext(contextOf(pair));
  });
  server.on('tlsClientError', (error, socket) => {
    const address = { 'remote-addr': addressOf(socket), 'server-name': serverNameOf(socket) };
    options.log.warn({ ...address, error: textOf(error) }, options.message);
  });
  server.on('secureConnection', (socket) => {
    socket.on('error', () => socket.destroy());
    void admit(socket, options);
  });
  return server;
}

async function admit(socket: TLSSocket, options: AcceptOptions): Promise<void> {
  const certificate = socket.getPeerX509Certificate();
  // Without one only where none is asked for.
  if (certificate === undefined || !socket.authorized) {
    options.accepted(socket, undefined);
    return;
  }
  const rules = options.tls.rules ?? noRules;
  let refusal = refusalByName(certificate, rules);
  if (refusal === undefined && options.checkAddress && socket.remoteAddress !== undefined) {
    refusal = await refusalByAddress(certificate, socket.remoteAddress, systemResolver);
  }
  refusal ??= refusalByRevocation(certificate, rules);
  if (refusal === undefined) {
    options.accepted(socket, commonNameOf(certificate));
    return;
  }
  const { addresses, names } = subjectNames(certificate);
  const who = {
    'remote-addr': addressOf(socket),
    'server-name': serverNameOf(socket),
    'ip-addresses': addresses,
    'dns-names': names,
  };
  options.log.warn({ ...who, error: refusal }, options.message);
  options.refused(socket);
}

function addressOf({ remoteAddress, remotePort }: TLSSocket): string {
  if (remoteAddress === undefined) return '@';
  return `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;
}

function serverNameOf(socket: TLSSocket): string {
  const { servername } = socket as { servername?: string | false };
  return servername || '';
}

/** What Go's crypto/tls says of the cases that people look for. */
function textOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return "tls: client didn't provide a certificate";
  if (error.code === 'ERR_SSL_HTTP_REQUEST') return 'tls: first record does not look like a TLS handshake';
  if (error.code === 'ECONNRESET') return 'EOF';
  const alert = /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13)_ALERT_(\w+)$/.exec(error.code ?? '')?.[1];
  return alert === undefined ? error.message : `remote error: tls: ${alert.toLowerCase().replaceAll('_', ' ')}`;
}
