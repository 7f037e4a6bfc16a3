// Volumes that get larger: what is planned, what their drivers are asked and what their claims say.
import type { PersistentVolume, PersistentVolumeClaim } from '@drydock/api/generated/types.ts';
import { parseQuantity } from '@drydock/api/quantity.ts';
import { persistentVolumeClaims, persistentVolumes } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { PluginError } from '../../plugins/socket-client.ts';
import { planExpansion } from './expansion-plan.ts';
import { csiWorld, type Options } from './testing/csi-world.ts';

const claimOf = (capacity: string, status?: string): PersistentVolumeClaim => ({
  status: {
    capacity: { storage: capacity },
    ...(status === undefined ? {} : { allocatedResourceStatuses: { storage: status } }),
  },
});
const volumeOf = (storage: string): PersistentVolume => ({ spec: { capacity: { storage } } });

test.each<[string, string, string | undefined, string, string | undefined, boolean, string]>([
  ['nothing has grown', '1Gi', undefined, '1Gi', undefined, false, 'none'],
  ['the volume has, as of old', '1Gi', undefined, '2Gi', undefined, false, 'expand -updates'],
  [
    'the volume has, and the claim waits for the node',
    '1Gi',
    'NodeResizePending',
    '2Gi',
    undefined,
    false,
    'expand marks updates',
  ],
  ['a kubelet ended while it did it', '1Gi', 'NodeResizeInProgress', '2Gi', undefined, false, 'expand marks updates'],
  ['the controller is at it', '1Gi', 'ControllerResizeInProgress', '2Gi', undefined, false, 'none'],
  ['it was of no use', '1Gi', 'NodeResizeInfeasible', '2Gi', undefined, false, 'none'],
  ['another node did it', '2Gi', undefined, '2Gi', '1Gi', false, 'expand'],
  ['it was done here', '2Gi', undefined, '2Gi', '2Gi', false, 'none'],
  ['it is read-only', '1Gi', 'NodeResizePending', '2Gi', undefined, true, 'read-only'],
])('%s', (_, said, status, size, known, readOnly, expected) => {
  const plan = planExpansion(
    claimOf(said, status),
    volumeOf(size),
    known === undefined ? undefined : parseQuantity(known),
    readOnly,
  );
  const marks =
    plan.kind === 'expand' ? `${plan.marks ? ' marks' : ''}${plan.updates ? (plan.marks ? ' updates' : ' -updates') : ''}` : '';
  expect(`${plan.kind}${marks}`).toBe(expected);
});

async function growing({ csi, ...options }: Options = {}) {
  const world = await csiWorld({
    ...options,
    csi: { ...csi, fsType: 'ext4' },
    spec: { capacity: { storage: '1Gi' }, ...options.spec },
    capabilities: options.capabilities ?? ['STAGE_UNSTAGE_VOLUME', 'EXPAND_VOLUME'],
  });
  const { api } = world;
  const say = (status: object) =>
    api.patch(
      persistentVolumeClaims,
      { namespace: 'd', name: 'claim' },
      { type: 'merge', body: { status } },
      { subresource: 'status' },
    );
  await say({ capacity: { storage: '1Gi' } });
  /** As a resizer does it. */
  const grow = async (storage: string, status: string | null = 'NodeResizePending') => {
    await api.patch(persistentVolumes, { name: 'pv' }, { type: 'merge', body: { spec: { capacity: { storage } } } });
    await say({
      allocatedResourceStatuses: { storage: status },
      conditions: [
        { type: 'FileSystemResizePending', status: 'True' },
        { type: 'Other', status: 'True' },
      ],
    });
  };
  const status = async () => (await api.get(persistentVolumeClaims, { namespace: 'd', name: 'claim' })).status;
  const expansions = () => world.calls().filter(({ method }) => method === 'NodeExpandVolume');
  return { ...world, grow, status, expansions };
}

const failed = 'Expander.NodeExpand failed to expand the volume : rpc error: code = ';

