import type { ConfigChangeType } from 'raft-ts/types.ts';
import { expect, test } from 'vitest';
import { limits } from '../limits.ts';
import type { Backend } from '../mvcc/backend.ts';
import { Members } from './members.ts';
import { applyMembership, refusalOf } from './membership-change.ts';

/** Records only, as far as Members needs them. */
function memoryBackend(): Backend {
  const records = new Map<string, Map<string, Buffer>>();
  const of = (bucket: string) => records.get(bucket) ?? records.set(bucket, new Map()).get(bucket);
  const backend: Pick<Backend, 'setRecord' | 'records'> = {
    setRecord: (bucket, key, value) => {
      if (value === undefined) of(bucket)?.delete(key);
      else of(bucket)?.set(key, Buffer.from(value));
    },
    records: (bucket) => Array.from(of(bucket) ?? [], ([key, value]) => ({ key: Buffer.from(key), value })),
  };
  return backend as Backend;
}

const member = (ID: bigint, url = '', isLearner = false) => ({
  ID,
  name: '',
  peerURLs: url === '' ? [] : [url],
  clientURLs: [],
  isLearner,
});

function clusterOf(backend: Backend): Members {
  const members = new Members(backend);
  members.set({ ...member(1n, 'http://a:1'), name: 'a' });
  members.set(member(2n, 'http://b:1', true));
  members.set(member(3n, 'http://c:1'));
  members.remove(3n);
  return members;
}

const change = (type: ConfigChangeType, id: bigint) => ({ steps: [{ type, id }], context: new Uint8Array(0) });

test.each([
  { what: 'a new voter', type: 'addVoter', as: member(9n, 'http://d:1'), code: undefined },
  { what: 'a URL that is taken', type: 'addLearner', as: member(9n, 'http://a:1'), code: 'peerUrlExists' },
  { what: 'an id that is there', type: 'addVoter', as: member(1n, 'http://d:1'), code: 'memberExists' },
  { what: 'an id that was removed', type: 'addVoter', as: member(3n, 'http://d:1'), code: 'memberNotFound' },
  { what: 'a promotion', type: 'addVoter', as: member(2n), code: undefined },
  { what: 'a promotion of a voter', type: 'addVoter', as: member(1n), code: 'memberNotLearner' },
  { what: 'a promotion of nobody', type: 'addVoter', as: member(9n), code: 'memberNotFound' },
  { what: 'a removal', type: 'remove', as: member(1n), code: undefined },
  { what: 'a second removal', type: 'remove', as: member(3n), code: 'memberNotFound' },
  { what: 'a removal of nobody', type: 'remove', as: member(9n), code: 'memberNotFound' },
  { what: 'its own URL again', type: 'update', as: member(1n, 'http://a:1'), code: undefined },
  { what: "another's URL", type: 'update', as: member(1n, 'http://b:1'), code: 'peerUrlExists' },
  { what: 'an update of nobody', type: 'update', as: member(9n, 'http://d:1'), code: 'memberNotFound' },
] as const)('$what', ({ type, as, code }) => {
  expect(refusalOf(clusterOf(memoryBackend()), change(type, as.ID), { ...as, peerURLs: [...as.peerURLs] })?.code).toBe(code);
});

test('what a promotion, a new address and a removal do, also after a restart', () => {
  const backend = memoryBackend();
  const members = clusterOf(backend);
  const told: string[] = [];
  members.onChange = (id, now) => told.push(`${id} ${now === undefined ? 'removed' : now.peerURLs}`);
  applyMembership(members, change('addVoter', 2n), member(2n));
  applyMembership(members, change('update', 1n), member(1n, 'http://a:2'));
  applyMembership(members, change('remove', 2n), member(2n));
  expect(told).toEqual(['2 http://b:1', '1 http://a:2', '2 removed']);
  const restarted = new Members(backend);
  restarted.restore();
  expect(restarted.list()).toEqual([{ ...member(1n, 'http://a:2'), name: 'a' }]);
  expect(restarted.removed()).toEqual([2n, 3n]);
});

test('changes that were refused are remembered, the oldest are forgotten at the limit', () => {
  const backend = memoryBackend();
  const members = new Members(backend);
  for (let index = 1; index <= limits.refusedChangesKept + 1; index++) members.refuse(index);
  const restarted = new Members(backend);
  restarted.restore();
  for (const known of [members, restarted]) {
    expect([known.refused(1), known.refused(2), known.refused(limits.refusedChangesKept + 1)]).toEqual([false, true, true]);
  }
});
