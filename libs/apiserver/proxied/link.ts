// Links in what a proxied backend answers, as a client must see them to come back through the proxy
// (Transport.rewriteURL of k8s.io/apimachinery/pkg/util/proxy).
import { posix } from 'node:path';

export interface ProxyBase {
  /** The path of the proxy itself, decoded, without a slash at its end: what stands before the backend's own paths. */
  readonly prefix: string;
  /** Host and port of the backend, which the client cannot reach by them. */
  readonly backend: string;
  /** Host and port by which the client reached the proxy. */
  readonly asked: string;
}

/** Scheme and host of a link, its path, and what comes after it (RFC 3986, appendix B). */
const linkPattern = /^(?<origin>(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?:\/\/(?<host>[^/?#]*))?)(?<path>[^?#]*)(?<rest>[\s\S]*)$/;

/** `link` as it is to be sent to the client. Links to other hosts, relative ones, and what is no URL stay as they are. */
export function proxiedLink(link: string, { prefix, backend, asked }: ProxyBase): string {
  const { origin = '', host = '', path = '', rest = '' } = linkPattern.exec(link)?.groups ?? {};
  if (!path.startsWith('/') || (host !== '' && host !== backend && host !== asked)) return link;
  const plain = decoded(path);
  if (plain === undefined) return link;
  const kept = host === asked ? origin : '';
  // A link that has the prefix already has been made by somebody who knows of the proxy.
  if (plain.startsWith(prefix)) return kept + path + rest;
  const joined = posix.join(prefix, path);
  return `${kept}${joined}${path.endsWith('/') && !joined.endsWith('/') ? '/' : ''}${rest}`;
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
