// Disks that one pod of a node uses at a time.
import type { Volume } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { clusterOf } from '../cluster.ts';
import type { NodeFilter } from '../framework.ts';
import { NodeInfo, podInfoOf } from '../node-info.ts';
import { node, pod } from '../testing.ts';
import { VolumesKnown } from '../volumes-known.ts';
import { volumeRestrictions } from './volume-restrictions.ts';

const gce = (pdName: string, readOnly?: boolean) => ({ gcePersistentDisk: { pdName, readOnly } });
const rbd = (image: string, monitors: string[], readOnly = false) => ({ rbd: { image, monitors, readOnly } });
const iscsi = (iqn: string, readOnly: boolean) => ({ iscsi: { iqn, readOnly, lun: 0, targetPortal: 't' } });

test.each<[string, object[], object[], boolean]>([
  ['the same disk', [gce('a')], [gce('a')], true],
  ['another disk', [gce('a')], [gce('b')], false],
  ['one that both read', [gce('a', true)], [gce('a', true)], false],
  ['one that the other writes', [gce('a', true)], [gce('a')], true],
  ['one that it reads and writes', [gce('a', true), gce('a')], [gce('a', true)], true],
  [
    'one of AWS, though both read',
    [{ awsElasticBlockStore: { volumeID: 'a', readOnly: true } }],
    [{ awsElasticBlockStore: { volumeID: 'a', readOnly: true } }],
    true,
  ],
  ['a name of another kind', [gce('a')], [{ awsElasticBlockStore: { volumeID: 'a' } }], false],
  ['a target', [iscsi('a', true)], [iscsi('a', false)], true],
  ['an image by a monitor that both know', [rbd('a', ['x', 'y'])], [rbd('a', ['y', 'z'])], true],
  ['an image by other monitors', [rbd('a', ['x'])], [rbd('a', ['y'])], false],
])('%s', (_, mine, theirs, conflicts) => {
  const volumes = (list: object[]) => list.map((each, i) => ({ name: `v${i}`, ...each })) as Volume[];
  const info = new NodeInfo(node('n'));
  info.addPod(podInfoOf(pod('other', { spec: { volumes: volumes(theirs) } })));
  const plugin = volumeRestrictions(new VolumesKnown());
  const filter = plugin.begin(podInfoOf(pod('p', { spec: { volumes: volumes(mine) } })), clusterOf([info])) as NodeFilter;
  expect(filter.filter(info)?.reasons).toEqual(conflicts ? ['node(s) had no available disk'] : undefined);
});
