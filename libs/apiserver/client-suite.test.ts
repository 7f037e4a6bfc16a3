// The compliance suite of the ApiClient port on a whole apiserver of ours, over both of its wires: what the API in memory promises to
// the tests of controllers, scheduler and kubelet is what they meet in a cluster.
import type { Namespace } from '@drydock/api/generated/types.ts';
import { configMaps, namespaces } from '@drydock/api/resource.ts';
import { connect } from '@drydock/client/connect.ts';
import { clientSuite } from '@drydock/client/testing/client-suite.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, WireServer } from './testing/wire.ts';

let server: WireServer;
beforeAll(async () => {
  server = await WireServer.start({ grpcPort: await freePort() });
  await server.operator();
}, 60_000);
afterAll(() => server.stop());

async function reasonOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'ok',
    (error: { readonly status?: { readonly code?: number; readonly reason?: string } }) =>
      `${error.status?.code} ${error.status?.reason}`,
  );
}

for (const transport of ['grpc', 'rest'] as const) {
  clientSuite(transport, async () => {
    const config = await server.clientConfig(transport, 'operator');
    const client = await connect(config, { clock: new SystemClock(), random: new SystemRandom() });
    const made = await client.create<Namespace>(namespaces, { metadata: { generateName: 'client-suite-' } });
    return { client, namespace: made.metadata?.name ?? '' };
  });

  test(`${transport}: getRaw is a GET: lists by selectors, objects, discovery`, async () => {
    const ports = { clock: new SystemClock(), random: new SystemRandom() };
    const client = await connect(await server.clientConfig(transport, 'operator'), ports);
    const { metadata } = await client.create<Namespace>(namespaces, { metadata: { generateName: 'raw-' } });
    const namespace = metadata?.name ?? '';
    await client.create(configMaps, { metadata: { namespace, name: 'a', labels: { pick: 'not-me' } } });
    await client.create(configMaps, { metadata: { namespace, name: 'b', labels: { pick: 'me' } } });
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const list = await client.getRaw<{ items: { metadata: { name: string } }[] }>(path, {
      labelSelector: 'pick=me',
      limit: '',
    });
    expect(list.items.map((item) => item.metadata.name)).toEqual(['b']);
    expect(await client.getRaw(`${path}/b`)).toMatchObject({ metadata: { name: 'b' } });
    const groups = await client.getRaw<{ groups: { name: string }[] }>('/apis');
    expect(groups.groups.map((group) => group.name)).toContain('apps');
    expect(await reasonOf(client.getRaw(`${path}/absent`))).toBe('404 NotFound');
    expect(await reasonOf(client.getRaw('/nothing/here'))).toMatch(/^404/);
    expect(await reasonOf(client.getRaw(`${path}/..%2f..%2fsecrets`))).toMatch(/^40[04]/);
    client.close();
    const nobody = await connect(await server.clientConfig(transport, 'nobody'), ports);
    expect(await reasonOf(nobody.getRaw(path))).toBe('403 Forbidden');
    expect(await reasonOf(nobody.getRaw('/apis/metrics.k8s.io/v1beta1/nodes'))).toBe('403 Forbidden');
    nobody.close();
  });
}
