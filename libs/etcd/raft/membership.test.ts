// Changes of membership through the driver: on disks whose power fails, with the log that is read again, and by snapshot.
import { SeededRandom } from '@drydock/foundation/random.ts';
import type { ConfigChangeType, ConfState } from 'raft-ts/types.ts';
import { expect, test } from 'vitest';
import { TestCluster, type TestReplica } from './testing/cluster.ts';
import { refusedContext } from './testing/list-machine.ts';

const confOf = (member: TestReplica): ConfState => member.replica.status().conf;

/** A leader that all voters of its configuration follow: members that were removed follow nobody. */
function leaderOfVoters(cluster: TestCluster): TestReplica | undefined {
  return cluster.members.find((member) => {
    const { role, term, conf } = member.replica.status();
    const voters = cluster.members.filter(({ id }) => conf.voters.includes(id));
    const followed = voters.every(({ replica }) => replica.leader() === member.id && replica.term() === term);
    return role === 'leader' && followed;
  });
}

function change(leader: TestReplica, type: ConfigChangeType, id: bigint, context = `${type} ${id}`): string {
  return leader.replica.proposeConfigChange({ steps: [{ type, id }], context: Buffer.from(context) });
}

test.each([{ flushEvery: 1 }, { flushEvery: 1000 }])(
  'a change that the state machine refuses never counts, also when the log is read again (state durable every $flushEvery)',
  async ({ flushEvery }) => {
    const cluster = await TestCluster.create(3, { flushEvery });
    const leader = await cluster.leader();
    expect(change(leader, 'addVoter', 9n, refusedContext)).toBe('accepted');
    await cluster.until(() => cluster.members.every(({ machine }) => machine.memberContexts.at(-1) === refusedContext));
    expect(change(leader, 'addLearner', 8n)).toBe('accepted');
    const settled = () => cluster.members.every((member) => confOf(member).learners.includes(8n));
    await cluster.until(settled);
    for (const member of cluster.members) await cluster.crash(member, true);
    for (const member of cluster.members) await cluster.restart(member);
    await cluster.leader();
    await cluster.until(settled);
    for (const member of cluster.members) expect(confOf(member)).toMatchObject({ voters: [1n, 2n, 3n], learners: [8n] });
    await cluster.stop();
  },
);

test('members are replaced one after the other, until none of the first ones is left', async () => {
  const cluster = await TestCluster.create(3, { tuning: { snapshotCount: 20, catchUpEntries: 5 } });
  for (let round = 1; round <= 3; round++) {
    const old = BigInt(round);
    const added = BigInt(round + 3);
    let leader = await cluster.leader();
    for (let i = 0; i < 30; i++) leader.replica.propose(Buffer.from(`${round}/${i}`));
    await cluster.until(() => leader.machine.values.length === 30 * round);
    change(leader, 'addLearner', added);
    const newcomer = await cluster.add(added);
    await cluster.until(() => newcomer.machine.values.length === 30 * round);
    change(leader, 'addVoter', added);
    await cluster.until(() => confOf(newcomer).voters.includes(added));
    change(leader, 'remove', old);
    await cluster.until(() => confOf(newcomer).voters.every((id) => id !== old));
    const gone = cluster.members.find(({ id }) => id === old);
    if (gone !== undefined) await cluster.crash(gone);
    leader = await cluster.leader();
    expect(leader.id).not.toBe(old);
  }
  const leader = await cluster.leader();
  expect(confOf(leader)).toMatchObject({ voters: [4n, 5n, 6n], learners: [] });
  expect(leader.machine.values).toHaveLength(90);
  await cluster.stop();
});

test('random changes under crashes and cuts: all end with the same members and values', async () => {
  let changes = 0;
  for (let seed = 1; seed <= 10; seed++) {
    const random = new SeededRandom(seed).stream('membership');
    const cluster = await TestCluster.create(3, { seed, flushEvery: 6, tuning: { snapshotCount: 30, catchUpEntries: 8 } });
    // Three more that the log may speak of; who is not a member does nothing.
    for (const id of [4n, 5n, 6n]) await cluster.add(id);
    for (let round = 0; round < 120; round++) {
      const member = cluster.members[random.int(6)];
      if (member === undefined) continue;
      const dice = random.int(12);
      const target = BigInt(1 + random.int(6));
      if (dice === 0) cluster.network.isolate(member.id);
      else if (dice <= 2) cluster.network.heal();
      else if (dice === 3 && member.alive) await cluster.crash(member, true);
      else if (dice <= 6 && !member.alive) await cluster.restart(member);
      else if (dice <= 9 && member.alive) {
        const type = (['addVoter', 'addLearner', 'remove'] as const)[random.int(3)] ?? 'addVoter';
        const context = random.int(4) === 0 ? refusedContext : 'taken';
        // Never fewer than two voters, so that there is always somebody to go on with.
        const { voters } = confOf(member);
        if (type === 'addVoter' || !voters.includes(target) || voters.length > 2) change(member, type, target, context);
      } else if (member.alive)
        for (let i = random.int(5); i > 0; i--) member.replica.propose(Buffer.from(`p${seed}-${round}-${i}`));
      await cluster.clock.advanceAsync(random.int(500));
      expect(cluster.members.map(({ failure }) => failure)).toEqual(cluster.members.map(() => undefined));
    }
    cluster.network.heal();
    for (const member of cluster.members) if (!member.alive) await cluster.restart(member);
    await cluster.until(() => leaderOfVoters(cluster) !== undefined, `seed ${seed}: a leader`);
    const leader = leaderOfVoters(cluster);
    if (leader === undefined) continue;
    leader.replica.propose(Buffer.from('last'));
    const { voters, learners } = confOf(leader);
    const current = cluster.members.filter(({ id }) => voters.includes(id) || learners.includes(id));
    await cluster.until(() => current.every(({ machine }) => machine.values.at(-1) === 'last'), `seed ${seed}: agreement`);
    for (const member of current) {
      expect(confOf(member)).toEqual(confOf(leader));
      expect(member.machine.values).toEqual(leader.machine.values);
    }
    changes += leader.machine.memberContexts.length;
    await cluster.stop();
  }
  expect(changes).toBeGreaterThan(10 * 10);
});
