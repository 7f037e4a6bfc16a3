// The finer points of the ApiClient suite: preconditions, pods, watches. All hold on the original.
import type { ConfigMap, Pod } from '@drydock/api/generated/types.ts';
import { configMaps, type KubeObject, pods, serviceAccounts } from '@drydock/api/resource.ts';
import { ApiError } from '@drydock/api/status.ts';
import { expect, test } from 'vitest';
import type { ApiClient, WatchEvent } from '../api-client.ts';

/** What the suite runs on. */
export interface SuiteSubject {
  readonly client: ApiClient;
  /** Exists, and is the suite's own. */
  readonly namespace: string;
  /** Lets `ms` pass, where time is not real. */
  pass?(ms: number): Promise<void>;
  /** Forgets the history so far, where a server keeps that from its first version on. */
  compact?(): void;
}

/** Code and reason of the call's failure. */
export async function reasonOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'no error',
    (error: unknown) => (error instanceof ApiError ? `${error.code} ${error.reason}` : String(error)),
  );
}

export function writeCases(name: string, open: () => Promise<SuiteSubject>): void {
  const fresh = async (metadata: ConfigMap['metadata'] = {}) => {
    const subject = await open();
    const object = await subject.client.create<ConfigMap>(configMaps, {
      metadata: { namespace: subject.namespace, generateName: 'w-', ...metadata },
      data: { a: '1' },
    });
    return { ...subject, object, key: { namespace: subject.namespace, name: object.metadata?.name ?? '' } };
  };

  test(`${name}: what a client must not set on creation`, async () => {
    const { client, namespace, object } = await fresh();
    const { resourceVersion } = object.metadata ?? {};
    const versioned = { metadata: { namespace, generateName: 'w-', resourceVersion } };
    expect(await reasonOf(client.create(configMaps, versioned))).toBe('500 ');
    expect(await reasonOf(client.create(configMaps, { metadata: { namespace } }))).toBe('422 Invalid');
    const claimed = { namespace, generateName: 'w-', uid: 'mine', creationTimestamp: '2001-01-01T00:00:00Z', generation: 9 };
    const made = await client.create<ConfigMap>(configMaps, { metadata: claimed });
    expect(made.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(made.metadata?.creationTimestamp).not.toBe('2001-01-01T00:00:00Z');
  });

  test(`${name}: preconditions of updates and patches`, async () => {
    const { client, namespace, object, key } = await fresh();
    expect(await reasonOf(client.update(configMaps, { metadata: { namespace, name: 'absent' } }))).toBe('404 NotFound');
    const { resourceVersion: _, ...unversioned } = object.metadata ?? {};
    const second = await client.update<ConfigMap>(configMaps, { ...object, metadata: unversioned, data: { a: '2' } });
    expect(second.data).toEqual({ a: '2' });
    const other = { ...object, metadata: { ...unversioned, uid: '00000000-0000-4000-8000-000000000000' } };
    expect(await reasonOf(client.update(configMaps, other))).toBe('409 Conflict');
    const stale = { metadata: { resourceVersion: object.metadata?.resourceVersion }, data: { a: '3' } };
    expect(await reasonOf(client.patch(configMaps, key, { type: 'merge', body: stale }))).toBe('409 Conflict');
    expect((await client.get(configMaps, key)).data).toEqual({ a: '2' });
  });

  test(`${name}: a write that changes nothing makes no version`, async () => {
    const { client, object, key } = await fresh();
    const version = object.metadata?.resourceVersion;
    expect((await client.update<ConfigMap>(configMaps, object)).metadata?.resourceVersion).toBe(version);
    const patched = await client.patch(configMaps, key, { type: 'merge', body: { data: { a: '1' } } });
    expect(patched.metadata?.resourceVersion).toBe(version);
  });

  test(`${name}: preconditions of deletions`, async () => {
    const { client, object, key } = await fresh();
    const { uid = '', resourceVersion = '' } = object.metadata ?? {};
    const remove = (preconditions: { uid?: string; resourceVersion?: string }) =>
      reasonOf(client.delete(configMaps, key, { preconditions }));
    const next = await client.patch(configMaps, key, { type: 'merge', body: { data: { a: '2' } } });
    expect(await remove({ resourceVersion })).toBe('409 Conflict');
    expect(await remove({ uid, resourceVersion: next.metadata?.resourceVersion ?? '' })).toBe('no error');
    expect(await remove({})).toBe('404 NotFound');
  });

  test(`${name}: an object that is being deleted takes no new finalizers, and goes with its last one`, async () => {
    const { client, key } = await fresh({ finalizers: ['drydock.dev/a', 'drydock.dev/b'] });
    await client.delete(configMaps, key);
    const finalizers = (list: string[]) =>
      client.patch(configMaps, key, { type: 'merge', body: { metadata: { finalizers: list } } });
    expect(await reasonOf(finalizers(['drydock.dev/a', 'drydock.dev/c']))).toBe('422 Invalid');
    expect((await finalizers(['drydock.dev/b'])).metadata?.finalizers).toEqual(['drydock.dev/b']);
    await finalizers([]);
    expect(await reasonOf(client.get(configMaps, key))).toBe('404 NotFound');
  });

  test.each([
    ['Foreground', ['foregroundDeletion']],
    ['Orphan', ['orphan']],
  ] as const)(
    `${name}: a deletion with propagation %s waits for the garbage collector`,
    async (propagationPolicy, expected) => {
      const { client, key } = await fresh();
      await client.delete(configMaps, key, { propagationPolicy });
      const going = await client.get(configMaps, key).catch(() => undefined);
      // Where a garbage collector runs, it may have been faster.
      if (going !== undefined) expect(going.metadata?.finalizers).toEqual(expected);
      if (going !== undefined) expect(going.metadata?.deletionTimestamp).toMatch(/Z$/);
      await client.patch(configMaps, key, { type: 'merge', body: { metadata: { finalizers: null } } }).catch(() => {});
    },
  );

  test(`${name}: pages show the state of the first of them`, async () => {
    const { client, namespace } = await open();
    const make = (each: string) => client.create(configMaps, { metadata: { namespace, name: each, labels: { pages: 'x' } } });
    for (const each of ['p1', 'p2', 'p3', 'p4']) await make(each);
    const labelSelector = 'pages=x';
    const first = await client.list(configMaps, { namespace, labelSelector, limit: 2 });
    await client.delete(configMaps, { namespace, name: 'p3' });
    await make('p5');
    const second = await client.list(configMaps, { namespace, labelSelector, limit: 9, continue: first.metadata.continue });
    expect([...first.items, ...second.items].map(({ metadata }) => metadata?.name)).toEqual(['p1', 'p2', 'p3', 'p4']);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    expect(await reasonOf(client.list(configMaps, { namespace, resourceVersion: '999999999' }))).toBe('504 Timeout');
  });
}

export function podCases(name: string, open: () => Promise<SuiteSubject>): void {
  const fresh = async (more: object = {}) => {
    const subject = await open();
    const { client, namespace } = subject;
    // Made by a controller, where one runs.
    await client.create(serviceAccounts, { metadata: { namespace, name: 'default' } }).catch(() => {});
    const made = await client.create<Pod>(pods, {
      metadata: { namespace, generateName: 'pod-' },
      spec: { containers: [{ name: 'c', image: 'i' }], terminationGracePeriodSeconds: 7, ...more },
    });
    const key = { namespace, name: made.metadata?.name ?? '' };
    return { ...subject, made, key, live: () => client.get<Pod>(pods, key) };
  };
  const bind = ({ client, key, made }: Awaited<ReturnType<typeof fresh>>, node: string, uid = made.metadata?.uid) =>
    client.create(
      pods,
      {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { ...key, uid },
        target: { apiVersion: 'v1', kind: 'Node', name: node },
      } as KubeObject,
      { subresource: 'binding' },
    );

  test(`${name}: a pod is bound once, and only the one that is meant`, async () => {
    const pod = await fresh();
    expect(await reasonOf(bind(pod, 'n1', '00000000-0000-4000-8000-000000000000'))).toBe('409 Conflict');
    await bind(pod, 'n1');
    expect(await reasonOf(bind(pod, 'n2'))).toBe('409 Conflict');
    const { spec, status } = await pod.live();
    const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
    expect([spec?.nodeName, scheduled?.status]).toEqual(['n1', 'True']);
    await pod.client.delete(pods, pod.key, { gracePeriodSeconds: 0 });
  });

  test(`${name}: a pod without a node goes at once, one with a node after its grace period`, async () => {
    const unbound = await fresh();
    await unbound.client.delete(pods, unbound.key);
    expect(await reasonOf(unbound.live())).toBe('404 NotFound');
    const pod = await fresh();
    await bind(pod, 'n1');
    await pod.client.delete(pods, pod.key);
    const going = await pod.live();
    expect([going.metadata?.deletionGracePeriodSeconds, going.metadata?.deletionTimestamp !== undefined]).toEqual([7, true]);
    // A longer one changes nothing, a shorter one does.
    await pod.client.delete(pods, pod.key, { gracePeriodSeconds: 60 });
    expect((await pod.live()).metadata?.deletionGracePeriodSeconds).toBe(7);
    await pod.client.delete(pods, pod.key, { gracePeriodSeconds: 3 });
    expect((await pod.live()).metadata?.deletionGracePeriodSeconds).toBe(3);
    await pod.client.delete(pods, pod.key, { gracePeriodSeconds: 0 });
    expect(await reasonOf(pod.live())).toBe('404 NotFound');
  });

  test(`${name}: a PUT of a pod's status changes status and metadata, not the spec`, async () => {
    const { client, key, live } = await fresh();
    const before = await live();
    const labels = { changed: 'yes' };
    const status = { ...before.status, message: 'said' };
    const spec = { ...before.spec, containers: [{ name: 'c', image: 'other' }] };
    await client.update<Pod>(
      pods,
      { ...before, metadata: { ...before.metadata, labels, resourceVersion: undefined }, spec, status },
      { subresource: 'status' },
    );
    const after = await live();
    expect([after.status?.message, after.spec?.containers[0]?.image, after.metadata?.labels]).toEqual(['said', 'i', labels]);
    await client.delete(pods, key, { gracePeriodSeconds: 0 });
  });
}

export function watchCases(name: string, open: () => Promise<SuiteSubject>): void {
  /** The events of a watch until `count` of them are there. */
  const collect = async (events: AsyncIterable<WatchEvent<ConfigMap>>, count: number): Promise<string[]> => {
    const seen: string[] = [];
    for await (const { type, object } of events) {
      seen.push(`${type} ${object.metadata?.name}`);
      if (seen.length === count) break;
    }
    return seen;
  };

  test(`${name}: a selector decides what a change is to its watcher`, async () => {
    const { client, namespace } = await open();
    const { metadata } = await client.list(configMaps, { namespace });
    const { resourceVersion } = metadata;
    const key = { namespace, name: 'sel' };
    const label = (tier: string) => client.patch(configMaps, key, { type: 'merge', body: { metadata: { labels: { tier } } } });
    const stop = new AbortController();
    const { signal } = stop;
    const events = collect(
      client.watch<ConfigMap>(configMaps, { namespace, resourceVersion, labelSelector: 'tier=in', signal }),
      5,
    );
    await client.create(configMaps, { metadata: key });
    for (const tier of ['in', 'out', 'in']) await label(tier);
    await client.patch(configMaps, key, { type: 'merge', body: { data: { x: 'y' } } });
    await client.delete(configMaps, key);
    expect(await events).toEqual(['ADDED sel', 'DELETED sel', 'ADDED sel', 'MODIFIED sel', 'DELETED sel']);
    stop.abort();
  });

  test(`${name}: what goes with its last finalizer is one event`, async () => {
    const { client, namespace } = await open();
    const key = { namespace, name: 'fin' };
    const made = await client.create<ConfigMap>(configMaps, { metadata: { ...key, finalizers: ['drydock.dev/x'] } });
    await client.delete(configMaps, key);
    await client.patch(configMaps, key, { type: 'merge', body: { metadata: { finalizers: null } } });
    await client.create(configMaps, { metadata: { namespace, name: 'end' } });
    const stop = new AbortController();
    const { resourceVersion } = made.metadata ?? {};
    const watch = client.watch<ConfigMap>(configMaps, { namespace, resourceVersion, signal: stop.signal });
    expect(await collect(watch, 3)).toEqual(['MODIFIED fin', 'DELETED fin', 'ADDED end']);
    stop.abort();
  });

  test(`${name}: a version that is too old is Expired`, async () => {
    const { client, namespace, compact } = await open();
    await client.create(configMaps, { metadata: { namespace, name: 'old' } });
    compact?.();
    const watch = client.watch<ConfigMap>(configMaps, { namespace, resourceVersion: '1' });
    expect(await reasonOf(collect(watch, 1))).toBe('410 Expired');
  });

  test(`${name}: a watch ends after the time that was asked for, and has bookmarks only where those are allowed`, {
    timeout: 30_000,
  }, async () => {
    const { client, namespace, pass } = await open();
    const made = await client.create<ConfigMap>(configMaps, { metadata: { namespace, name: 'marked', labels: { mark: 'x' } } });
    const { resourceVersion = '' } = made.metadata ?? {};
    await client.create(configMaps, { metadata: { namespace, name: 'after', labels: { mark: 'x' } } });
    const seen: WatchEvent<ConfigMap>[] = [];
    const ended = (async () => {
      const options = { namespace, labelSelector: 'mark=x', resourceVersion, allowWatchBookmarks: true, timeoutSeconds: 3 };
      for await (const event of client.watch<ConfigMap>(configMaps, options)) seen.push(event);
    })();
    await pass?.(4_000);
    await ended;
    const [first, ...rest] = seen;
    expect([first?.type, first?.object.metadata?.name]).toEqual(['ADDED', 'after']);
    for (const { type, object } of rest) {
      expect([type, object.kind]).toEqual(['BOOKMARK', 'ConfigMap']);
      const version = BigInt(object.metadata?.resourceVersion ?? '0');
      expect(version >= BigInt(first?.object.metadata?.resourceVersion ?? '0')).toBe(true);
    }
  });
}
