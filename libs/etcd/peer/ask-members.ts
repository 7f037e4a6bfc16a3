// Adapter: asks members, by their peer URLs, who belongs to their cluster.
import { lookup } from 'node:dns/promises';
import { parseUrl } from '../server/urls.ts';
import type { TlsSettings } from '../tls/settings.ts';
import { createClient, deserialize, membersPath, serialize } from './service.ts';

export interface Asked {
  readonly url: string;
  /** A MembersResponse, or why there is none. */
  readonly answer: Buffer | Error;
}

/** Asks all at once, in this order in the result; where `enough` holds for an answer, nobody else is waited for. */
export async function askMembers(
  urls: readonly string[],
  tls: TlsSettings | undefined,
  deadlineMs: number,
  enough: (answer: Buffer) => boolean = () => false,
): Promise<Asked[]> {
  const stop = new AbortController();
  return Promise.all(
    urls.map(async (url): Promise<Asked> => {
      try {
        const answer = await askOne(url, tls, deadlineMs, stop.signal);
        if (enough(answer)) stop.abort();
        return { url, answer };
      } catch (error) {
        return { url, answer: error as Error };
      }
    }),
  );
}

async function askOne(url: string, tls: TlsSettings | undefined, deadline: number, stop: AbortSignal): Promise<Buffer> {
  const client = createClient(url, tls);
  try {
    return await new Promise((resolve, reject) => {
      const body = Buffer.alloc(0);
      const call = client.makeUnaryRequest(membersPath, serialize, deserialize, body, { deadline }, (error, bytes) => {
        if (error !== null || bytes === undefined) reject(error);
        else resolve(bytes);
      });
      stop.addEventListener('abort', () => call.cancel(), { once: true });
    });
  } finally {
    client.close();
  }
}

/** Replaces the names of hosts by an address; a name that is not known stays. */
export async function resolveUrls(urls: readonly string[]): Promise<Map<string, string>> {
  const entries = urls.map(async (text): Promise<[string, string]> => {
    const { host, port, path, secure } = parseUrl(text);
    if (path !== undefined) return [text, text];
    const found = await lookup(host, { order: 'ipv4first' }).catch(() => undefined);
    return [text, found === undefined ? text : `${secure ? 'https' : 'http'}://${found.address}:${port}`];
  });
  return new Map(await Promise.all(entries));
}
