// Three members of our store under an upstream cluster with all its controllers and two workers, one member killed after the other.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Store } from '../integration/store/members.ts';
import { swapSkipReason, upstreamCluster } from './upstream.ts';

/** Every member twice. */
const killsMin = 6;
const replicasMax = 5;
/** How long a member stays away. */
const awayMs = 2000;
/** More than an election: the next member must not fall while the last one is not back. */
const togetherMs = 3000;

describe.skipIf(swapSkipReason !== undefined)(`our store under upstream (${swapSkipReason ?? 'three members'})`, () => {
  test('rollouts go on while members are killed in turn', async () => {
    const store = await Store.start({ size: 3 });
    try {
      const cluster = await upstreamCluster(['--store', store.endpoints.join(',')]);
      try {
        const { kubectl } = cluster;
        // Pods are refused until the namespace has its service account.
        await kubectl('wait', '--for=create', 'serviceaccount/default', '--timeout=60s');
        await kubectl('create', 'deployment', 'web', '--image=registry.invalid/none', '--replicas=3');
        let rounds = 0;
        let ended = false;
        const killer = (async () => {
          for (let kills = 0; kills < killsMin && !ended; kills++) {
            const index = kills % store.members.length;
            await store.stopMember(index, 'SIGKILL');
            await sleep(awayMs);
            store.startMember(index);
            await store.ready();
            await sleep(togetherMs);
          }
          ended = true;
        })();
        try {
          while (!ended) {
            rounds++;
            // What a leader had in hand when it was killed has failed for its client, who asks again.
            await again(() => kubectl('set', 'env', 'deployment/web', `ROUND=${rounds}`));
            await again(() => kubectl('scale', 'deployment/web', `--replicas=${1 + (rounds % replicasMax)}`));
            await observed(kubectl, rounds);
          }
        } finally {
          ended = true;
          await killer;
        }
        expect(rounds).toBeGreaterThan(killsMin);
      } finally {
        await cluster.down();
      }
    } finally {
      await store.stop();
    }
  });
});

/** The controllers have seen this round: as many pods of the newest template as are wanted (no image, so none ever runs). */
async function observed(kubectl: (...args: string[]) => Promise<string>, round: number): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const pods = await kubectl('get', 'pods', '-l', 'app=web', '-o', 'json').catch(() => '{"items":[]}');
    const { items } = JSON.parse(pods) as { items: { spec: { containers: { env?: { value: string }[] }[] } }[] };
    const newest = items.filter(({ spec }) => spec.containers[0]?.env?.[0]?.value === String(round)).length;
    const sets = await kubectl(
      'get',
      'deployment',
      'web',
      '-o',
      'jsonpath={.status.observedGeneration} {.metadata.generation}',
    ).catch(() => 'unknown');
    const [seen, wanted] = sets.split(' ');
    if (newest > 0 && seen === wanted) return;
    if (performance.now() > deadline) throw new Error(`round ${round}: ${newest} pods of it, generations ${sets}`);
    await sleep(300);
  }
}

async function again(command: () => Promise<string>): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    try {
      await command();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(300);
    }
  }
}
