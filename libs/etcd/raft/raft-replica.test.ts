// Whole members (driver, log, snapshots) on disks in memory whose power fails, a network in memory that is cut, and virtual time.
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { expect, test } from 'vitest';
import { createReplica } from './raft-replica.ts';
import { TestCluster, type TestReplica } from './testing/cluster.ts';

const propose = (member: TestReplica, text: string): void => {
  expect(member.replica.propose(Buffer.from(text))).toBe('accepted');
};
const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `value ${i}`);
const allHave = (cluster: TestCluster, count: number) => (): boolean =>
  cluster.living.every((member) => member.machine.values.length === count);

test('three members elect a leader, replicate, and answer reads on all of them', async () => {
  const cluster = await TestCluster.create(3);
  const leader = await cluster.leader();
  for (const text of ['a', 'b', 'c']) propose(leader, text);
  await cluster.until(allHave(cluster, 3));
  for (const member of cluster.members) {
    expect(member.machine.values).toEqual(['a', 'b', 'c']);
    expect(member.machine.memberContexts).toEqual(['member 1', 'member 2', 'member 3']);
    expect(await cluster.settle(member.replica.readIndex())).toBe(member.machine.appliedIndex());
  }
  await cluster.stop();
});

test('a member alone leads at once, and many proposals share few syncs', async () => {
  const cluster = await TestCluster.create(1);
  const only = await cluster.leader();
  expect(cluster.clock.monotonicMs()).toBeLessThan(200);
  const before = only.disk.syncs;
  for (const text of numbers(500)) propose(only, text);
  await cluster.until(allHave(cluster, 500));
  expect(only.disk.syncs - before).toBeLessThan(5);
  await cluster.stop();
});

test('a proposal on a follower reaches the leader', async () => {
  const cluster = await TestCluster.create(3);
  const leader = await cluster.leader();
  const follower = cluster.members.find((member) => member !== leader) ?? leader;
  await cluster.until(() => follower.replica.leader() === leader.id);
  propose(follower, 'from a follower');
  await cluster.until(allHave(cluster, 1));
  await cluster.stop();
});

test('power fails everywhere at once: everything that any member applied is there again', async () => {
  const cluster = await TestCluster.create(3, { flushEvery: 50 });
  for (let life = 0; life < 5; life++) {
    const leader = await cluster.leader();
    for (const text of numbers(40)) propose(leader, `${text} of ${life}`);
    await cluster.until(() => cluster.living.some((member) => member.machine.values.length === 40 * (life + 1)));
    const known = cluster.members.map((member) => [...member.machine.values]).sort((a, b) => b.length - a.length)[0] ?? [];
    for (const member of cluster.members) await cluster.crash(member, true);
    for (const member of cluster.members) await cluster.restart(member);
    await cluster.until(allHave(cluster, known.length));
    for (const member of cluster.members) expect(member.machine.values).toEqual(known);
  }
  await cluster.stop();
});

test('random crashes and cuts: members agree, and what was acknowledged stays', async () => {
  let total = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const random = new SeededRandom(seed).stream('test');
    const tuning = { snapshotCount: 40, catchUpEntries: 10 };
    const cluster = await TestCluster.create(3, { seed, flushEvery: 7, tuning });
    const acknowledged = new Set<string>();
    let proposed = 0;
    for (let round = 0; round < 100; round++) {
      const member = cluster.members[random.int(3)];
      if (member === undefined) continue;
      const dice = random.int(10);
      if (dice === 0) cluster.network.isolate(member.id);
      else if (dice === 1) cluster.network.heal();
      else if (dice === 2 && member.alive) await cluster.crash(member, true);
      else if (dice <= 4 && !member.alive) await cluster.restart(member);
      else if (member.alive) for (let i = random.int(8); i > 0; i--) member.replica.propose(Buffer.from(`p${proposed++}`));
      await cluster.clock.advanceAsync(random.int(400));
      for (const { machine } of cluster.living) for (const value of machine.values) acknowledged.add(value);
      expect(cluster.members.map((other) => other.failure)).toEqual([undefined, undefined, undefined]);
    }
    cluster.network.heal();
    for (const member of cluster.members) if (!member.alive) await cluster.restart(member);
    const leader = await cluster.leader();
    propose(leader, 'last');
    await cluster.until(
      () => cluster.members.every(({ machine }) => machine.values.at(-1) === 'last'),
      `seed ${seed}: agreement`,
    );
    const [first] = cluster.members;
    for (const { machine } of cluster.members) expect(machine.values).toEqual(first?.machine.values);
    expect([...acknowledged].filter((value) => !first?.machine.values.includes(value))).toEqual([]);
    total += acknowledged.size;
    await cluster.stop();
  }
  expect(total).toBeGreaterThan(12 * 40);
});

