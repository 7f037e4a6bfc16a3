// Adapter: GET of a kubelet's text over HTTPS, its connections kept from one round to the next.
import { Agent, type RequestOptions, request } from 'node:https';
import { kubeletAnswerMaxBytes, kubeletIdleMs } from './limits.ts';
import type { KubeletPlace } from './place.ts';
import type { KubeletReader } from './scraper.ts';

export interface KubeletTls {
  /** Who vouches for kubelets; undefined: whom Node knows. */
  readonly ca: Buffer | string | undefined;
  /** --kubelet-insecure-tls. */
  readonly insecure: boolean;
  readonly cert: Buffer | string | undefined;
  readonly key: Buffer | string | undefined;
}

export class KubeletClient implements KubeletReader {
  readonly #agent: Agent;
  readonly #authorization: () => string | undefined;

  /** @param authorization the value of that header; undefined where the certificate says who asks. */
  constructor({ ca, insecure, cert, key }: KubeletTls, authorization: () => string | undefined) {
    this.#authorization = authorization;
    this.#agent = new Agent({
      ...{ keepAlive: true, timeout: kubeletIdleMs, maxSockets: 2, maxFreeSockets: 1 },
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert, key }),
      rejectUnauthorized: !insecure,
    });
  }

  read({ host, port, path }: KubeletPlace, signal: AbortSignal): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const token = this.#authorization();
    const options: RequestOptions = {
      ...{ host, port, path, agent: this.#agent, signal },
      headers: {
        accept: '*/*',
        'user-agent': 'metrics-server/drydock',
        ...(token === undefined ? {} : { authorization: token }),
      },
    };
    const sent = request(options, (response) => {
      const { statusCode = 0, statusMessage = '' } = response;
      if (statusCode !== 200)
        sent.destroy(new Error(`request failed, status: ${JSON.stringify(`${statusCode} ${statusMessage}`)}`));
      const pieces: Buffer[] = [];
      let size = 0;
      response.on('data', (piece: Buffer) => {
        size += piece.length;
        if (size > kubeletAnswerMaxBytes) sent.destroy(new Error(`the answer is larger than ${kubeletAnswerMaxBytes} bytes`));
        else pieces.push(piece);
      });
      response.on('end', () => resolve(Buffer.concat(pieces).toString()));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}
