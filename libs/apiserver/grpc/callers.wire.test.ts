// Callers of the gRPC port who break off, or say things that gRPC cannot carry, leave nothing behind.
import { connect, constants } from 'node:http2';
import type { ConfigMap } from '@drydock/api/generated/types.ts';
import { configMaps } from '@drydock/api/resource.ts';
import { connect as connectClient } from '@drydock/client/connect.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, type WireClient, WireServer } from '../testing/wire.ts';

const readsMax = 5;
const inNamespace = '/api/v1/namespaces/default';
let server: WireServer;
let operator: WireClient;

beforeAll(async () => {
  server = await WireServer.start({ grpcPort: await freePort(), maxReadsInFlight: readsMax });
  operator = await server.operator();
  await operator.call('POST', `${inNamespace}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
}, 30_000);

afterAll(() => server.stop());

async function token(): Promise<string> {
  const body = { spec: {} };
  const { body: made } = await operator.call('POST', `${inNamespace}/serviceaccounts/default/token`, { body });
  return made.status.token;
}

test('a call that ends while its caller is being identified holds no place', async () => {
  const tokens = await Promise.all(Array.from({ length: readsMax * 4 }, token));
  const { ca } = await server.certificate('operator');
  const session = connect(`https://127.0.0.1:${server.grpcPort}`, { ca });
  for (const each of tokens) {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/drydock.apiserver.v1.Api/Get',
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: `Bearer ${each}`,
    });
    stream.on('error', () => {});
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.close(constants.NGHTTP2_CANCEL);
    await closed;
  }
  // Whatever has been received by then was answered after them.
  await new Promise<void>((resolve) => void session.ping(() => resolve()));
  await new SystemClock().sleep(200);
  session.destroy();
  const asked = await operator.call('GET', `${inNamespace}/configmaps/none`);
  expect(asked.code).toBe(404);
});

test('words that gRPC cannot carry as they are reach the caller', async () => {
  const grpc = await connectClient(await server.clientConfig('grpc', 'operator'), {
    clock: new SystemClock(),
    random: new SystemRandom(),
    userAgent: 'test',
  });
  for (const name of ['\ud800', 'ж\n', '%zz', '\udc00\ud800'])
    await expect(grpc.create<ConfigMap>(configMaps, { metadata: { namespace: 'default', name } })).rejects.toMatchObject({
      reason: 'Invalid',
    });
  grpc.close();
});

test('a refusal of any length reaches the caller, and takes no other call with it', async () => {
  const grpc = await connectClient(await server.clientConfig('grpc', 'operator'), {
    clock: new SystemClock(),
    random: new SystemRandom(),
    userAgent: 'test',
  });
  for (const refused of [
    { labels: Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`_${at}`, 'x'])) },
    { name: 'ж\ud800'.repeat(20_000) },
  ]) {
    const made = grpc.create<ConfigMap>(configMaps, { metadata: { namespace: 'default', name: 'a', ...refused } });
    const others = Array.from({ length: 3 }, () =>
      grpc.create<ConfigMap>(configMaps, { metadata: { namespace: 'default', generateName: 'other-' } }),
    );
    const [answer, ...rest] = await Promise.allSettled([made, ...others]);
    expect(answer).toMatchObject({ status: 'rejected', reason: { reason: 'Invalid' } });
    expect(rest.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
  }
  grpc.close();
});