test('a volume that grows while its pod runs is expanded where it is, and the claim says so', async () => {
  const { prepare, grow, status, expansions, said, rootDir } = await growing();
  await prepare();
  await prepare();
  expect(expansions()).toEqual([]);
  await grow('2Gi');
  await prepare();
  await prepare();
  expect(expansions()).toEqual([
    {
      method: 'NodeExpandVolume',
      volume_id: 'h-1',
      volume_path: `${rootDir}/pods/uid-1/volumes/kubernetes.io~csi/pv/mount`,
      capacity_range: { required_bytes: '2147483648' },
      staging_target_path: expect.stringMatching(/globalmount$/),
      volume_capability: expect.objectContaining({ mount: expect.objectContaining({ fs_type: 'ext4' }) }),
    },
  ]);
  expect(await status()).toMatchObject({ capacity: { storage: '2Gi' }, conditions: [{ type: 'Other' }] });
  expect((await status())?.allocatedResourceStatuses ?? {}).toEqual({});
  const text = 'Normal FileSystemResizeSuccessful MountVolume.NodeExpandVolume succeeded for volume "pv" n';
  expect(said).toEqual([`Pod ${text}`, `PersistentVolumeClaim ${text}`]);
});

test('one that has grown before is expanded before its pod runs, and keeps it from running where that fails', async () => {
  const { refused, prepare, grow, status, model } = await growing();
  await grow('2Gi');
  model.failures.set('NodeExpandVolume', new PluginError('Internal', 'no'));
  expect(await refused()).toEqual([
    `MountVolume.Setup failed while expanding volume for volume "pv" : ${failed}Internal desc = no`,
  ]);
  const message = `failed to expand pvc with ${failed}Internal desc = no`;
  expect((await status())?.conditions?.at(-1)).toMatchObject({ type: 'NodeResizeError', status: 'True', message });
  expect((await status())?.allocatedResourceStatuses).toEqual({ storage: 'NodeResizeInProgress' });
  model.failures.clear();
  await prepare();
  expect(await status()).toMatchObject({ capacity: { storage: '2Gi' }, conditions: [{ type: 'Other' }] });
});

test('of a pod that runs its user is told, with pauses that grow', async () => {
  const { prepare, clock, grow, model, said, expansions } = await growing();
  await prepare();
  await grow('2Gi');
  model.failures.set('NodeExpandVolume', new PluginError('Internal', 'no'));
  for (let at = 0; at < 10; at++) {
    await prepare();
    clock.advance(500);
  }
  expect(expansions()).toHaveLength(4);
  expect(new Set(said)).toEqual(
    new Set([
      `Pod Warning VolumeResizeFailed NodeExpandVolume.NodeExpandVolume failed for volume "pv" : ${failed}Internal desc = no`,
    ]),
  );
});

test.each<[string, string, string, number]>([
  ['a driver that cannot while the volume is in use is not asked again', 'FailedPrecondition', 'NodeResizeInProgress', 1],
  ['what is of no use is not tried again', 'InvalidArgument', 'NodeResizeInfeasible', 1],
  ['what may be under way is asked for again', 'DeadlineExceeded', 'NodeResizeInProgress', 2],
])('%s', async (_, code, expected, times) => {
  const { prepare, clock, grow, model, status, expansions } = await growing();
  await prepare();
  await grow('2Gi');
  model.failures.set('NodeExpandVolume', new PluginError(code, 'no'));
  for (let at = 0; at < 2; at++) {
    await prepare();
    clock.advance(130_000);
  }
  expect((await status())?.allocatedResourceStatuses).toEqual({ storage: expected });
  expect(expansions()).toHaveLength(times);
});

test('a driver that expands nothing on its node is told of as such', async () => {
  const { refused, grow } = await growing({ capabilities: ['STAGE_UNSTAGE_VOLUME'] });
  await grow('2Gi', null);
  expect(await refused()).toEqual([
    'MountVolume.Setup failed while expanding volume for volume "pv" : Expander.NodeExpand found CSI plugin kubernetes.io/csi/d.test to not support node expansion',
  ]);
});
