// Adapter: one request to a server behind this one, its answer whole.
import { type RequestOptions, request } from 'node:https';
import { apiError } from '@drydock/api/status.ts';
import { dialText } from '../http/dial-text.ts';
import { limitDial } from '../http/limit-dial.ts';
import type { BackendTls } from './backends.ts';
import type { BackendPlace } from './place.ts';
import type { UserHeaders } from './user-headers.ts';

export interface Asked {
  readonly place: BackendPlace;
  readonly tls: BackendTls;
  /** GET unless given. */
  readonly method?: string;
  /** With its query. */
  readonly path: string;
  readonly body?: { readonly contentType: string; readonly bytes: Uint8Array } | undefined;
  readonly headers: UserHeaders;
  /** What of an answer is kept in memory at most. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export interface BackendAnswer {
  readonly code: number;
  readonly body: Buffer;
}

/** Redirects are answers like others. Fails with the reason in Go's words, or with that of the signal. */
export function ask({ place, tls, method = 'GET', path, body, headers, maxBytes, signal }: Asked): Promise<BackendAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<BackendAnswer>();
  signal.throwIfAborted();
  const all = Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, [...values]]));
  const { host, port } = place;
  const options: RequestOptions = {
    host,
    port,
    method,
    path,
    headers: { accept: 'application/json', ...framing(body), ...all },
    ...tls,
  };
  const sent = request(options, (response) => {
    const pieces: Buffer[] = [];
    let size = 0;
    response.on('data', (piece: Buffer) => {
      pieces.push(piece);
      size += piece.length;
      if (size > maxBytes) sent.destroy(new Error('the answer is larger than the limit'));
    });
    response.on('end', () => resolve({ code: response.statusCode ?? 0, body: Buffer.concat(pieces) }));
    response.on('error', reject);
  });
  const give = () => sent.destroy(signal.reason as Error);
  signal.addEventListener('abort', give, { once: true });
  sent.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : new Error(dialText(error, place))));
  limitDial(sent, place);
  sent.on('close', () => signal.removeEventListener('abort', give));
  sent.end(body?.bytes);
  return promise;
}

function framing(body: Asked['body']): Record<string, string> {
  return body === undefined ? {} : { 'content-type': body.contentType, 'content-length': String(body.bytes.length) };
}

export function unreachable(why: string): Error {
  return apiError('ServiceUnavailable', `error trying to reach service: ${why}`);
}
