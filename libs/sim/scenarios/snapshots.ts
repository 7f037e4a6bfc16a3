// Members that fall far behind: FAILURE-MODES 5.1, row 20.
import type { MemberHost } from '../member-host.ts';
import type { Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';
import type { Watching } from './watching.ts';

export const snapshotToFollower: Scenario = {
  name: 'snapshot-to-follower',
  stage: { size: 3, snapshotCount: 20, catchUpEntries: 5 },
  play: async (stage) => {
    const leader = await stage.start();
    const [behind] = stage.others(leader);
    if (behind === undefined) return;
    for (let round = 0; round < 4; round++) {
      if (round % 2 === 0) behind.kill(round === 0);
      const heal = stage.cut([behind], stage.others(behind));
      await stage.done(leader, { kind: 'leaseGrant', lease: String(100 + round), ttlSeconds: 100 });
      let revision = 0;
      for (let i = 0; i < 60; i++) revision = await stage.put(leader, `k${i % 9}`, `${round} ${i}`, String(100 + round));
      await stage.done(leader, { kind: 'compact', revision: revision - 10 });
      // Entries leave the log some seconds after they were applied, when the backend is durable.
      await stage.sleep(3);
      revision = await stage.put(leader, 'k', 'one more');
      behind.start();
      heal();
      if (round === 1) {
        // In the middle of it, a second one.
        await stage.sleep(0.02);
        behind.kill(true);
        behind.start();
      }
      await stage.until('it catches up', 60, () => behind.member?.machine.store.revision === revision);
      const [one, two] = [leader, behind].map(({ member }) => member?.machine.store.hash(0).hash);
      await stage.until(
        'hashes are equal when compactions are over',
        20,
        () => !leader.member?.machine.store.compacting && !behind.member?.machine.store.compacting,
      );
      stage.world.note(`hashes ${one} ${two}`);
      stage.expect('with equal leases', behind.member?.machine.lessor.size === leader.member?.machine.lessor.size);
    }
    const hashes = [leader, behind].map(({ member }) => member?.machine.store.hash(0).hash);
    stage.expect(`equal hashes: ${hashes.join(' ')}`, new Set(hashes).size === 1);
  },
};

/**
 * As an apiserver does with a member that comes back: watches are opened again and lists are read while the member takes a large
 * snapshot from a disk that needs seconds for it. Nobody may see a part of it.
 */
export const watchesWhileSnapshotInstalls: Scenario = {
  name: 'watches-while-snapshot-installs',
  stage: { size: 3, snapshotCount: 20, catchUpEntries: 5 },
  play: async (stage) => {
    const leader = await stage.start();
    const [behind, third] = stage.others(leader);
    if (behind === undefined || third === undefined) return;
    const early = await write(stage, leader, 'early', 20);
    await stage.until('all have it', 30, () => behind.member?.machine.store.revision === early);
    const heal = stage.cut([behind], stage.others(behind));
    const late = await write(stage, leader, 'late', 50);
    await stage.sleep(3);
    behind.disk.faults.slowness = slowness;
    heal();
    const watches: Watching[] = [];
    const hashes: Promise<void>[] = [];
    let reads = 0;
    while (behind.member?.machine.store.revision !== late) {
      stage.expect('it catches up in time', watches.length < roundsMax);
      watches.push(stage.watch(behind, `watcher ${watches.length}`, { key: 'a', end: 'z', startRevision: 2 }));
      hashes.push(expectHash(stage, behind, leader, early));
      const read = await stage.ask('reader', behind, { kind: 'range', key: 'a', end: 'z', serializable: true });
      if (read !== undefined) reads++;
      await stage.sleep(0.1);
    }
    stage.expect(`there was time to ask: ${watches.length} watches, ${reads} reads`, watches.length >= 10 && reads >= 10);
    behind.disk.faults.slowness = 1;
    const told = () => watches.every(({ events }) => events.length === late - 1);
    await stage.until('every watch is told of every change', 60, told);
    await Promise.all(hashes);
  },
};

/** A snapshot of a megabyte is read in some pieces; each takes a tenth of a second. */
const slowness = 5000;
const roundsMax = 300;
const valueBytes = 10_000;

/** The newest revision. */
async function write(stage: Stage, host: MemberHost, what: string, count: number): Promise<number> {
  let revision = 0;
  for (let i = 0; i < count; i++) revision = await stage.put(host, `k${i}`, `${what} ${i} `.padEnd(valueBytes, '.'));
  return revision;
}

/** What a member says of the history up to a revision that it had before is what the leader says. */
async function expectHash(stage: Stage, member: MemberHost, leader: MemberHost, revision: number): Promise<void> {
  const [own, other] = [member, leader].map((host) => host.member?.machine.store.hash(revision).hash);
  stage.expect(`hashes at ${revision} are equal: ${own} ${other}`, own === other);
}
