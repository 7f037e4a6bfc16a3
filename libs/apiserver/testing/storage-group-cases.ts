// Objects of the storage group, well and badly formed, that the original was asked to create and to change.
import { each, long, many, type StorageKind, storageApi, storageNamespace } from './storage-kind.ts';

export const driver: StorageKind = {
  title: 'CSIDriver',
  path: `${storageApi}/csidrivers`,
  base: { metadata: { name: 'sa.example.com' }, spec: {} },
  creates: [
    ['plain', []],
    ...each('metadata.name', [long(64), `${long(63)}`, 'A.example.com', 'a_b', '-a', 'a..b']),
    ...each('spec.fsGroupPolicy', ['Bad', '', 'None']),
    ...each('spec.volumeLifecycleModes', [['Bad', 'Persistent'], ['Persistent', 'Persistent'], ['Ephemeral'], []]),
    ...each('spec.tokenRequests', [
      [{ audience: 'a' }, { audience: 'a' }],
      [{ audience: 'a', expirationSeconds: 599 }],
      [{ audience: 'a', expirationSeconds: 4294967297 }],
      [{ audience: '' }],
      [{ audience: 'a', expirationSeconds: 600 }],
    ]),
    ...each('spec.nodeAllocatableUpdatePeriodSeconds', [0, 9, 10]),
    ...each('spec.serviceAccountTokenInSecrets', [true, false]),
    [
      'token in secrets',
      [
        ['spec.serviceAccountTokenInSecrets', true],
        ['spec.tokenRequests', [{ audience: 'a' }]],
      ],
    ],
    ...each('spec.preventPodSchedulingIfMissing', [true]),
    ...each('spec', [undefined]),
  ],
  updates: [
    ...each('spec.attachRequired', [false]),
    ...each('spec.podInfoOnMount', [true]),
    ...each('spec.volumeLifecycleModes', [['Ephemeral']]),
    ...each('spec.fsGroupPolicy', ['File']),
    ...each('spec.storageCapacity', [true]),
    ...each('spec.tokenRequests', [[{ audience: 'a' }]]),
    ...each('spec.requiresRepublish', [true]),
    ...each('spec.seLinuxMount', [true]),
    ...each('spec.nodeAllocatableUpdatePeriodSeconds', [20, 1]),
    ...each('spec.serviceAccountTokenInSecrets', [true]),
    ...each('metadata.labels', [{ a: 'b' }]),
  ],
};

const nodeDriver = { name: 'd.example.com', nodeID: 'n', topologyKeys: ['zone'], allocatable: { count: 5 } };
export const node: StorageKind = {
  title: 'CSINode',
  path: `${storageApi}/csinodes`,
  base: { metadata: { name: 'sa-node' }, spec: { drivers: [nodeDriver] } },
  creates: [
    ['plain', []],
    ...each('spec.drivers', [[], undefined, [nodeDriver, nodeDriver], null]),
    ...each('spec', [undefined]),
    ...each('spec.drivers.0.name', [undefined, 'UPPER.example.com', '', 'A b', long(64), 'x_y']),
    ...each('spec.drivers.0.nodeID', [undefined, '', long(257), long(256)]),
    ...each('spec.drivers.0.topologyKeys', [['zone', 'zone'], [''], ['a b'], []]),
    ...each('spec.drivers.0.allocatable', [{ count: -1 }, { count: 0 }, {}]),
  ],
  updates: [
    ...each('spec.drivers.0.nodeID', ['other']),
    ...each('spec.drivers.0.topologyKeys', [['region']]),
    ...each('spec.drivers.0.allocatable', [{ count: 6 }, undefined]),
    ...each('spec.drivers', [
      [],
      [nodeDriver, { ...nodeDriver, name: 'e.example.com' }],
      [{ ...nodeDriver, name: 'e.example.com' }],
    ]),
    ...each('metadata.labels', [{ a: 'b' }]),
  ],
};

