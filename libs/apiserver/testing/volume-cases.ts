// Persistent volumes, well and badly formed, that the original was asked to create and to change.
import { each, long, type StorageKind } from './storage-kind.ts';

const csi = { driver: 'd.example.com', volumeHandle: 'h' };
const secretRefs = [
  'controllerPublishSecretRef',
  'controllerExpandSecretRef',
  'nodePublishSecretRef',
  'nodeExpandSecretRef',
  'nodeStageSecretRef',
];
export const volume: StorageKind = {
  title: 'PersistentVolume',
  path: '/api/v1/persistentvolumes',
  base: {
    metadata: { name: 'sa-volume' },
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'sa-none', csi },
  },
  creates: [
    ['plain', []],
    ...each('spec', [undefined, {}]),
    ...each('spec.csi.driver', [undefined, 'UPPER.example.com', '', 'A b', long(64), 'x_y']),
    ...each('spec.csi.volumeHandle', [undefined, '']),
    ...each('spec.csi.fsType', ['ext4', 'x y']),
    ...secretRefs.flatMap((name) =>
      each(`spec.csi.${name}`, [{}, { name: 's' }, { namespace: 'n' }, { name: 's', namespace: 'n' }]),
    ),
    ...each('spec.csi.volumeAttributes', [{ a: 'b' }, { '': 'b' }]),
    ...each('spec.accessModes', [
      undefined,
      [],
      ['Bad'],
      ['ReadWriteOncePod'],
      ['ReadWriteOncePod', 'ReadWriteOnce'],
      ['ReadWriteOnce', 'ReadWriteOnce'],
    ]),
    ...each('spec.capacity', [undefined, { storage: '0' }, { storage: '-1Gi' }, { storage: '1Gi', cpu: '1' }, { cpu: '1' }]),
    ...each('spec.volumeMode', ['Block', 'Bad', '']),
    ...each('spec.storageClassName', ['A b', '']),
    ...each('spec.volumeAttributesClassName', ['', 'A b', 'gold']),
    ...each('spec.persistentVolumeReclaimPolicy', ['Bad', 'Recycle', 'Delete', '']),
    ...each('spec.nodeAffinity', [
      {},
      { required: {} },
      { required: { nodeSelectorTerms: [] } },
      { required: { nodeSelectorTerms: [{}] } },
      { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }] } },
      { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'a b', operator: 'In', values: [] }] }] } },
      { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'Bad' }] }] } },
      { required: { nodeSelectorTerms: [{ matchFields: [{ key: 'x', operator: 'In', values: ['a'] }] }] } },
    ]),
    ...each('spec.hostPath', [{ path: '/x' }]),
    ...each('spec.mountOptions', [['ro'], ['']]),
    ...each('spec.claimRef', [{ namespace: 'n', name: 'c' }, {}, { name: 'c' }]),
    [
      'a class without attributes',
      [
        ['spec.storageClassName', undefined],
        ['spec.volumeAttributesClassName', 'gold'],
      ],
    ],
    [
      'host path',
      [
        ['spec.csi', undefined],
        ['spec.hostPath', { path: '/x' }],
      ],
    ],
    [
      'host path without',
      [
        ['spec.csi', undefined],
        ['spec.hostPath', {}],
      ],
    ],
    [
      'host path of a bad type',
      [
        ['spec.csi', undefined],
        ['spec.hostPath', { path: '/x', type: 'Bad' }],
      ],
    ],
    [
      'host path up',
      [
        ['spec.csi', undefined],
        ['spec.hostPath', { path: '/x/../y' }],
      ],
    ],
    [
      'host path recycled',
      [
        ['spec.csi', undefined],
        ['spec.hostPath', { path: '/' }],
        ['spec.persistentVolumeReclaimPolicy', 'Recycle'],
      ],
    ],
    [
      'host path with options',
      [
        ['spec.csi', undefined],
        ['spec.hostPath', { path: '/x' }],
        ['spec.mountOptions', ['ro']],
      ],
    ],
    ['nothing', [['spec.csi', undefined]]],
    [
      'local without a node',
      [
        ['spec.csi', undefined],
        ['spec.local', { path: '/x' }],
      ],
    ],
    [
      'local nowhere',
      [
        ['spec.csi', undefined],
        ['spec.local', {}],
      ],
    ],
    [
      'local',
      [
        ['spec.csi', undefined],
        ['spec.local', { path: '/x' }],
        [
          'spec.nodeAffinity',
          { required: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] }] } },
        ],
      ],
    ],
    [
      'nfs',
      [
        ['spec.csi', undefined],
        ['spec.nfs', { server: 's', path: '/x' }],
      ],
    ],
    [
      'nfs without',
      [
        ['spec.csi', undefined],
        ['spec.nfs', {}],
      ],
    ],
    [
      'nfs relative',
      [
        ['spec.csi', undefined],
        ['spec.nfs', { server: 's', path: 'x' }],
      ],
    ],
  ],
  updates: [
    ...each('spec.csi.volumeHandle', ['other']),
    ...each('spec.csi.driver', ['e.example.com']),
    ...each('spec.csi.volumeAttributes', [{ a: 'c' }]),
    ...each('spec.csi.controllerExpandSecretRef', [{ name: 's', namespace: 'n' }]),
    ...each('spec.csi.nodePublishSecretRef', [{ name: 's', namespace: 'n' }]),
    ...each('spec.csi', [undefined]),
    ...each('spec.hostPath', [{ path: '/x' }]),
    ...each('spec.volumeMode', ['Block']),
    ...each('spec.accessModes', [['ReadWriteMany'], []]),
    ...each('spec.capacity', [{ storage: '2Gi' }, { storage: '-1' }]),
    ...each('spec.storageClassName', ['other', 'A b']),
    ...each('spec.volumeAttributesClassName', ['gold', '', 'A b']),
    ...each('spec.persistentVolumeReclaimPolicy', ['Delete', 'Bad']),
    ...each('spec.nodeAffinity', [
      { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }] } },
    ]),
    ...each('spec.mountOptions', [['ro']]),
    ...each('metadata.labels', [{ a: 'b' }]),
  ],
  statuses: [
    ['a phase', { phase: 'Bound' }],
    ['a bad phase', { phase: 'Bad' }],
    ['nothing', {}],
  ],
};

const onNode = (name: string) => ({
  required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'host', operator: 'In', values: [name] }] }] },
});
export const localVolume: StorageKind = {
  title: 'PersistentVolume-local',
  path: '/api/v1/persistentvolumes',
  base: {
    metadata: { name: 'sa-local' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'sa-none',
      local: { path: '/x' },
      nodeAffinity: onNode('n'),
    },
  },
  creates: [],
  updates: [
    ...each('spec.nodeAffinity', [onNode('m'), undefined, onNode('n')]),
    ...each('spec.local.path', ['/y']),
    ...each('spec.csi', [csi]),
  ],
};
export const secretVolume: StorageKind = {
  title: 'PersistentVolume-secrets',
  path: '/api/v1/persistentvolumes',
  base: {
    metadata: { name: 'sa-secrets' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'sa-none',
      csi: { ...csi, controllerExpandSecretRef: { name: 's', namespace: 'n' } },
    },
  },
  creates: [],
  updates: [
    ...each('spec.csi.controllerExpandSecretRef', [{ name: 't', namespace: 'n' }, undefined]),
    ...each('spec.csi.nodeExpandSecretRef', [{ name: 't', namespace: 'n' }]),
  ],
};
