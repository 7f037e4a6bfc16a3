// The real client port with a service that is easy to look through, for tests.
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { onTestFinished } from 'vitest';
import { parseUrls } from '../../server/urls.ts';
import { freePort } from '../../testing/free-ports.ts';
import { ClientListener, type ClientListenerOptions } from '../listener.ts';
import { type Method, type StreamCall, service } from '../service.ts';

const clock = new SystemClock();
export const receiveBytesMax = 100_000;

/** `Echo` answers its request, `Never` does not answer, `Held` takes messages and never has done with them, `Stream` answers each. */
export const testMethods: Readonly<Record<string, Method>> = {
  Echo: { kind: 'unary', handle: async (request) => Buffer.from(request) },
  Never: { kind: 'stream', open: () => ({ message: () => {}, closed: () => {} }) },
  Held: { kind: 'stream', open: () => ({ message: () => new Promise(() => {}), closed: () => {} }) },
  Stream: {
    kind: 'stream',
    open: (call: StreamCall) => ({ message: (raw) => call.write(Buffer.from(raw)), closed: () => {} }),
  },
};

/** The port; it is closed with the test. */
export async function serveForTest(
  options: Partial<ClientListenerOptions> = {},
  methods: Readonly<Record<string, Method>> = testMethods,
): Promise<number> {
  const listener = new ClientListener({
    services: [service('test.Test', methods)],
    http: (_request, response) => response.end('plain'),
    tls: undefined,
    receiveBytesMax,
    clock,
    ...options,
  });
  const port = await freePort();
  const [url] = parseUrls([`http://127.0.0.1:${port}`]);
  if (url === undefined) throw new Error('no URL');
  await listener.listen(url);
  onTestFinished(() => listener.stop((ms) => clock.sleep(ms)));
  return port;
}