test('a member that was away for too long gets a snapshot, and a new one too', async () => {
  const cluster = await TestCluster.create(3, { tuning: { snapshotCount: 100, catchUpEntries: 10 } });
  const leader = await cluster.leader();
  const away = cluster.members.find((member) => member !== leader) ?? leader;
  await cluster.crash(away);
  for (const text of numbers(300)) propose(leader, text);
  await cluster.until(allHave(cluster, 300));
  await cluster.restart(away);
  await cluster.until(allHave(cluster, 300));
  expect(away.machine.restores).toBe(1);
  expect(await away.disk.list('member/snap')).toEqual([]);

  const added = await cluster.add(4n);
  const change = { steps: [{ type: 'addLearner', id: 4n }], context: Buffer.from('member 4') } as const;
  expect(leader.replica.proposeConfigChange(change)).toBe('accepted');
  await cluster.until(() => added.machine.values.length === 300);
  expect(leader.replica.status().conf).toMatchObject({ voters: [1n, 2n, 3n], learners: [4n] });
  await cluster.crash(added);
  await cluster.restart(added);
  await cluster.until(() => added.replica.leader() === leader.id);
  expect(added.replica.status().conf).toMatchObject({ voters: [1n, 2n, 3n], learners: [4n] });
  await cluster.stop();
});

test('power fails between receiving a snapshot and having it: it is restored at the next start', async () => {
  const cluster = await TestCluster.create(3, { tuning: { snapshotCount: 50, catchUpEntries: 5 } });
  const leader = await cluster.leader();
  const away = cluster.members.find((member) => member !== leader) ?? leader;
  await cluster.crash(away);
  for (const text of numbers(120)) propose(leader, text);
  await cluster.until(allHave(cluster, 120));
  const restore = away.machine.restore.bind(away.machine);
  away.machine.restore = async () => {
    throw new RangeError('the power fails here');
  };
  await cluster.restart(away);
  await cluster.until(() => away.failure !== undefined, 'the failure');
  away.machine.restore = restore;
  away.failure = undefined;
  await cluster.crash(away);
  await cluster.restart(away);
  expect(away.machine.values).toHaveLength(120);
  await cluster.until(() => away.replica.leader() === leader.id);
  await cluster.stop();
});

test('a leader that is cut off answers no reads, and steps down', async () => {
  const cluster = await TestCluster.create(3);
  const old = await cluster.leader();
  cluster.network.isolate(old.id);
  const aborted = new AbortController();
  const read = old.replica.readIndex(aborted.signal);
  await cluster.until(() => cluster.members.some(({ replica, id }) => id !== old.id && replica.status().role === 'leader'));
  await cluster.until(() => old.replica.status().role !== 'leader');
  aborted.abort(new RangeError('timed out'));
  await expect(read).rejects.toThrow('timed out');
  cluster.network.heal();
  const pending = old.replica.readIndex();
  expect(await cluster.settle(pending)).toBe(old.machine.appliedIndex());
  await cluster.stop();
});

test('leadership is handed over without an election timeout', async () => {
  const cluster = await TestCluster.create(3);
  const old = await cluster.leader();
  const next = cluster.members.find((member) => member !== old) ?? old;
  const seen: bigint[] = [];
  const unsubscribe = next.replica.onLeaderChange((leader) => seen.push(leader));
  const before = cluster.clock.monotonicMs();
  old.replica.transferLeadership(next.id);
  await cluster.until(() => next.replica.status().role === 'leader');
  expect(cluster.clock.monotonicMs() - before).toBeLessThan(500);
  expect(seen.at(-1)).toBe(next.id);
  unsubscribe();
  await cluster.stop();
});

test('a full disk stops the member, the others go on, and with space it comes back', async () => {
  const cluster = await TestCluster.create(3);
  const leader = await cluster.leader();
  leader.disk.fault = 'ENOSPC';
  propose(leader, 'does it fit');
  await cluster.until(() => leader.failure !== undefined, 'the failure');
  expect(leader.failure).toMatchObject({ name: 'WalError', code: 'noSpace' });
  const next = await cluster.leader();
  expect(next.id).not.toBe(leader.id);
  propose(next, 'goes on');
  await cluster.until(() => next.machine.values.includes('goes on'));
  leader.disk.fault = undefined;
  leader.failure = undefined;
  await cluster.crash(leader);
  await cluster.restart(leader);
  await cluster.until(() => leader.machine.values.includes('goes on'));
  await cluster.stop();
});

test('a data directory of another member is refused', async () => {
  const cluster = await TestCluster.create(1);
  const [member] = cluster.members;
  await cluster.stop();
  if (member === undefined) throw new RangeError('no member');
  const other = createReplica({
    id: 2n,
    clusterId: 0xc1n,
    bootstrap: [],
    machine: member.machine,
    transport: cluster.network.transport(2n),
    disk: member.disk,
    clock: cluster.clock,
    random: new SeededRandom(1),
    log: silentLog,
    fatal: () => {},
  });
  await expect(other.start()).rejects.toThrow('belongs to member 1 of cluster c1, not to member 2 of cluster c1');
});
