import type { Pod, PodStatus } from '@drydock/api/generated/types.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { StatusWriter, statusPatch } from './status-writer.ts';

const ready = (verdict: string): PodStatus => ({ phase: 'Running', conditions: [{ type: 'Ready', status: verdict }] });
const pod = (resourceVersion: string, status: PodStatus = {}): Pod => ({
  metadata: { name: 'p', namespace: 'd', uid: 'u', resourceVersion },
  status,
});

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
    statuses: new StatusWriter(client as unknown as ApiClient, new VirtualClock(), log as never),
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

test('addresses are replaced where there are some, and given where there are none', () => {
  const said: PodStatus = { hostIPs: [{ ip: '1.1.1.1' }], podIPs: [{ ip: '10.0.0.1' }] };
  const bodyOf = (before: PodStatus) => (statusPatch(pod('1', before), said) as { status: object }).status;
  expect(bodyOf({})).toMatchObject(said);
  expect(bodyOf({ hostIPs: [], podIPs: [{ ip: '10.0.0.9' }] })).toMatchObject({
    hostIPs: said.hostIPs,
    podIPs: [{ ip: '10.0.0.1' }, { $patch: 'replace' }],
  });
});

test('what was written last is what the next write replaces, though it has not been seen yet', async () => {
  const bodies: PodStatus[] = [];
  const client = {
    patch: async (_resource: unknown, _key: unknown, { body }: { body: { status: PodStatus } }) => {
      bodies.push(body.status);
      return pod('2', { podIPs: [{ ip: '10.0.0.1' }] });
    },
  };
  const statuses = new StatusWriter(client as unknown as ApiClient, new VirtualClock(), { warn: () => {} } as never);
  for (const ip of ['10.0.0.1', '10.0.0.2']) {
    statuses.set(pod('1'), { phase: 'Running', podIPs: [{ ip }] });
    await statuses.flushed('u');
  }
  expect(bodies.map(({ podIPs }) => podIPs)).toEqual([[{ ip: '10.0.0.1' }], [{ ip: '10.0.0.2' }, { $patch: 'replace' }]]);
});
