import type { ConfigMap } from '@drydock/api/generated/types.ts';
import { configMaps, type KubeObject, type Resource, serviceAccounts } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { type Call, ClientLayer, type Run } from '@drydock/client/client-layer.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { MemoryStore } from '@drydock/client/testing/memory-store.ts';
import { type Fate, NetworkClient } from '@drydock/client/testing/network-client.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { ServiceAccountClient } from './identity.ts';

const minutes = 60_000;

/** Answers token requests, as an apiserver does for accounts that exist. */
class TokenServer extends ClientLayer {
  issued = 0;
  refuse: unknown;
  readonly #inner: ApiClient;

  constructor(inner: ApiClient) {
    super();
    this.#inner = inner;
  }

  protected async around<R>(call: Call, run: Run<R>): Promise<R> {
    if (call.subresource !== 'token') return run(this.#inner);
    if (this.refuse !== undefined) throw this.refuse;
    await this.#inner.get(serviceAccounts, { namespace: 'kube-system', name: call.name });
    return { status: { token: `token-${++this.issued}`, expirationTimestamp: '' } } as R;
  }

  watch<T extends KubeObject>(resource: Resource<T>) {
    return this.#inner.watch(resource);
  }

  close(): void {}
}

function account() {
  const clock = new VirtualClock();
  const store = new MemoryStore();
  const server = () => new MemoryApi({ clock, random: new SeededRandom(1) }, store);
  const base = new TokenServer(server());
  const connections = new Map<string, { network: NetworkClient; closed: boolean }>();
  const fates = new Map<string, () => Fate>();
  const client = new ServiceAccountClient('tester', {
    base,
    clock,
    connect: async (token) => {
      const inner = server();
      const network = new NetworkClient(inner, clock);
      const connection = { network, closed: false };
      network.fate = () => fates.get(token)?.() ?? {};
      network.close = () => {
        connection.closed = true;
        inner.close();
      };
      connections.set(token, connection);
      return network;
    },
  });
  const make = (name: string) => client.create<ConfigMap>(configMaps, { metadata: { namespace: 'a', name } });
  const open = () => [...connections].filter(([, { closed }]) => !closed).map(([token]) => token);
  return { clock, store, base, client, connections, fates, make, open };
}

test('the account is made when it is missing, and one token serves all calls', async () => {
  const { store, base, make, open } = account();
  await Promise.all([make('x'), make('y')]);
  await make('z');
  expect([store.list('serviceaccounts').length, base.issued, open()]).toEqual([1, 1, ['token-1']]);
});

test('a new token leaves calls and watches that are under way alone; the old connection closes when they have ended', async () => {
  const { clock, client, fates, make, open } = account();
  await make('first');
  const stop = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { object } of client.watch(configMaps, { signal: stop.signal })) seen.push(object.metadata?.name ?? '');
  })();
  await clock.advanceAsync(48 * minutes - 5_000);
  fates.set('token-1', () => ({ answerMs: 30_000 }));
  const slow = make('slow');
  await clock.advanceAsync(6_000);
  fates.delete('token-1');
  // Its first call past the time fetches the new token; the next one uses it.
  await make('next');
  await clock.advanceAsync(0);
  await make('last');
  expect(open()).toEqual(['token-1', 'token-2']);
  await clock.advanceAsync(30_000);
  expect((await slow).metadata?.name).toBe('slow');
  expect(seen).toEqual(['first', 'slow', 'next', 'last']);
  stop.abort();
  await watching;
  await clock.advanceAsync(0);
  expect(open()).toEqual(['token-2']);
});

test('where a new token cannot be had, the old one serves for as long as it is valid', async () => {
  const { clock, base, make, open } = account();
  await make('a');
  base.refuse = apiError('ServiceUnavailable', 'no store');
  await clock.advanceAsync(50 * minutes);
  await make('b');
  await clock.advanceAsync(9 * minutes);
  await make('c');
  await clock.advanceAsync(2 * minutes);
  await expect(make('d')).rejects.toThrow('no store');
  base.refuse = undefined;
  await make('e');
  expect([base.issued, open()]).toEqual([2, ['token-2']]);
});

test('a token that is refused is replaced once, for all calls that met the refusal', async () => {
  const { base, fates, make, open } = account();
  await make('a');
  fates.set('token-1', () => ({ error: apiError('Unauthorized', 'Unauthorized') }));
  await Promise.all(['b', 'c', 'd'].map(make));
  expect([base.issued, open()]).toEqual([2, ['token-2']]);
  fates.set('token-2', () => ({ error: apiError('Unauthorized', 'Unauthorized') }));
  fates.set('token-3', () => ({ error: apiError('Unauthorized', 'Unauthorized') }));
  await expect(make('e')).rejects.toMatchObject({ reason: 'Unauthorized' });
});

test('a client that was closed keeps no connection, also one that was still being opened', async () => {
  const { client, make, open } = account();
  const under = make('x').catch((error: Error) => error.message);
  client.close();
  await under;
  expect(open()).toEqual([]);
  await expect(make('y')).rejects.toMatchObject({ reason: 'ServiceUnavailable' });
});
