// Clusters in which volumes and images say where a pod may go.

import { node } from '../testing.ts';
import { type AnyObject, given, host, labelled, type PlacementCase, zone, zones } from './placement-case.ts';

const claim = (name: string, more: object = {}, annotations: Record<string, string> = {}): AnyObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: 'default', annotations },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, ...more },
});
const bound = { 'pv.kubernetes.io/bind-completed': 'yes' };
const volume = (name: string, of: string, more: object = {}, labels: Record<string, string> = {}): AnyObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name, labels },
  spec: {
    capacity: { storage: '2Gi' },
    accessModes: ['ReadWriteOnce'],
    csi: { driver: 'disk.example.com', volumeHandle: name },
    claimRef: { kind: 'PersistentVolumeClaim', namespace: 'default', name: of },
    ...more,
  },
});
const csiNode = (name: string, count: number): AnyObject => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSINode',
  metadata: { name },
  spec: { drivers: [{ name: 'disk.example.com', nodeID: name, topologyKeys: [], allocatable: { count } }] },
});
const storage = (name: string, capacity: string | undefined, of: string): AnyObject => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSIStorageCapacity',
  metadata: { name, namespace: 'default' },
  storageClassName: 'wait',
  ...(capacity === undefined ? {} : { capacity }),
  nodeTopology: { matchLabels: { [host]: of } },
});
const waitingClass: AnyObject = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'wait' },
  provisioner: 'disk.example.com',
  volumeBindingMode: 'WaitForFirstConsumer',
};
const driver: AnyObject = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSIDriver',
  metadata: { name: 'disk.example.com' },
  spec: { attachRequired: true, storageCapacity: true },
};

export const volumePlacementCases: Readonly<Record<string, PlacementCase>> = {
  'a claim for one pod alone': given(
    zones('x', 'y'),
    [labelled('one', { on: 'n1', claims: ['c'] })],
    labelled('p', { claims: ['c'] }),
    claim('c', { accessModes: ['ReadWriteOncePod'], volumeName: 'v', storageClassName: '' }, bound),
    volume('v', 'c', { accessModes: ['ReadWriteOncePod'] }),
  ),
  'a victim that has the claim': given(
    zones('x', 'y'),
    [labelled('one', { on: 'n1', claims: ['c'] })],
    labelled('p', { claims: ['c'], priority: 100 }),
    claim('c', { accessModes: ['ReadWriteOncePod'], volumeName: 'v', storageClassName: '' }, bound),
    volume('v', 'c', { accessModes: ['ReadWriteOncePod'] }),
  ),
  'a claim whose volume is gone': given(
    zones('x', 'y'),
    [],
    labelled('p', { claims: ['c'] }),
    claim('c', { volumeName: 'v', storageClassName: '' }, bound),
  ),
  'a volume of a zone': given(
    zones('x', 'y'),
    [],
    labelled('p', { claims: ['c'] }),
    claim('c', { volumeName: 'v', storageClassName: '' }, bound),
    volume('v', 'c', {}, { [zone]: 'y' }),
  ),
  'a volume of a zone that there is not': given(
    [...zones('x', 'y')],
    [],
    labelled('p', { claims: ['c'] }),
    claim('c', { volumeName: 'v', storageClassName: '' }, bound),
    volume('v', 'c', {}, { [zone]: 'w__z' }),
  ),
  'nodes that have all the volumes they can': given(
    zones('x', 'y'),
    [labelled('one', { on: 'n1', claims: ['d'] })],
    labelled('p', { claims: ['c'] }),
    claim('c', { volumeName: 'v', storageClassName: '' }, bound),
    claim('d', { volumeName: 'w', storageClassName: '' }, bound),
    volume('v', 'c'),
    volume('w', 'd'),
    csiNode('n1', 1),
    csiNode('n2', 0),
  ),
  'the node that has the volume already': given(
    zones('x', 'y'),
    [labelled('one', { on: 'n1', claims: ['c'] })],
    labelled('p', { claims: ['c'] }),
    claim('c', { volumeName: 'v', storageClassName: '' }, bound),
    volume('v', 'c'),
    csiNode('n1', 1),
    csiNode('n2', 0),
  ),
  'no node with enough storage': given(
    zones('x', 'y'),
    [],
    labelled('p', { claims: ['c'] }),
    claim('c', { storageClassName: 'wait' }),
    waitingClass,
    driver,
    storage('s1', '1Gi', 'n1'),
    storage('s2', undefined, 'n2'),
  ),
  'an image that is there': given(
    [
      node('n1'),
      {
        ...node('n2'),
        status: { ...node('n2').status, images: [{ names: ['example.com/big:v1'], sizeBytes: 2_000_000_000 }] },
      },
    ],
    [],
    labelled('p', { spec: { containers: [{ name: 'c', image: 'example.com/big:v1' }] } }),
  ),
};
