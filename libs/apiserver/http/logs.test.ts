// Logs for callers who have gone.
import type { IncomingMessage } from 'node:http';
import { apiError } from '@drydock/api/status.ts';
import { expect, test } from 'vitest';
import type { Exchange } from './exchange.ts';
import { forward } from './forward.ts';
import type { KubeletAddress, Kubelets } from './kubelet.ts';
import { type LogSink, serveLogs } from './logs.ts';

const gone = AbortSignal.abort(apiError('Timeout', 'the client went away', {}));
const sink: LogSink = { begin: () => {}, write: async () => {}, end: () => {}, none: () => {} };

test.each([undefined, 10_350])('of nobody whose client went while the pod was looked up, agent %s', async (agentPort) => {
  let asked = 0;
  const begin = () => {
    asked++;
    throw new Error('begun for nobody');
  };
  const kubelets = { agent: begin, request: begin } as unknown as Kubelets;
  const address: KubeletAddress = { host: '127.0.0.1', port: 10_250, agentPort };
  const pod = { metadata: { name: 'p', namespace: 'n' }, spec: { containers: [{ name: 'c' }] } };
  await expect(serveLogs(new URLSearchParams('follow=true'), pod, address, kubelets, sink, gone)).rejects.toThrow(
    'the client went away',
  );
  expect(asked).toBe(0);
});

test('nothing is forwarded for them either', async () => {
  const req = { headers: {}, pipe: () => {} } as unknown as IncomingMessage;
  const exchange = { req, res: {}, method: 'GET', path: '/', query: new URLSearchParams() } as unknown as Exchange;
  const target = { scheme: 'http', host: '127.0.0.1', port: 9, path: '/' } as const;
  await expect(forward(exchange, target, '', gone)).rejects.toThrow('the client went away');
});
