// How full volumes are: what their drivers are asked, and how it is told.
import { expect, test } from 'vitest';
import { volumeMetrics, volumeSummary } from '../../server/volume-metrics.ts';
import { csiWorld } from './testing/csi-world.ts';

const usage = [
  { available: '70', total: '100', used: '30', unit: 'BYTES' },
  { available: '7', total: '10', used: '3', unit: 'INODES' },
];

async function filled(capabilities = ['GET_VOLUME_STATS']) {
  const world = await csiWorld({ capabilities });
  world.model.stats = { usage, volume_condition: null };
  await world.prepare();
  const stats = () => world.stats.of(world.byDrivers.mounted());
  const asked = () => world.calls().filter(({ method }) => method === 'NodeGetVolumeStats');
  return { ...world, read: stats, asked };
}

test('of a claim: in the summary and as metrics', async () => {
  const { read, asked, rootDir } = await filled();
  const [first] = await read();
  if (first === undefined) throw new Error('nothing is known');
  expect(volumeSummary(first)).toEqual({
    time: expect.stringMatching(/Z$/),
    availableBytes: 70,
    capacityBytes: 100,
    usedBytes: 30,
    inodesFree: 7,
    inodes: 10,
    inodesUsed: 3,
    name: 'data',
    pvcRef: { namespace: 'd', name: 'claim' },
  });
  const target = `${rootDir}/pods/uid-1/volumes/kubernetes.io~csi/pv/mount`;
  expect(asked()).toMatchObject([{ volume_id: 'h-1', volume_path: target }]);
  const labels = '{namespace="d",persistentvolumeclaim="claim"}';
  const lines = volumeMetrics([first, { ...first, uid: 'uid-2' }, { ...first, claim: undefined }]).split('\n');
  expect(lines.filter((line) => !line.startsWith('#') && line !== '')).toEqual([
    `kubelet_volume_stats_capacity_bytes${labels} 100`,
    `kubelet_volume_stats_available_bytes${labels} 70`,
    `kubelet_volume_stats_used_bytes${labels} 30`,
    `kubelet_volume_stats_inodes${labels} 10`,
    `kubelet_volume_stats_inodes_free${labels} 7`,
    `kubelet_volume_stats_inodes_used${labels} 3`,
  ]);
});

test('a driver is asked once a minute, and not at all for what is gone', async () => {
  const { read, asked, clock, volumes } = await filled();
  await read();
  await read();
  expect(asked()).toHaveLength(1);
  clock.advance(60_000);
  await read();
  expect(asked()).toHaveLength(2);
  await volumes.remove('uid-1');
  clock.advance(60_000);
  expect(await read()).toEqual([]);
  expect(asked()).toHaveLength(2);
});

test('a driver that says nothing of volumes is not asked', async () => {
  const { read, asked } = await filled([]);
  expect(await read()).toEqual([]);
  expect(asked()).toEqual([]);
  expect(volumeMetrics([])).toBe('');
});

test('a driver that takes its time is not waited for', async () => {
  const { read, model, clock } = await filled();
  const said = await read();
  const asked = Promise.withResolvers<void>();
  const hanging = Promise.withResolvers<void>();
  const call = model.call.bind(model);
  model.call = async (method, request) => {
    if (method === 'NodeGetVolumeStats') {
      asked.resolve();
      await hanging.promise;
    }
    return call(method, request);
  };
  clock.advance(60_000);
  const again = read();
  await asked.promise;
  clock.advance(2_000);
  expect(await again).toEqual(said);
  hanging.resolve();
});
