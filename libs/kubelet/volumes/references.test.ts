// What a pod refers to, as its kubelet knows it: what the API server has not said yet is not missing.
import type { Pod } from '@drydock/api/generated/types.ts';
import { configMaps } from '@drydock/api/resource.ts';
import { unavailable } from '@drydock/client/errors.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, onTestFinished, test } from 'vitest';
import { ReferenceCache } from './references.ts';

const namespace = 'default';
const podWith = (volume: object): Pod => ({
  metadata: { name: 'web', namespace, uid: 'p1' },
  spec: { containers: [], volumes: [{ name: 'v', ...volume }] },
});

function world() {
  const clock = new VirtualClock();
  const random = new SeededRandom('references');
  const client = new MemoryApi({ clock, random });
  const references = new ReferenceCache({ client, clock, random, log: silentLog }, () => {});
  onTestFinished(() => references.stop());
  return { clock, client, references };
}

test.each([
  ['configmap', { configMap: { name: 'm', optional: true } }],
  ['secret', { secret: { secretName: 'm', optional: true } }],
  ['configmap', { projected: { sources: [{ configMap: { name: 'm', optional: true } }] } }],
])('an optional %s is not missing while the API server does not answer', async (kind, volume) => {
  const { clock, client, references } = world();
  client.injectFault(() => {
    throw unavailable('down');
  });
  const followed = references.follow(podWith(volume)).then(
    () => 'known',
    (error: Error) => error.message,
  );
  await clock.advance(6_000);
  expect(await followed).toBe(`failed to sync ${kind} cache: timed out waiting for the condition`);
  client.injectFault(() => {});
  await clock.advance(60_000);
  await references.follow(podWith(volume));
});

test('what is there is known, and what is not is known to be missing', async () => {
  const { client, references } = world();
  await client.create(configMaps, { metadata: { namespace, name: 'm' }, data: { a: '1' } });
  await references.follow(podWith({ configMap: { name: 'm' } }));
  expect(references.configMap(namespace, 'm')?.data).toEqual({ a: '1' });
  await references.follow(podWith({ configMap: { name: 'other' } }));
  expect(references.configMap(namespace, 'other')).toBeUndefined();
});
