// What every implementation of the ApiClient port must do, whatever is behind it.

import type { ConfigMap, Deployment } from '@drydock/api/generated/types.ts';
import { configMaps, deployments, namespaces } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import type { WatchEvent } from '../api-client.ts';
import { podCases, reasonOf, type SuiteSubject, watchCases, writeCases } from './client-suite-cases.ts';

/** Runs the suite against clients that `open` makes. */
export function clientSuite(name: string, open: () => Promise<SuiteSubject>): void {
  const fresh = async (prefix: string, data: Record<string, string> = {}) => {
    const { client, namespace } = await open();
    const object = await client.create<ConfigMap>(configMaps, {
      metadata: { namespace, generateName: prefix, labels: { suite: prefix.slice(0, -1) } },
      data,
    });
    return { client, namespace, object, key: { namespace, name: object.metadata?.name ?? '' } };
  };

  test(`${name}: create fills in what the server owns`, async () => {
    const { client, object, key } = await fresh('create-', { a: '1' });
    expect(object).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } });
    expect(key.name).toMatch(/^create-[a-z0-9]{5}$/);
    expect(object.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(await client.get(configMaps, key)).toEqual(object);
    expect(await reasonOf(client.create(configMaps, { metadata: key }))).toBe('409 AlreadyExists');
  });

  test(`${name}: what is not there is NotFound for every verb`, async () => {
    const { client, namespace } = await open();
    const key = { namespace, name: 'absent' };
    expect(await reasonOf(client.get(configMaps, key))).toBe('404 NotFound');
    expect(await reasonOf(client.delete(configMaps, key))).toBe('404 NotFound');
    expect(await reasonOf(client.patch(configMaps, key, { type: 'merge', body: { data: {} } }))).toBe('404 NotFound');
  });

  test(`${name}: an update with an old version is a Conflict and changes nothing`, async () => {
    const { client, object, key } = await fresh('update-', { a: '1' });
    const second = await client.update(configMaps, { ...object, data: { a: '2' } });
    expect(second.metadata?.resourceVersion).not.toBe(object.metadata?.resourceVersion);
    expect(await reasonOf(client.update(configMaps, { ...object, data: { a: '3' } }))).toBe('409 Conflict');
    expect((await client.get(configMaps, key)).data).toEqual({ a: '2' });
  });

  test(`${name}: the three kinds of patch`, async () => {
    const { client, key } = await fresh('patch-', { a: '1', b: '2' });
    await client.patch(configMaps, key, { type: 'merge', body: { data: { a: null, c: '3' } } });
    await client.patch(configMaps, key, { type: 'strategic', body: { metadata: { finalizers: ['drydock.dev/x'] } } });
    await client.patch(configMaps, key, { type: 'json', body: [{ op: 'remove', path: '/metadata/finalizers' }] });
    const { data, metadata } = await client.get(configMaps, key);
    expect([data, metadata?.finalizers]).toEqual([{ b: '2', c: '3' }, undefined]);
  });

  test(`${name}: dry run answers and stores nothing`, async () => {
    const { client, object, key } = await fresh('dry-', { a: '1' });
    const answer = await client.update(configMaps, { ...object, data: { a: '2' } }, { dryRun: true });
    expect(answer.data).toEqual({ a: '2' });
    expect(await client.get(configMaps, key)).toEqual(object);
  });

  test(`${name}: status is written through its subresource only, and does not count generations`, async () => {
    const { client, namespace } = await open();
    const labels = { app: 'x' };
    const made = await client.create<Deployment>(deployments, {
      metadata: { namespace, generateName: 'status-' },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    const key = { namespace, name: made.metadata?.name ?? '' };
    const both = { spec: { minReadySeconds: 3 }, status: { collisionCount: 7 } };
    const spec = await client.patch(deployments, key, { type: 'merge', body: both });
    expect([spec.spec?.minReadySeconds, spec.status?.collisionCount, spec.metadata?.generation]).toEqual([3, undefined, 2]);
    const body = { spec: { minReadySeconds: 9 }, status: { collisionCount: 7 } };
    const status = await client.patch(deployments, key, { type: 'merge', body }, { subresource: 'status' });
    expect([status.spec?.minReadySeconds, status.status?.collisionCount, status.metadata?.generation]).toEqual([3, 7, 2]);
    await client.delete(deployments, key);
  });

  test(`${name}: deletion waits for finalizers, and honours preconditions`, async () => {
    const { client, key, object } = await fresh('delete-');
    expect(await reasonOf(client.delete(configMaps, key, { preconditions: { uid: 'another' } }))).toBe('409 Conflict');
    await client.patch(configMaps, key, { type: 'merge', body: { metadata: { finalizers: ['drydock.dev/x'] } } });
    await client.delete(configMaps, key, { preconditions: { uid: object.metadata?.uid ?? '' } });
    const going = await client.get(configMaps, key);
    expect(going.metadata?.deletionTimestamp).toMatch(/Z$/);
    await client.patch(configMaps, key, { type: 'merge', body: { metadata: { finalizers: null } } });
    expect(await reasonOf(client.get(configMaps, key))).toBe('404 NotFound');
  });

  test(`${name}: lists by selectors and in pages`, async () => {
    const { client, namespace, key } = await fresh('list-');
    for (let index = 0; index < 4; index++)
      await client.create(configMaps, { metadata: { namespace, generateName: 'l-', labels: { suite: 'list' } } });
    const labelSelector = 'suite=list';
    const names: string[] = [];
    let token: string | undefined;
    do {
      const page = await client.list(configMaps, { namespace, labelSelector, limit: 2, continue: token });
      expect(page.items.length).toBeLessThanOrEqual(2);
      for (const item of page.items) names.push(item.metadata?.name ?? '');
      token = page.metadata.continue;
    } while (token);
    expect(new Set(names).size).toBe(5);
    const one = await client.list(configMaps, { namespace, fieldSelector: `metadata.name=${key.name}` });
    expect(one.items.map((item) => [item.kind, item.metadata?.name])).toEqual([['ConfigMap', key.name]]);
    await client.deleteCollection(configMaps, { namespace, labelSelector });
    expect((await client.list(configMaps, { namespace, labelSelector })).items).toEqual([]);
  });

  test(`${name}: a watch shows every change after its version, in order, and ends with its signal`, async () => {
    const { client, namespace } = await open();
    const { metadata } = await client.list(configMaps, { namespace });
    const stop = new AbortController();
    const seen: string[] = [];
    const name = 'watched';
    const follow = (async () => {
      const options = {
        namespace,
        fieldSelector: `metadata.name=${name}`,
        resourceVersion: metadata.resourceVersion,
        signal: stop.signal,
      };
      for await (const event of client.watch(configMaps, options) as AsyncIterable<WatchEvent<ConfigMap>>) {
        seen.push(`${event.type} ${event.object.data?.n ?? ''}`);
        if (event.type === 'DELETED') stop.abort();
      }
    })();
    const made = await client.create<ConfigMap>(configMaps, { metadata: { namespace, name }, data: { n: '1' } });
    await client.update(configMaps, { ...made, data: { n: '2' } });
    await client.delete(configMaps, { namespace, name });
    await follow;
    expect(seen).toEqual(['ADDED 1', 'MODIFIED 2', 'DELETED 2']);
  });

  test(`${name}: a watch without a version starts with what is there`, async () => {
    const { client, namespace, key } = await fresh('initial-');
    const stop = new AbortController();
    const options = { namespace, fieldSelector: `metadata.name=${key.name}`, signal: stop.signal };
    for await (const event of client.watch(configMaps, options)) {
      expect([event.type, event.object.metadata?.name]).toEqual(['ADDED', key.name]);
      stop.abort();
    }
  });

  test(`${name}: an aborted call rejects with the signal's reason`, async () => {
    const { client } = await open();
    const reason = new Error('enough');
    await expect(client.list(namespaces, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test(`${name}: a closed client says that it is unavailable`, async () => {
    const { client } = await open();
    client.close();
    expect(await reasonOf(client.list(namespaces))).toBe('503 ServiceUnavailable');
  });

  writeCases(name, open);
  podCases(name, open);
  watchCases(name, open);
}
