// Why a connection to another server failed, in the words of Go's client where it has its own.
export interface DialPlace {
  readonly host: string;
  readonly port: number;
}

export function dialText(error: Error & { readonly code?: string }, { host, port }: DialPlace): string {
  if (error.code === 'ECONNREFUSED') return `dial tcp ${host}:${port}: connect: connection refused`;
  if (error.code === 'EHOSTUNREACH') return `dial tcp ${host}:${port}: connect: no route to host`;
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(error.code ?? '');
  return certificate ? `tls: failed to verify certificate: x509: ${error.message}` : error.message;
}
