// Adapter: asks a member, by its peer URLs, for the hash of its history.
import type { TlsSettings } from '../tls/settings.ts';
import { createClient, deserialize, hashPath, serialize } from './service.ts';

/** The answer of the first URL that gives one; `deadlineMs` is wall time. Rejects with the last error. */
export async function askHash(
  urls: readonly string[],
  tls: TlsSettings | undefined,
  request: Uint8Array,
  deadlineMs: number,
): Promise<Buffer> {
  let failure: unknown = new Error('no peer URL is known');
  for (const url of urls) {
    const client = createClient(url, tls);
    try {
      return await new Promise<Buffer>((resolve, reject) => {
        const options = { deadline: deadlineMs };
        client.makeUnaryRequest(hashPath, serialize, deserialize, request, options, (error, bytes) => {
          if (error !== null || bytes === undefined) reject(error);
          else resolve(bytes);
        });
      });
    } catch (error) {
      failure = error;
    } finally {
      client.close();
    }
  }
  throw failure;
}
