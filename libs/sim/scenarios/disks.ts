// Disks: FAILURE-MODES 5.1, rows 8, 10 to 12 and 19.

import type { MemberHost } from '../member-host.ts';
import type { CrashPlan } from '../process.ts';
import type { Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

export const slowSyncOnLeader: Scenario = {
  name: 'slow-sync-on-leader',
  stage: { size: 3 },
  play: async (stage) => {
    const leader = await stage.start();
    const written = await stage.put(leader, 'k', 'before');
    // A sync takes some seconds.
    leader.disk.faults.slowness = 10_000;
    const [other] = stage.others(leader);
    if (other === undefined) return;
    for (let i = 0; i < 10; i++) await stage.ask('client', other, { kind: 'put', key: 'k', value: `slow ${i}` });
    leader.disk.faults.slowness = 1;
    const revision = await stage.put(other, 'k', 'after');
    stage.expect('revisions go on', revision > written);
    for (const host of stage.hosts) stage.expect('nothing is lost', (await stage.get(host, 'k'))?.modRevision === revision);
  },
};

/** Writes while members die of a plan at every kind of effect, and come back; what was acknowledged is there in the end. */
async function dieAndComeBack(stage: Stage, plan: (round: number) => CrashPlan, power: boolean): Promise<void> {
  const random = stage.random.stream('scenario');
  const any = (): MemberHost => stage.host(1 + random.int(stage.hosts.length));
  const acknowledged = new Map<string, number>();
  await stage.start();
  for (let round = 0; round < 40; round++) {
    const { life } = any();
    if (life !== undefined) life.crashPlan = plan(round);
    const key = `k${random.int(5)}`;
    const response = await stage.ask('client', any(), { kind: 'put', key, value: `round ${round}` });
    if (response !== undefined) acknowledged.set(key, Math.max(response.revision, acknowledged.get(key) ?? 0));
    for (const host of stage.hosts) {
      if (host.life !== undefined) continue;
      if (power) host.losePower();
      host.start();
    }
    await stage.sleep(0.2);
  }
  for (const { life } of stage.hosts) if (life !== undefined) life.crashPlan = undefined;
  for (const host of stage.hosts) host.start();
  const leader = await stage.leader();
  stage.expect(
    'most writes were acknowledged',
    stage.recorder.operations.filter(({ outcome }) => outcome.kind === 'ok').length > 10,
  );
  for (const [key, revision] of acknowledged) {
    const found = await stage.get(leader, key);
    stage.expect(
      `acknowledged is durable: ${key} at ${revision}, found ${found?.modRevision}`,
      (found?.modRevision ?? 0) >= revision,
    );
  }
}

export const crashBetweenSaveAndApply: Scenario = {
  name: 'crash-between-save-and-apply',
  stage: { size: 3, snapshotCount: 50, catchUpEntries: 5 },
  play: (stage) =>
    dieAndComeBack(
      stage,
      (round) => ({
        point: round % 3 === 0 ? 'commit' : 'disk',
        count: 1 + (round % 7),
        when: round % 2 === 0 ? 'before' : 'after',
      }),
      false,
    ),
};

export const powerCuts: Scenario = {
  name: 'power-cuts',
  stage: { size: 3, snapshotCount: 50, catchUpEntries: 5 },
  play: (stage) =>
    dieAndComeBack(
      stage,
      (round) => ({
        point: round % 4 === 0 ? 'send' : 'disk',
        count: 1 + (round % 9),
        when: round % 2 === 0 ? 'after' : 'before',
      }),
      true,
    ),
};

export const crashDuringCompaction: Scenario = {
  name: 'crash-during-compaction',
  stage: { size: 3 },
  play: async (stage) => {
    const leader = await stage.start();
    const [victim] = stage.others(leader);
    if (victim === undefined) return;
    let revision = 0;
    for (let i = 0; i < 60; i++) revision = await stage.put(leader, `k${i % 7}`, `value ${i}`);
    for (let round = 0; round < 6; round++) {
      if (victim.life !== undefined)
        victim.life.crashPlan = {
          point: round % 2 === 0 ? 'commit' : 'disk',
          count: 1 + (round >> 1),
          when: round % 3 === 0 ? 'after' : 'before',
        };
      await stage.done(leader, { kind: 'compact', revision: revision - 30 + round * 4 });
      await stage.sleep(1.5);
      victim.kill(round % 2 === 1);
      victim.start();
      await stage.until('it serves again', 20, () => victim.serving !== undefined);
    }
    await stage.until(
      'all have applied the same',
      20,
      () => new Set(stage.hosts.map(({ member }) => member?.machine.appliedIndex())).size === 1,
    );
    await stage.until('compactions end', 20, () =>
      stage.hosts.every(({ member }) => member?.machine.store.compacting === false),
    );
    const hashes = stage.hosts.map(({ member }) => member?.machine.store.hash(0).hash);
    stage.expect(`equal hashes: ${hashes.join(' ')}`, new Set(hashes).size === 1);
    stage.expect(
      'the revision has not gone back',
      stage.hosts.every(({ member }) => member?.machine.store.revision === revision),
    );
  },
};

export const fullDiskOnLeader: Scenario = {
  name: 'full-disk-on-leader',
  stage: { size: 3, snapshotCount: 20 },
  play: async (stage) => {
    const leader = await stage.start();
    await stage.put(leader, 'k', 'before');
    leader.disk.faults.full = true;
    const [other] = stage.others(leader);
    if (other === undefined) return;
    await stage.ask('client', leader, { kind: 'put', key: 'k', value: 'on a full disk' });
    await stage.until('the member with the full disk ends', 10, () => leader.life === undefined);
    await stage.leader(stage.others(leader));
    const revision = await stage.put(other, 'k', 'the others go on');
    leader.disk.faults.full = false;
    leader.start();
    await stage.until('with space it comes back', 20, () => leader.member?.machine.store.revision === revision);
  },
};
