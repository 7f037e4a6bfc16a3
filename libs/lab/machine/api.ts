// Adapter: the few requests that the lab itself sends to an apiserver, as the administrator, over HTTPS.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { pkiFile } from '../programs/process-spec.ts';
import type { LabPaths } from '../topology.ts';

const requestTimeoutMs = 5_000;

export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

function contentType(method: string): string {
  return method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
}

/** A connection to one apiserver, or to the balancer. */
export class AdminApi {
  readonly #server: string;
  readonly #agent: Agent;

  constructor(server: string, paths: LabPaths) {
    this.#server = server;
    this.#agent = new Agent({
      keepAlive: true,
      ca: readFileSync(pkiFile(paths, 'ca.crt')),
      cert: readFileSync(pkiFile(paths, 'admin.crt')),
      key: readFileSync(pkiFile(paths, 'admin.key')),
    });
  }

  /** One request with a JSON body; a PATCH is a JSON merge patch. Rejects where no answer comes. */
  send(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    return new Promise((resolve, reject) => {
      const headers = { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': contentType(method) }) };
      const call = request(
        `${this.#server}${path}`,
        { method, agent: this.#agent, headers, timeout: requestTimeoutMs },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.once('error', reject);
          response.once('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        },
      );
      call.once('timeout', () => call.destroy(new Error('timeout')));
      call.once('error', reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** Follows a watch; `onEvent` returns true when it has seen enough. Resolves to whether it did; false where the stream ended. */
  watch(path: string, onEvent: (event: { type: string; object: unknown }) => boolean, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const call = request(
        `${this.#server}${path}`,
        { agent: this.#agent, headers: { accept: 'application/json' }, signal },
        (response) => {
          let rest = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            if (response.statusCode !== 200) return;
            const lines = (rest + chunk).split('\n');
            rest = lines.pop() ?? '';
            for (const line of lines) {
              if (line === '' || !onEvent(JSON.parse(line) as { type: string; object: unknown })) continue;
              resolve(true);
              call.destroy();
              return;
            }
          });
          response.once('close', () => resolve(false));
          response.once('error', () => resolve(false));
        },
      );
      call.once('error', () => (signal.aborted ? reject(signal.reason) : resolve(false)));
      call.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
