// `--host-whitelist`: which names a plain HTTP request may have called this member by. A page that a browser has loaded could
// otherwise let its own name point here and read the answers (CVE-2018-5702).
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

export const misdirected = 421;

/** The name that is not known here; undefined where the request is welcome. Over TLS the certificate says who answers. */
export function unknownHost(request: IncomingMessage, allowed: readonly string[]): string | undefined {
  if (request.socket instanceof TLSSocket || allowed.length === 0 || allowed.includes('*')) return undefined;
  const host = hostOf(request.headers.host ?? '');
  return allowed.includes(host) ? undefined : host;
}

/** As Go's SplitHostPort: without a port the text is the name. */
export function hostOf(text: string): string {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):[^:]*$/.exec(text);
  return match?.[1] ?? match?.[2] ?? text;
}

export function misdirectedText(host: string): string {
  return `
etcd received your request, but the Host header was unrecognized.

To fix this, choose one of the following options:
- Enable TLS, then any HTTPS request will be allowed.
- Add the hostname you want to use to the whitelist in settings.
  - e.g. etcd --host-whitelist ${JSON.stringify(host)}

This requirement has been added to help prevent "DNS Rebinding" attacks (CVE-2018-5702).

`;
}
