// Adapter: asks a node's health check port.
import { get } from 'node:http';

/** A node that takes longer is as good as none. */
const patienceMs = 1_000;

/** Whether it answers 200 in time, over a connection of its own: a kept one would tell nothing of the way there. */
export function healthCheck(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(patienceMs);
    const request = get({ host: address, port, path: '/healthz', agent: false, signal }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('error', () => resolve(false));
  });
}
