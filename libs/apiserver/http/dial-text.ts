// Why a connection to another server failed, in the words of Go's client where it has its own.
import { isIPv6 } from 'node:net';

export interface DialPlace {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, as in a URL or a Host header. */
export function addressText({ host, port }: DialPlace): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

export function dialText(error: Error & { readonly code?: string }, place: DialPlace): string {
  if (error.code === 'ECONNREFUSED') return `dial tcp ${addressText(place)}: connect: connection refused`;
  if (error.code === 'EHOSTUNREACH') return `dial tcp ${addressText(place)}: connect: no route to host`;
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(error.code ?? '');
  return certificate ? `tls: failed to verify certificate: x509: ${error.message}` : error.message;
}
