// Lists and watches at the wire, over both transports: what a client is told of versions, of values that cannot be read, and of
// a store that is not the one it was.
import type { ConfigMap } from '@drydock/api/generated/types.ts';
import { configMaps, type KubeObject } from '@drydock/api/resource.ts';
import type { ApiError } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { connect } from '@drydock/client/connect.ts';
import { Informer } from '@drydock/client/informer.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HeldStore } from './held-store.ts';
import { MemoryStore } from './memory-store.ts';
import { until, watching } from './watching.ts';
import { freePort, type WireClient, WireServer } from './wire.ts';

const ports = { clock: new SystemClock(), random: new SystemRandom(), log: silentLog };
const path = '/api/v1/namespaces/default/configmaps';
const transports = ['rest', 'grpc'] as const;

interface Side {
  readonly server: WireServer;
  readonly user: WireClient;
  readonly clients: Readonly<Record<(typeof transports)[number], ApiClient>>;
}

async function side(store: MemoryStore, held = new HeldStore(store)): Promise<Side> {
  const server = await WireServer.start({ store: held, grpcPort: await freePort() }, store);
  const user = await server.operator();
  const [rest, grpc] = [await server.clientConfig('rest', 'operator'), await server.clientConfig('grpc', 'operator')];
  return { server, user, clients: { rest: await connect(rest, ports), grpc: await connect(grpc, ports) } };
}

async function stop({ server, clients }: Side): Promise<void> {
  for (const client of Object.values(clients)) client.close();
  await server.stop();
}

const configMap = (name: string, value = ''): ConfigMap =>
  ({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, namespace: 'default' }, data: { value } }) as ConfigMap;
const raw = (store: MemoryStore, name: string, value: string) =>
  store.txn({
    guards: [],
    writes: [{ op: 'put', key: `/registry/configmaps/default/${name}`, value: Buffer.from(value) }],
  });

const tooLarge = (wanted: number) => ({
  kind: 'Status',
  status: 'Failure',
  code: 504,
  reason: 'Timeout',
  message: expect.stringMatching(new RegExp(`^Timeout: Too large resource version: ${wanted}, current: \\d+$`)),
  details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 },
});

describe('two servers on one store, one of which lags', () => {
  const store = new MemoryStore();
  const slow = new HeldStore(store);
  let a: Side;
  let b: Side;
  beforeAll(async () => {
    a = await side(store);
    b = await side(store, slow);
  });
  afterAll(async () => {
    await stop(a);
    await stop(b);
  });

  test.each(transports)(
    '%s: a watch from a version ahead of its server gets nothing older, then everything later once',
    async (transport) => {
      await a.user.call('POST', path, { body: configMap(`old-${transport}`) });
      await until(async () =>
        (await b.user.call('GET', `${path}?resourceVersion=0`)).body.items.some(
          (item: KubeObject) => item.metadata?.name === `old-${transport}`,
        ),
      );
      slow.hold();
      for (const name of ['one', 'two']) await a.user.call('POST', path, { body: configMap(`${name}-${transport}`) });
      const { resourceVersion } = (await a.user.call('GET', path)).body.metadata;
      const watch = watching(b.clients[transport], configMaps, {
        namespace: 'default',
        resourceVersion,
        allowWatchBookmarks: true,
        timeoutSeconds: 3,
      });
      const made = await a.user.call('POST', path, { body: configMap(`three-${transport}`) });
      slow.release();
      await until(() => watch.events.length > 0 || watch.ended());
      await until(() => watch.ended());
      expect(watch.error()).toBeUndefined();
      const version = Number(made.body.metadata.resourceVersion);
      expect(watch.events[0]).toBe(`ADDED three-${transport} ${version}`);
      for (const event of watch.events) expect(Number(event.split(' ')[2])).toBeGreaterThanOrEqual(version);
    },
  );

  test.each(transports)('%s: a version that the store has not come to is too large, for every verb', async (transport) => {
    const future = store.revision + 100_000;
    const client = a.clients[transport];
    const key = { namespace: 'default', name: `old-${transport}` };
    const failed = (call: Promise<unknown>) =>
      call.then(
        () => undefined,
        (error: ApiError) => error.status,
      );
    const version = { resourceVersion: String(future) };
    const [get, list, exact, limited, ...watches] = await Promise.all([
      failed(client.get(configMaps, key, version)),
      failed(client.list(configMaps, version)),
      failed(client.list(configMaps, { ...version, resourceVersionMatch: 'Exact' })),
      failed(client.list(configMaps, { ...version, limit: 5 })),
      ...[{}, { sendInitialEvents: true, allowWatchBookmarks: true }].map(async (more) => {
        const watch = watching(client, configMaps, { ...version, ...more });
        await until(() => watch.ended());
        return (watch.error() as ApiError | undefined)?.status;
      }),
    ]);
    for (const status of [get, list, exact, limited, ...watches]) expect(status).toMatchObject(tooLarge(future));
  });
});

