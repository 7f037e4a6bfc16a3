// Claims, and pods with volumes, well and badly formed, that the original was asked to create and to change.
import { type Change, each, long, type StorageKind, storageNamespace } from './storage-kind.ts';

const labelSelector = (key: string) => ({ matchExpressions: [{ key, operator: 'In', values: [] }] });
export const claim: StorageKind = {
  title: 'PersistentVolumeClaim',
  path: `/api/v1/namespaces/${storageNamespace}/persistentvolumeclaims`,
  base: {
    metadata: { name: 'sa-claim' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: 'sa-none',
      volumeName: 'sa-x',
    },
  },
  creates: [
    ['plain', []],
    ...each('spec', [undefined, {}]),
    ...each('spec.accessModes', [undefined, [], ['Bad'], ['ReadWriteOncePod'], ['ReadWriteOncePod', 'ReadWriteOnce']]),
    ...each('spec.resources', [
      undefined,
      {},
      { requests: { storage: '0' } },
      { requests: { storage: '-1' } },
      { requests: { storage: '1Gi', cpu: '1' } },
      { requests: { storage: '1.5' } },
      { requests: { storage: '2Gi' }, limits: { storage: '1Gi' } },
      { limits: { storage: '1Gi' } },
    ]),
    ...each('spec.selector', [labelSelector('a b'), { matchLabels: { a: 'b c' } }]),
    ...each('spec.storageClassName', ['A b', '']),
    ...each('spec.volumeMode', ['Block', 'Bad', '']),
    ...each('spec.volumeName', ['A b', '']),
    ...each('spec.volumeAttributesClassName', ['', 'A b', 'gold']),
    ...each('spec.dataSource', [
      { kind: 'PersistentVolumeClaim', name: 'x' },
      { kind: 'PersistentVolumeClaim', name: '' },
      { kind: '', name: 'x' },
      { kind: 'Bad', name: 'x' },
      { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 'x' },
      { apiGroup: 'a b', kind: 'X', name: 'x' },
    ]),
    ...each('spec.dataSourceRef', [
      { kind: 'PersistentVolumeClaim', name: 'x' },
      { kind: 'ConfigMap', name: 'x' },
      { kind: 'PersistentVolumeClaim', name: 'x', namespace: 'n' },
      { apiGroup: 'a.example.com', kind: 'X', name: '' },
    ]),
    [
      'two sources',
      [
        ['spec.dataSource', { kind: 'PersistentVolumeClaim', name: 'x' }],
        ['spec.dataSourceRef', { kind: 'PersistentVolumeClaim', name: 'y' }],
      ],
    ],
  ],
  updates: [
    ...each('spec.volumeAttributesClassName', ['gold', 'A b', '']),
    ...each('spec.resources', [{ requests: { storage: '2Gi' } }, { requests: { storage: '500Mi' } }]),
    ...each('spec.accessModes', [['ReadWriteMany']]),
    ...each('spec.storageClassName', ['other']),
    ...each('spec.volumeName', ['other']),
    ...each('metadata.labels', [{ a: 'b' }]),
  ],
  status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] },
  statuses: [
    ['a phase', { phase: 'Lost' }],
    ['a bad phase', { phase: 'Bad' }],
    ['a capacity', { phase: 'Bound', capacity: { storage: '2Gi' } }],
    ['a negative capacity', { phase: 'Bound', capacity: { storage: '-2Gi' } }],
    ['no modes', { phase: 'Bound', accessModes: [] }],
    [
      'resizing',
      { phase: 'Bound', allocatedResources: { storage: '2Gi' }, allocatedResourceStatuses: { storage: 'NodeResizePending' } },
    ],
    ['a bad state', { phase: 'Bound', allocatedResourceStatuses: { storage: 'Bad' } }],
    [
      'another resource',
      { phase: 'Bound', allocatedResources: { cpu: '1' }, allocatedResourceStatuses: { 'example.com/x': 'NodeResizePending' } },
    ],
    [
      'a class',
      {
        phase: 'Bound',
        currentVolumeAttributesClassName: 'gold',
        modifyVolumeStatus: { status: 'InProgress', targetVolumeAttributesClassName: 'gold' },
      },
    ],
    ['a bad modification', { phase: 'Bound', modifyVolumeStatus: { status: 'Bad' } }],
    ['a modification without', { phase: 'Bound', modifyVolumeStatus: {} }],
    ['conditions', { phase: 'Bound', conditions: [{ type: 'FileSystemResizePending', status: 'True' }] }],
  ],
};

