// Jobs on a world with a server.
import type { Job, Pod } from '@drydock/api/generated/types.ts';
import { jobs, pods } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { expect, test } from 'vitest';
import { World } from '../testing/world.ts';
import { startJobController } from './controller.ts';

const key = { namespace: 'a', name: 'j' };
const job = (): Job => ({
  metadata: key,
  spec: {
    backoffLimit: 6,
    completions: 1,
    parallelism: 1,
    selector: { matchLabels: { job: 'j' } },
    manualSelector: true,
    template: { metadata: { labels: { job: 'j' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } },
  },
});

/** Every pod that runs fails. */
async function fail(world: World): Promise<void> {
  const finishedAt = formatTime(world.clock.wallMs());
  for (const { metadata, status } of world.list<Pod>(pods)) {
    if (status?.phase === 'Failed') continue;
    const body = {
      status: { phase: 'Failed', containerStatuses: [{ name: 'c', state: { terminated: { exitCode: 1, finishedAt } } }] },
    };
    const target = { namespace: metadata?.namespace, name: metadata?.name ?? '' };
    await world.user.patch(pods, target, { type: 'merge', body }, { subresource: 'status' });
  }
}

test('a job that was made anew does not wait for the failures of the one before', async () => {
  const world = new World();
  void startJobController(5, world.manager().context);
  await world.user.create<Job>(jobs, job());
  for (let i = 0; i < 4; i++) {
    await world.clock.advanceAsync(200_000);
    await fail(world);
    await world.clock.advanceAsync(1_000);
  }
  // Its next pod would come after more than a minute. The controller hears of both at once.
  await world.user.delete(jobs, key, { propagationPolicy: 'Background' });
  const made = await world.user.create<Job>(jobs, job());
  await world.clock.advanceAsync(5_000);
  const own = world.list<Pod>(pods).filter(({ metadata }) => metadata?.ownerReferences?.[0]?.uid === made.metadata?.uid);
  expect(own).toHaveLength(1);
});
