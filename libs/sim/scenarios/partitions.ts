// Networks that are cut: FAILURE-MODES 5.1, rows 4 to 7.
import type { Scenario } from './scenario.ts';

export const leaderInMinority: Scenario = {
  name: 'leader-in-minority',
  stage: { size: 5 },
  play: async (stage) => {
    const leader = await stage.start();
    const [companion, ...majority] = stage.others(leader);
    if (companion === undefined) return;
    await stage.put(leader, 'k', 'before');
    const heal = stage.cut([leader, companion], majority);
    const lost = stage.ask('minority', leader, { kind: 'put', key: 'k', value: 'minority' });
    const next = await stage.leader(majority);
    await stage.put(next, 'k', 'majority');
    await stage.until('the old leader steps down', 5, () => leader.member?.replica.leader() !== leader.id);
    stage.expect('the minority acknowledges nothing', (await lost) === undefined);
    heal();
    await stage.leader();
    for (const host of stage.hosts)
      stage.expect(`${host.name} has the majority's value`, (await stage.get(host, 'k'))?.value === 'majority');
  },
};

/** One pair does not see each other, the third sees both. With PreVote and CheckQuorum this may cost leaders, and ends with the cut. */
export const partialPartition: Scenario = {
  name: 'partial-partition',
  stage: { size: 3 },
  play: async (stage) => {
    const leader = await stage.start();
    const [a, b] = stage.others(leader);
    if (a === undefined || b === undefined) return;
    const healFollowers = stage.cut([a], [b]);
    const term = leader.member?.replica.term();
    for (let i = 0; i < 10; i++) await stage.put(leader, 'k', `followers ${i}`);
    stage.expect('between followers it harms nobody', leader.member?.replica.term() === term);
    healFollowers();
    const heal = stage.cut([leader], [a]);
    let acknowledged = 0;
    for (let i = 0; i < 20; i++) {
      const response = await stage.ask('client', b, { kind: 'put', key: 'k', value: `cut ${i}` });
      if (response !== undefined) acknowledged++;
      await stage.sleep(0.5);
    }
    stage.world.note(`${acknowledged} of 20 writes while the leader and a follower do not see each other`);
    heal();
    const after = await stage.leader();
    await stage.put(after, 'k', 'healed');
  },
};

/** It can send but not receive: without PreVote its growing term would end every leadership. */
export const oneWayLink: Scenario = {
  name: 'one-way-link',
  stage: { size: 3 },
  play: async (stage) => {
    const leader = await stage.start();
    const [deaf] = stage.others(leader);
    if (deaf === undefined) return;
    const heals = stage.others(deaf).map((other) => stage.oneWay(other, deaf));
    const term = leader.member?.replica.term();
    for (let i = 0; i < 20; i++) {
      await stage.put(leader, 'k', `value ${i}`);
      await stage.sleep(0.5);
    }
    stage.expect(
      'the healthy majority keeps its leader',
      leader.member?.replica.leader() === leader.id && leader.member.replica.term() === term,
    );
    for (const heal of heals) heal();
    await stage.until('it catches up', 10, () => deaf.member?.machine.store.revision === leader.member?.machine.store.revision);
  },
};

export const flappingLeader: Scenario = {
  name: 'flapping-leader',
  stage: { size: 3 },
  play: async (stage) => {
    const flapping = await stage.start();
    let written = 0;
    for (let i = 0; i < 8; i++) {
      const heal = stage.cut([flapping], stage.others(flapping));
      await stage.sleep(1.5);
      heal();
      await stage.sleep(1);
      const [other] = stage.others(flapping);
      if (other === undefined) return;
      written = await stage.put(other, 'k', `round ${i}`);
    }
    for (const host of stage.hosts)
      stage.expect('nothing acknowledged is lost', (await stage.get(host, 'k'))?.modRevision === written);
    const isolated = stage.cut([flapping], stage.others(flapping));
    const stable = await stage.leader(stage.others(flapping));
    const term = stable.member?.replica.term();
    await stage.sleep(10);
    stage.expect('with the bad one isolated the leader stays', stable.member?.replica.term() === term);
    isolated();
  },
};
