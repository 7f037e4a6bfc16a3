// PersistentVolumeClaimResize: which claims may grow. Every answer recorded from the original:
// UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew (the names used must be free there).
import { afterAll, expect, test } from 'vitest';
import { originalFrom, Recording } from '../testing/original.ts';
import { type WireClient, WireServer } from '../testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const namespace = 'claim-resize';
const claims = `/api/v1/namespaces/${namespace}/persistentvolumeclaims`;
const classes = '/apis/storage.k8s.io/v1/storageclasses';
const merge = { type: 'application/merge-patch+json' };
let server: WireServer | undefined;

afterAll(() => server?.stop());

/** Names, and what they say of growth. */
const growth: Readonly<Record<string, boolean | undefined>> = { 'cr-yes': true, 'cr-no': false, 'cr-silent': undefined };

const claim = (name: string, parts: object, annotations: object = {}): object => ({
  metadata: { name, annotations },
  spec: { accessModes: ['ReadWriteOnce'], volumeName: `v-${name}`, resources: { requests: { storage: '2Gi' } }, ...parts },
});

const claimsToGrow: readonly (readonly [string, object])[] = [
  ['grows', claim('grows', { storageClassName: 'cr-yes' })],
  ['forbids', claim('forbids', { storageClassName: 'cr-no' })],
  ['silent', claim('silent', { storageClassName: 'cr-silent' })],
  ['missing', claim('missing', { storageClassName: 'cr-missing' })],
  ['none', claim('none', { storageClassName: '' })],
  ['annotated', claim('annotated', {}, { 'volume.beta.kubernetes.io/storage-class': 'cr-yes' })],
];

test('claims that grow', async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  const admin = (await server?.as('admin', 'system:masters')) ?? ((await original?.('admin', 'system:masters')) as WireClient);
  await admin.call('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
  for (const [name, allowVolumeExpansion] of Object.entries(growth)) {
    const body = { metadata: { name }, provisioner: 'example.com/none', allowVolumeExpansion };
    expect((await admin.call('POST', classes, { body })).code).toBe(201);
  }
  const recording = new Recording();
  const resize = (title: string, name: string, storage: string, more: object = {}) =>
    recording.ask(title, admin, 'PATCH', `${claims}/${name}?dryRun=All`, {
      body: { spec: { resources: { requests: { storage } }, ...more } },
      ...merge,
    });
  for (const [name, body] of claimsToGrow) {
    expect((await admin.call('POST', claims, { body })).code).toBe(201);
    await resize(`${name}, pending`, name, '3Gi');
    const status = { phase: 'Bound', capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOnce'] };
    expect((await admin.call('PATCH', `${claims}/${name}/status`, { body: { status }, ...merge })).code).toBe(200);
    await resize(`${name}, bound`, name, '3Gi');
  }
  await resize('the same size in other words', 'forbids', '2048Mi');
  await resize('less', 'grows', '1Gi');
  await resize('less than it has', 'forbids', '1Gi');
  await resize('more, and another class', 'grows', '3Gi', { storageClassName: 'cr-no' });
  await resize('labels of one that may not grow', 'forbids', '2Gi');
  const other = async (title: string, name: string, parts: object, annotations: object, change: object) => {
    expect((await admin.call('POST', claims, { body: claim(name, parts, annotations) })).code).toBe(201);
    await recording.ask(title, admin, 'PATCH', `${claims}/${name}?dryRun=All`, { body: change, ...merge });
  };
  const annotation = 'volume.beta.kubernetes.io/storage-class';
  await other('another class', 'c-a', { storageClassName: 'cr-yes' }, {}, { spec: { storageClassName: 'cr-no' } });
  await other('a class at last', 'c-b', {}, {}, { spec: { storageClassName: 'cr-no' } });
  await other('no class any more', 'c-c', { storageClassName: 'cr-yes' }, {}, { spec: { storageClassName: null } });
  await other(
    'the annotation as a field',
    'c-d',
    {},
    { [annotation]: 'cr-yes' },
    {
      metadata: { annotations: { [annotation]: null } },
      spec: { storageClassName: 'cr-yes' },
    },
  );
  await other(
    'another one as a field',
    'c-e',
    {},
    { [annotation]: 'cr-yes' },
    {
      metadata: { annotations: { [annotation]: null } },
      spec: { storageClassName: 'cr-no' },
    },
  );
  await other(
    'another annotation',
    'c-f',
    {},
    { [annotation]: 'cr-yes' },
    { metadata: { annotations: { [annotation]: 'x' } } },
  );
  await other(
    'no annotation any more',
    'c-g',
    {},
    { [annotation]: 'cr-yes' },
    { metadata: { annotations: { [annotation]: null } } },
  );
  await other('another volume', 'c-h', { storageClassName: 'cr-yes' }, {}, { spec: { volumeName: 'other' } });
  await other('a volume', 'c-i', { storageClassName: 'cr-yes', volumeName: '' }, {}, { spec: { volumeName: 'other' } });
  recording.check(new URL('../testdata/claim-resize.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);
