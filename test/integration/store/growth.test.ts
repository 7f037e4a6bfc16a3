// A store grows from one process to five and shrinks to three, while it is written to.
import { describe, expect, test } from 'vitest';
import type { StoreClient } from './client.ts';
import { grow, idOf, memberList, promoteMember, refusal, removeMember, whenHealthy } from './cluster.ts';
import { storesOfTest } from './fixture.ts';
import { exitOf, type Store, until, upstreamProgram } from './members.ts';
import { missing, Stream } from './stream.ts';

const minuteMs = 60_000;
const original = upstreamProgram('etcd');
const programs = [
  { name: 'our store', program: undefined, skip: false },
  { name: 'the original (needs DRYDOCK_UPSTREAM)', program: [original ?? ''], skip: original === undefined },
];

const stores = storesOfTest();

/** Whether a learner is near enough to its leader is for the leader to say. */
async function promote(client: StoreClient, id: bigint): Promise<void> {
  const notYet = [
    'etcdserver: can only promote a learner member which is in sync with leader',
    'etcdserver: unhealthy cluster',
  ];
  await until('the learner is promoted', async () => {
    const answer = await refusal(promoteMember(client, 0, id));
    if (answer !== 'done') expect(notYet).toContain(answer);
    return answer === 'done';
  });
}

async function moreIsWritten(stream: Stream): Promise<void> {
  const before = stream.acknowledged.length;
  await until('writes go on', () => stream.acknowledged.length > before + 20);
}

/** Takes out the member that leads; gives its index. */
async function removeLeader(store: Store, client: StoreClient, among: readonly number[]): Promise<number> {
  const leader = await client.leader();
  const asked = among.find((index) => index !== leader) ?? 0;
  const id = await idOf(client, leader);
  await whenHealthy(() => removeMember(client, asked, id));
  const child = store.members[leader]?.process;
  if (child === undefined) throw new Error('a member without a process');
  // It ends by itself.
  expect(await exitOf(child)).toBe(0);
  return leader;
}

describe.each(programs)('$name', ({ program, skip }) => {
  test.skipIf(skip)('one, two, three, four, five, four, three members', { timeout: 4 * minuteMs }, async () => {
    const { store, client } = await stores.start({ size: 1, ...(program === undefined ? {} : { program }) });
    const stream = new Stream(client, 'key');
    stores.atEnd(() => stream.stop());
    await moreIsWritten(stream);
    for (const learner of [true, false, true, false]) {
      const { id } = await grow(store, client, learner);
      if (learner) await promote(client, id);
      await moreIsWritten(stream);
    }
    const voters = (await memberList(client, 4)).filter(({ isLearner }) => !isLearner);
    expect(voters.map(({ name }) => name).sort()).toEqual(['m1', 'm2', 'm3', 'm4', 'm5']);

    let left = [0, 1, 2, 3, 4];
    while (left.length > 3) {
      const gone = await removeLeader(store, client, left);
      left = left.filter((index) => index !== gone);
      await moreIsWritten(stream);
    }
    const acknowledged = await stream.stop();
    await until('those left have the same', () => client.agree(left));
    expect(await missing(client, acknowledged)).toEqual([]);
    for (const index of left) expect(await memberList(client, index)).toHaveLength(3);
    // Two of three are a quorum again.
    await store.stopMember(left[0] ?? 0, 'SIGKILL');
    await until('two of three are enough', () => client.put('after', ''));
  });
});
