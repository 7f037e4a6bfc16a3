// Whole members on a disk in memory and a network in memory, on virtual time.
import { silentLog } from '@drydock/foundation/log.ts';
import { expect, test } from 'vitest';
import { TestCluster } from './testing/cluster.ts';

void silentLog;

test('three members elect a leader, replicate, and answer reads on all of them', async () => {
  const cluster = await TestCluster.create(3);
  const leader = await cluster.leader();
  for (const text of ['a', 'b', 'c']) expect(leader.replica.propose(Buffer.from(text))).toBe('accepted');
  await cluster.until(() => cluster.members.every((member) => member.machine.values.length === 3));
  for (const member of cluster.members) {
    expect(member.machine.values).toEqual(['a', 'b', 'c']);
    expect(await cluster.settle(member.replica.readIndex())).toBe(member.machine.appliedIndex());
  }
  await cluster.stop();
});
