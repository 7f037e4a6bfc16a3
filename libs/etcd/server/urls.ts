// URLs of members and of `--initial-cluster`, refused as etcd refuses them (client/pkg/types).

/** A URL list or cluster description that is not usable; the message is etcd's. */
export class UrlError extends Error {
  override readonly name = 'UrlError';
}

export interface ListenUrl {
  readonly text: string;
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** Of a Unix socket (`unix://`, `unixs://`), instead of host and port. */
  readonly path: string | undefined;
}

/** Sorted, as etcd keeps them. */
export function parseUrls(urls: readonly string[]): ListenUrl[] {
  if (urls.length === 0) throw new UrlError('no valid URLs given');
  return urls.map((text) => parseUrl(text.trim())).sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
}

/** Throws UrlError. */
export function parseUrl(text: string): ListenUrl {
  const match = /^(https?|unixs?):\/\/([^/]*)(\/.*)?$/.exec(text);
  if (match === null) throw new UrlError(`URL scheme must be http, https, unix, or unixs: ${text}`);
  const [, scheme = '', host = '', path = ''] = match;
  if (scheme.startsWith('unix')) {
    if (host + path === '') throw new UrlError(`URL names no socket: ${text}`);
    return { text, secure: scheme === 'unixs', host: '', port: 0, path: host + path };
  }
  const parts = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(host);
  const port = Number(parts?.[3]);
  if (parts === null || port > 65_535) throw new UrlError(`URL address does not have the form "host:port": ${text}`);
  if (path !== '' && path !== '/') throw new UrlError(`URL must not contain a path: ${text}`);
  const name = parts[1] ?? parts[2] ?? '';
  return { text: `${scheme}://${host}`, secure: scheme === 'https', host: name, port, path: undefined };
}

/** `host:port` as a URL has it, or the path of a socket. */
export function addressOf({ host, port, path }: Pick<ListenUrl, 'host' | 'port' | 'path'>): string {
  return path ?? `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** For node:net and node:tls. */
export function netTarget({ host, port, path }: ListenUrl): { host: string; port: number } | { path: string } {
  return path === undefined ? { host, port } : { path };
}

/** `a=http://h1:2380,a=http://h2:2380,b=...`: peer URLs by name. */
export function parseInitialCluster(text: string): Map<string, string[]> {
  const members = new Map<string, string[]>();
  for (const pair of text.split(',').filter((part) => part.trim() !== '')) {
    const at = pair.indexOf('=');
    const url = at < 0 ? '' : pair.slice(at + 1).trim();
    const name = pair.slice(0, Math.max(at, 0)).trim();
    if (url === '') throw new UrlError(`empty URL given for "${at < 0 ? pair.trim() : name}"`);
    members.set(name, [...(members.get(name) ?? []), url]);
  }
  const seen = new Set<string>();
  for (const [name, urls] of members) {
    const checked = parseUrls(urls).map((url) => url.text);
    for (const url of checked) {
      if (seen.has(url)) throw new UrlError(`duplicate URL ${url} in cluster config`);
      seen.add(url);
    }
    members.set(name, checked);
  }
  return members;
}