const inline = (more: object) => ({
  inlineVolumeSpec: { accessModes: ['ReadWriteOnce'], csi: { driver: 'd.example.com', volumeHandle: 'h' }, ...more },
});
export const attachment: StorageKind = {
  title: 'VolumeAttachment',
  path: `${storageApi}/volumeattachments`,
  base: {
    metadata: { name: 'sa-attachment' },
    spec: { attacher: 'd.example.com', nodeName: 'n', source: { persistentVolumeName: 'v' } },
  },
  creates: [
    ['plain', []],
    ...each('spec', [undefined]),
    ...each('spec.attacher', [undefined, 'UPPER.example.com', '', 'A b', long(64), 'x_y', 'a/b']),
    ...each('spec.nodeName', [undefined, '', 'A', 'a b']),
    ...each('spec.source', [undefined, {}, { persistentVolumeName: '' }, { persistentVolumeName: 'A b' }]),
    ...each('spec.source.inlineVolumeSpec', [
      { csi: { driver: 'd.example.com', volumeHandle: 'h' } },
      { accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } },
    ]),
    [
      'an inline volume',
      [
        [
          'spec.source',
          { inlineVolumeSpec: { accessModes: ['ReadWriteOnce'], csi: { driver: 'd.example.com', volumeHandle: 'h' } } },
        ],
      ],
    ],
    ...each('spec.source', [
      inline({ capacity: { storage: '1Gi' } }),
      inline({ claimRef: { name: 'c', namespace: 'n' } }),
      inline({ persistentVolumeReclaimPolicy: 'Delete' }),
      inline({ storageClassName: 'c' }),
      inline({ volumeMode: 'Bad' }),
      inline({ nodeAffinity: {} }),
      inline({ volumeAttributesClassName: 'c' }),
      inline({ csi: { driver: 'A b', volumeHandle: '' } }),
      inline({ accessModes: ['Bad'] }),
    ]),
    ['an inline volume of nothing', [['spec.source', { inlineVolumeSpec: { accessModes: ['ReadWriteOnce'] } }]]],
    ['an inline volume elsewhere', [['spec.source', { inlineVolumeSpec: { hostPath: { path: '/x' } } }]]],
    ['with a status', [['status', { attached: true, attachError: { message: long(2000), time: '2026-01-01T00:00:00Z' } }]]],
  ],
  updates: [
    ...each('spec.attacher', ['e.example.com']),
    ...each('spec.nodeName', ['m']),
    ...each('spec.source.persistentVolumeName', ['w']),
    ...each('status.attached', [true]),
    ...each('metadata.annotations', [{ a: 'b' }]),
  ],
  statuses: [
    ['attached', { attached: true, attachmentMetadata: { a: 'b' } }],
    ['too much metadata', { attached: true, attachmentMetadata: { a: long(300_000) } }],
    ['no name', { attached: true, attachmentMetadata: { '': 'b' } }],
    ['many', { attached: true, attachmentMetadata: many(513) }],
    ['failed', { attached: false, attachError: { message: 'm', time: '2026-01-01T00:00:00Z' } }],
    ['a long message', { attached: false, attachError: { message: long(1025), time: '2026-01-01T00:00:00Z' } }],
    ['a long detach message', { attached: false, detachError: { message: long(1025), time: '2026-01-01T00:00:00Z' } }],
    ['a code', { attached: false, attachError: { message: 'm', errorCode: 8, time: '2026-01-01T00:00:00Z' } }],
    ['a negative code', { attached: false, attachError: { message: 'm', errorCode: -1 } }],
    ['nothing', {}],
  ],
};

