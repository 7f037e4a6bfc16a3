// Which certificate a host has.
import type { ServingCertificate } from './certificates.ts';
import type { Parsed } from './parsed.ts';

/**
 * The certificate that an Ingress gives one of its hosts: of the entry that names the host, or whose wildcard does, else of any entry
 * whose certificate covers it. One that does not cover the host, or cannot be read, is a problem and not served.
 */
export function certificateOfHost(
  { ingress, namespace }: Parsed,
  host: string,
  read: (secret: string) => ServingCertificate | { readonly problem: string },
): { readonly tls: boolean; readonly certificate: string | undefined; readonly problems: readonly string[] } {
  const entries = ingress.spec?.tls ?? [];
  const wildcard = `*.${host.split('.').slice(1).join('.')}`;
  const named =
    entries.find(({ hosts = [] }) => hosts.some((name) => name.toLowerCase() === host)) ??
    entries.find(({ hosts = [] }) => hosts.some((name) => name.toLowerCase() === wildcard));
  const problems: string[] = [];
  for (const entry of named === undefined ? entries : [named]) {
    if (entry.secretName === undefined || entry.secretName === '') continue;
    const key = `${namespace}/${entry.secretName}`;
    const certificate = read(key);
    if ('problem' in certificate) problems.push(`${certificate.problem}; the default certificate is served for ${host}`);
    else if (certificate.covers(host)) return { tls: true, certificate: key, problems };
    else if (named !== undefined)
      problems.push(`the certificate of Secret "${key}" is not for host ${host}; the default certificate is served`);
  }
  return { tls: named !== undefined, certificate: undefined, problems: named === undefined ? [] : problems };
}