describe('values that cannot be decoded', () => {
  test.each(transports)('%s: lists of their namespace name the key, everything else goes on', async (transport) => {
    const store = new MemoryStore();
    const one = await side(store);
    const client = one.clients[transport];
    // The cache starts with the first who asks it.
    await client.list(configMaps, { resourceVersion: '0' });
    const kept = await client.create(configMaps, configMap('kept'));
    const watch = watching(client, configMaps, { resourceVersion: kept.metadata?.resourceVersion });
    await raw(store, 'bad', '{"kind": garbage');
    await raw(store, 'kept', 'null');
    const answers = await Promise.all(
      [`${path}/bad`, path, '/api/v1/configmaps', `${path}?limit=1`, `${path}?resourceVersion=0`].map((url) =>
        one.user.call('GET', url),
      ),
    );
    for (const { code, body } of answers) {
      expect(code).toBe(500);
      expect(body).toMatchObject({ kind: 'Status', status: 'Failure', code: 500 });
      expect(body.message).toMatch(/"\/registry\/configmaps\/default\/(bad|kept)"/);
    }
    expect((await one.user.call('GET', '/api/v1/namespaces/kube-system/configmaps')).code).toBe(200);
    await client.create(configMaps, configMap('later'));
    await raw(store, 'kept', JSON.stringify(configMap('kept', 'mended')));
    await until(() => watch.events.length >= 2);
    expect(watch.events.map((event) => event.split(' ').slice(0, 2).join(' '))).toEqual(['ADDED later', 'MODIFIED kept']);
    watch.stop();
    await stop(one);
  });
});

describe('a store that is restored', () => {
  test.each(transports)('%s: informers come to its state, whatever happened in between; watches end', async (transport) => {
    const store = new MemoryStore();
    const one = await side(store);
    const client = one.clients[transport];
    await client.create(configMaps, configMap('changed', 'before'));
    await client.create(configMaps, configMap('removed'));
    const informer = new Informer(configMaps, { ...ports, client }, { namespace: 'default' });
    const abort = new AbortController();
    const run = informer.run(abort.signal);
    await informer.synced();
    const state = () => [...informer.list()].map(({ metadata, data }) => `${metadata?.name} ${data?.value}`).sort();
    const restored = state();
    const backup = store.revision;
    const version = String(backup);

    await client.delete(configMaps, { namespace: 'default', name: 'removed' });
    await client.create(configMaps, configMap('lost'));
    await raw(store, 'changed', JSON.stringify(configMap('changed', 'lost')));
    await until(() => state().join() === 'changed lost,lost ');
    const lost = store.revision;
    const watch = watching(client, configMaps, { resourceVersion: String(lost) });
    const stock = one.user.call('GET', `/api/v1/configmaps?watch=1&resourceVersion=${lost}`);
    store.restore(backup);
    await until(() => state().join() === restored.join());
    await until(() => watch.ended());
    expect((watch.error() as ApiError).reason).toBe('Expired');
    expect((await stock).code).toBe(200);
    expect(store.revision).toBeGreaterThan(lost);

    // Who comes late with a version of the lost history, or from before it, is sent to the list.
    for (const old of [lost, lost - 1, backup]) {
      const late = watching(client, configMaps, { resourceVersion: String(old) });
      await until(() => late.ended());
      expect((late.error() as ApiError).reason).toBe('Expired');
    }
    const list = await client.list(configMaps, { resourceVersion: version });
    expect(Number(list.metadata.resourceVersion)).toBeGreaterThan(lost);
    await client.create(configMaps, configMap('after'));
    await until(() => state().includes('after '));
    abort.abort();
    await run;
    await stop(one);
  });
});

describe('watch lists', () => {
  test.each(transports)(
    '%s: 20,000 objects come before the bookmark, to a client that reads slowly',
    async (transport) => {
      const store = new MemoryStore();
      const one = await side(store);
      const count = 20_000;
      const text = 'x'.repeat(500);
      for (let i = 0; i < count; i++) await raw(store, `c${i}`, JSON.stringify(configMap(`c${i}`, text)));
      const names = new Set<string>();
      let live = 0;
      for await (const { type, object } of one.clients[transport].watch(configMaps, {
        namespace: 'default',
        sendInitialEvents: true,
        allowWatchBookmarks: true,
        timeoutSeconds: 60,
      })) {
        if (type === 'BOOKMARK' && object.metadata?.annotations?.['k8s.io/initial-events-end'] === 'true') break;
        names.add(object.metadata?.name ?? '');
        if (names.size % 500 === 0) {
          await raw(store, `live${live++}`, JSON.stringify(configMap(`live${live}`)));
          await ports.clock.sleep(1);
        }
      }
      expect([...names].filter((name) => name.startsWith('c')).length).toBe(count);
      await stop(one);
    },
    60_000,
  );
});