export const storageClass: StorageKind = {
  title: 'StorageClass',
  path: `${storageApi}/storageclasses`,
  base: { metadata: { name: 'sa-class' }, provisioner: 'd.example.com', parameters: { a: 'b' } },
  creates: [
    ['plain', []],
    ...each('provisioner', [undefined, '', 'A b', 'kubernetes.io/aws-ebs', 'UPPER.example.com/X', 'a/b/c', long(300)]),
    ...each('parameters', [undefined, { '': 'x' }, many(513), { a: long(262_144) }]),
    ...each('reclaimPolicy', ['Recycle', 'Bad', '', 'Retain']),
    ...each('volumeBindingMode', ['Bad', '', 'WaitForFirstConsumer']),
    ...each('allowedTopologies', [
      [],
      [{}],
      [{ matchLabelExpressions: [] }],
      [{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }] }],
      [
        { matchLabelExpressions: [{ key: 'zone', values: ['a'] }] },
        { matchLabelExpressions: [{ key: 'zone', values: ['a'] }] },
      ],
      [{ matchLabelExpressions: [{ key: 'zone', values: ['a', 'a'] }] }],
      [{ matchLabelExpressions: [{ key: 'zone', values: [] }] }],
      [{ matchLabelExpressions: [{ key: 'a b', values: ['a'] }] }],
      [
        {
          matchLabelExpressions: [
            { key: 'zone', values: ['a'] },
            { key: 'zone', values: ['b'] },
          ],
        },
      ],
      [{ matchLabelExpressions: [{ key: '', values: ['a b'] }] }],
    ]),
    ...each('mountOptions', [['ro', ''], []]),
    [
      'much',
      [
        ['provisioner', ''],
        ['reclaimPolicy', 'X'],
        ['volumeBindingMode', 'Y'],
        ['parameters', { '': '' }],
      ],
    ],
  ],
  updates: [
    ...each('provisioner', ['e.example.com', '']),
    ...each('parameters', [{ a: 'c' }, undefined]),
    ...each('reclaimPolicy', ['Retain']),
    ...each('volumeBindingMode', ['WaitForFirstConsumer', '']),
    ...each('allowVolumeExpansion', [true]),
    ...each('mountOptions', [['ro']]),
    ...each('allowedTopologies', [
      [{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }] }],
      [{ matchLabelExpressions: [] }],
    ]),
    ...each('metadata.labels', [{ a: 'b' }]),
  ],
};

export const attributesClass: StorageKind = {
  title: 'VolumeAttributesClass',
  path: `${storageApi}/volumeattributesclasses`,
  base: { metadata: { name: 'sa-attributes' }, driverName: 'd.example.com', parameters: { a: 'b' } },
  creates: [
    ['plain', []],
    ...each('driverName', [undefined, '', 'A b', long(64), 'x_y']),
    ...each('parameters', [undefined, {}, { '': 'x' }, many(513), { a: long(262_144) }]),
  ],
  updates: [
    ...each('driverName', ['e.example.com', '']),
    ...each('parameters', [{ a: 'c' }, undefined, { a: 'b', c: 'd' }]),
    ...each('metadata.labels', [{ a: 'b' }]),
  ],
};

export const capacity: StorageKind = {
  title: 'CSIStorageCapacity',
  path: `${storageApi}/namespaces/${storageNamespace}/csistoragecapacities`,
  base: {
    metadata: { name: 'sa-capacity' },
    storageClassName: 'c',
    capacity: '1Gi',
    nodeTopology: { matchLabels: { zone: 'a' } },
  },
  creates: [
    ['plain', []],
    ...each('metadata.name', ['A b', long(254)]),
    ...each('storageClassName', [undefined, '', 'A b']),
    ...each('capacity', [undefined, '-1Gi', '0', 'x']),
    ...each('maximumVolumeSize', ['-1', '2Gi', '500Mi']),
    ...each('nodeTopology', [
      undefined,
      {},
      { matchLabels: { 'a b': 'c' } },
      { matchExpressions: [{ key: 'zone', operator: 'In', values: [] }] },
      { matchExpressions: [{ key: 'zone', operator: 'Bad' }] },
      { matchLabels: { zone: 'a b' } },
    ]),
  ],
  updates: [
    ...each('storageClassName', ['d']),
    ...each('nodeTopology', [undefined, { matchLabels: { zone: 'b' } }]),
    ...each('capacity', ['2Gi', '-1', undefined]),
    ...each('maximumVolumeSize', ['1Gi', '-1']),
  ],
};
