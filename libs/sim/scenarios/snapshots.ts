// Members that fall far behind: FAILURE-MODES 5.1, row 20.
import type { Scenario } from './scenario.ts';

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
