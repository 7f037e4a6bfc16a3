import { decodeConfigChange } from 'raft-ts/config-codec.ts';
import { applyConfigChange } from 'raft-ts/membership.ts';
import type { ConfState } from 'raft-ts/types.ts';
import { expect, test } from 'vitest';
import { leaveAlone } from './force-new-cluster.ts';
import { TestCluster } from './testing/cluster.ts';

const plain: ConfState = { voters: [1n, 2n, 3n], learners: [4n], votersOutgoing: [], learnersNext: [], autoLeave: false };

test.each([
  { what: 'a voter', conf: plain, id: 2n },
  { what: 'a learner', conf: plain, id: 4n },
  {
    what: 'in a joint configuration',
    conf: { ...plain, votersOutgoing: [1n, 5n], learnersNext: [6n], autoLeave: true },
    id: 1n,
  },
  { what: 'already alone', conf: { ...plain, voters: [1n], learners: [] }, id: 1n },
])('$what: it alone is left, by entries behind the commit index', ({ conf, id }) => {
  const { appended, hardState } = leaveAlone(id, conf, { term: 7, vote: 3n, commit: 100 });
  const end = appended.reduce((before, { data }) => applyConfigChange(before, decodeConfigChange(data)), conf);
  expect(end).toEqual({ voters: [id], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false });
  expect(appended.map(({ index, term }) => [index, term])).toEqual(appended.map((_, i) => [101 + i, 7]));
  expect(hardState).toEqual({ term: 7, vote: 3n, commit: 100 + appended.length });
});

test('a member whose majority is lost goes on alone, also after the next start', async () => {
  const cluster = await TestCluster.create(3);
  const leader = await cluster.leader();
  leader.replica.propose(Buffer.from('kept'));
  await cluster.until(() => cluster.members.every(({ machine }) => machine.values.length === 1));
  for (const member of cluster.members) await cluster.crash(member);
  await cluster.restart(leader, { forceNewCluster: true });
  await cluster.until(() => leader.replica.status().role === 'leader');
  leader.replica.propose(Buffer.from('alone'));
  await cluster.until(() => leader.machine.values.at(-1) === 'alone');
  await cluster.crash(leader);
  await cluster.restart(leader);
  await cluster.until(() => leader.replica.status().role === 'leader');
  expect(leader.replica.status().conf.voters).toEqual([leader.id]);
  expect(leader.machine.values).toEqual(['kept', 'alone']);
  await cluster.stop();
});
