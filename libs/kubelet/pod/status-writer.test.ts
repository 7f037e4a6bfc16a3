import type { Pod, PodStatus } from '@drydock/api/generated/types.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { StatusWriter, statusPatch } from './status-writer.ts';

const ready = (verdict: string): PodStatus => ({ phase: 'Running', conditions: [{ type: 'Ready', status: verdict }] });
const pod = (resourceVersion: string, status: PodStatus = {}): Pod => ({
  metadata: { name: 'p', namespace: 'd', uid: 'u', resourceVersion },
  status,
});

const random = new SeededRandom('statuses').stream('statuses');

/** An apiserver that takes every status, and counts. */
function writer(): { statuses: StatusWriter; writes: () => number } {
  let writes = 0;
  const client = {
    patch: async (_resource: unknown, _key: unknown, { body }: { body: { status: PodStatus } }) => {
      writes++;
      return pod(String(10 * writes), { ...body.status });
    },
  };
  const log = { warn: () => {} };
  return {
    statuses: new StatusWriter(client as unknown as ApiClient, new VirtualClock(), log as never, random),
    writes: () => writes,
  };
}

test('an equal status is written once', async () => {
  const { statuses, writes } = writer();
  for (let count = 0; count < 3; count++) {
    statuses.set(pod('1'), ready('True'));
    await statuses.flushed('u');
  }
  expect(writes()).toBe(1);
});

test('what others change of it is noticed, and written over; echoes and old news are not', async () => {
  const { statuses, writes } = writer();
  statuses.set(pod('1'), ready('True'));
  await statuses.flushed('u');
  expect(statuses.seen(pod('9', ready('False')))).toBe(false);
  expect(statuses.seen(pod('10', ready('True')))).toBe(false);
  expect(statuses.seen(pod('11', ready('True')))).toBe(false);
  expect(statuses.seen(pod('12', ready('False')))).toBe(true);
  statuses.set(pod('12', ready('False')), ready('True'));
  await statuses.flushed('u');
  expect(writes()).toBe(2);
});

test('a patch removes what is no longer said', () => {
  const before = pod('1', { podIP: '10.0.0.1', reason: 'Evicted' });
  expect(statusPatch(before, { phase: 'Running', conditions: [] })).toEqual({
    metadata: { uid: 'u' },
    status: { phase: 'Running', conditions: [], podIP: null, reason: null },
  });
});