/** One that is not bound. */
export const boundless: StorageKind = {
  title: 'PersistentVolumeClaim-pending',
  path: claim.path,
  base: {
    metadata: { name: 'sa-pending' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: 'sa-none',
      dataSource: { kind: 'PersistentVolumeClaim', name: 'x' },
    },
  },
  creates: [],
  updates: [
    ...each('spec.volumeAttributesClassName', ['gold', '']),
    ...each('spec.volumeName', ['v']),
    ...each('spec.dataSource', [undefined, { kind: 'PersistentVolumeClaim', name: 'y' }]),
    ...each('spec.dataSourceRef', [undefined]),
    ...each('spec.resources', [{ requests: { storage: '2Gi' } }]),
  ],
};

const container = { name: 'c', image: 'i' };
const named = (source: object): object[] => [{ name: 'v', ...source }];
const block = { persistentVolumeClaim: { claimName: 'c' } };
const template = (spec: object, metadata?: object) => ({
  ephemeral: { volumeClaimTemplate: { ...(metadata ? { metadata } : {}), spec } },
});
const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
const devices = (value: unknown): Change => [
  ['spec.volumes', named(block)],
  ['spec.containers.0.volumeDevices', value],
];
export const pod: StorageKind = {
  title: 'Pod',
  path: `/api/v1/namespaces/${storageNamespace}/pods`,
  base: { metadata: { name: 'sa-pod' }, spec: { containers: [container] } },
  creates: [
    ...each('spec.volumes', [
      named({ csi: { driver: 'd.example.com' } }),
      named({ csi: {} }),
      named({ csi: { driver: 'A b' } }),
      named({ csi: { driver: long(64) } }),
      named({ csi: { driver: 'd.example.com', nodePublishSecretRef: {} } }),
      named({ csi: { driver: 'd.example.com', nodePublishSecretRef: { name: 's' } } }),
      named({ csi: { driver: 'd.example.com', fsType: 'ext4', readOnly: true, volumeAttributes: { a: 'b' } } }),
      named({ csi: { driver: 'd.example.com' }, emptyDir: {} }),
      named(template(claimSpec)),
      named({ ephemeral: {} }),
      named(template({})),
      named(template(claimSpec, { labels: { 'a b': 'c' } })),
      named(template(claimSpec, { name: 'x' })),
      named(template({ ...claimSpec, accessModes: ['Bad'] })),
      named({ persistentVolumeClaim: {} }),
      named({ persistentVolumeClaim: { claimName: 'A b' } }),
      named({ persistentVolumeClaim: { claimName: 'c', readOnly: true } }),
    ]),
    ['a device', devices([{ name: 'v', devicePath: '/dev/x' }])],
    ['a device of nothing', devices([{ name: 'w', devicePath: '/dev/x' }])],
    ['a device without a path', devices([{ name: 'v' }])],
    ['a device without a name', devices([{ devicePath: '/dev/x' }])],
    ['a relative device', devices([{ name: 'v', devicePath: 'dev/x' }])],
    ['a device up', devices([{ name: 'v', devicePath: '/dev/../x' }])],
    [
      'two devices',
      devices([
        { name: 'v', devicePath: '/dev/x' },
        { name: 'v', devicePath: '/dev/y' },
      ]),
    ],
    [
      'two devices at one path',
      [
        ['spec.volumes', [...named(block), { name: 'w', persistentVolumeClaim: { claimName: 'd' } }]],
        [
          'spec.containers.0.volumeDevices',
          [
            { name: 'v', devicePath: '/dev/x' },
            { name: 'w', devicePath: '/dev/x' },
          ],
        ],
      ],
    ],
    [
      'mounted and a device',
      [...devices([{ name: 'v', devicePath: '/dev/x' }]), ['spec.containers.0.volumeMounts', [{ name: 'v', mountPath: '/x' }]]],
    ],
    [
      'mounted where a device is',
      [
        ['spec.volumes', [...named(block), { name: 'w', emptyDir: {} }]],
        ['spec.containers.0.volumeDevices', [{ name: 'v', devicePath: '/x' }]],
        ['spec.containers.0.volumeMounts', [{ name: 'w', mountPath: '/x' }]],
      ],
    ],
    [
      'a device that is none',
      [
        ['spec.volumes', named({ emptyDir: {} })],
        ['spec.containers.0.volumeDevices', [{ name: 'v', devicePath: '/x' }]],
      ],
    ],
    [
      'a device of a volume of its own',
      [
        ['spec.volumes', named(template({ ...claimSpec, volumeMode: 'Block' }))],
        ['spec.containers.0.volumeDevices', [{ name: 'v', devicePath: '/x' }]],
      ],
    ],
  ],
  updates: [],
};
