// What Go says of a connection that does not come about.

const texts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'connect: connection timed out',
};

/** `1.2.3.4:80`, `[fd00::1]:80` (net.JoinHostPort). */
export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function dialText(error: Error & { code?: string }, host: string, port: number): string {
  const known = texts[error.code ?? ''];
  if (known !== undefined) return `dial tcp ${joinHostPort(host, port)}: ${known}`;
  if (error.code === 'ECONNRESET') return 'EOF';
  return speaksPlainHttp(error) ? 'http: server gave HTTP response to HTTPS client' : error.message;
}

/** What TLS makes of a server that answers without it. */
export function speaksPlainHttp({ code }: { code?: string }): boolean {
  return code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG';
}
