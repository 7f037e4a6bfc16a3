// Adapter: the port where the API server asks before an Ingress is written (--validating-webhook).
import { createServer, type Server } from 'node:https';
import { guardStatus, sendStatus, statusBounds } from '@drydock/client/status-server.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { AdmissionAnswer } from './admission.ts';

export interface WebhookOptions {
  readonly host: string;
  readonly port: number;
  readonly certificatePem: string | Buffer;
  readonly keyPem: string | Buffer;
  readonly log: Log;
  readonly answer: (text: string) => Promise<AdmissionAnswer>;
}

/** An object has at most 1.5 MB, and a review has two of them. */
const bodyBytesMax = 4 * 1024 * 1024;

export function webhookServer({ host, port, certificatePem, keyPem, log, answer }: WebhookOptions): Service {
  let server: Server | undefined;
  return {
    name: 'validating-webhook',
    start: () =>
      new Promise((resolve, reject) => {
        server = createServer({ ...statusBounds(), cert: certificatePem, key: keyPem }, (request, response) => {
          const parts: Buffer[] = [];
          let bytes = 0;
          request.on('data', (part: Buffer) => {
            bytes += part.length;
            if (bytes > bodyBytesMax) request.destroy();
            else parts.push(part);
          });
          request.on('error', () => {});
          request.on('end', () => {
            answer(Buffer.concat(parts).toString('utf8')).then(
              ({ code, body }) => sendStatus(request, response, { code, body, type: 'application/json' }),
              (err) => {
                log.error({ err }, 'a review was not answered');
                sendStatus(request, response, { code: 500, body: `${(err as Error).message}\n` });
              },
            );
          });
        });
        guardStatus(server);
        server.once('error', reject);
        server.listen(port, host === '' ? undefined : host, () => resolve());
      }),
    stop: () =>
      new Promise((resolve) => {
        if (server === undefined || !server.listening) return resolve();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
