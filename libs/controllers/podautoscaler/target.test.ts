// What may be scaled out of a namespace.
import { apiError } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { expect, test } from 'vitest';
import { readScale } from './target.ts';

const listed = [
  { name: 'fleets', kind: 'Fleet', namespaced: false },
  { name: 'ships', kind: 'Ship', namespaced: true },
];
const served: Readonly<Record<string, unknown>> = {
  '/apis/example.com': { preferredVersion: { version: 'v1' } },
  '/apis/example.com/v1': { resources: listed },
};

/** A server with a kind of each scope, and what it was asked for. */
function server() {
  const asked: string[] = [];
  const client: Pick<ApiClient, 'get' | 'getRaw'> = {
    async getRaw<T>(path: string) {
      asked.push(path);
      if (served[path] === undefined) throw apiError('NotFound', path);
      return served[path] as T;
    },
    async get<T>({ resource }: { resource: string }, key: object, options: object = {}) {
      asked.push(`${resource} ${JSON.stringify({ ...key, ...options })}`);
      return { spec: { replicas: 2 } } as T;
    },
  };
  return { asked, client: client as ApiClient };
}

const apiVersion = 'example.com/v1';

test('an object of the namespace can be scaled', async () => {
  const { client, asked } = server();
  const { scale } = await readScale(client, 'a', { apiVersion, kind: 'Ship', name: 'one' });
  expect([scale.spec?.replicas, asked.at(-1)]).toEqual([2, 'ships {"namespace":"a","name":"one","subresource":"scale"}']);
});

test('an object of the whole cluster cannot, and is not asked for', async () => {
  const { client, asked } = server();
  const read = readScale(client, 'a', { apiVersion, kind: 'Fleet', name: 'all' });
  await expect(read).rejects.toThrow('the server could not find the requested resource');
  expect(asked).toEqual(Object.keys(served));
});

test('a group is one segment of the path, whatever it is called', async () => {
  const { client, asked } = server();
  await expect(readScale(client, 'a', { apiVersion: 'x?y%2fz/v1', kind: 'Ship', name: 'one' })).rejects.toThrow(
    'no matches for kind',
  );
  expect(asked).toEqual(['/apis/x%3Fy%252fz']);
});
