// NodeDeclaredFeatureValidator: changes of a running pod that its node must be able to follow. Every answer recorded from the
// original: UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew (the names used must be free there).
import { afterAll, expect, test } from 'vitest';
import { originalFrom, Recording } from '../testing/original.ts';
import { type WireClient, WireServer } from '../testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const namespace = 'declared-features';
const core = `/api/v1/namespaces/${namespace}`;
const strategic = { type: 'application/strategic-merge-patch+json' };
let server: WireServer | undefined;

afterAll(() => server?.stop());

const declared: Readonly<Record<string, readonly string[]>> = {
  'df-none': [],
  'df-pod': ['InPlacePodLevelResourcesVerticalScaling'],
  'df-both': ['InPlacePodLevelResourcesVerticalScaling', 'InPlacePodVerticalScalingInitContainers'],
};
const amounts = (cpu: string, memory = '64Mi') => ({ requests: { cpu, memory }, limits: { cpu: '1', memory: '256Mi' } });
const ofPod = (cpu: string) => amounts(cpu, '256Mi');

function pod(name: string, nodeName: string | undefined): object {
  return {
    metadata: { name },
    spec: {
      ...(nodeName === undefined ? { schedulerName: 'nobody' } : { nodeName }),
      resources: ofPod('500m'),
      initContainers: [
        { name: 'i', image: 'i', resources: amounts('100m') },
        { name: 's', image: 'i', restartPolicy: 'Always', resources: amounts('100m') },
      ],
      containers: [{ name: 'c', image: 'i', resources: amounts('100m') }],
    },
  };
}

const changes: readonly (readonly [string, string, object])[] = [
  ['labels', '', { metadata: { labels: { a: 'b' } } }],
  ['the image', '', { spec: { containers: [{ name: 'c', image: 'j' }] } }],
  ['a container', '/resize', { spec: { containers: [{ name: 'c', resources: amounts('200m') }] } }],
  ['a sidecar', '/resize', { spec: { initContainers: [{ name: 's', resources: amounts('200m') }] } }],
  ['an init container', '/resize', { spec: { initContainers: [{ name: 'i', resources: amounts('200m') }] } }],
  ['the pod', '/resize', { spec: { resources: ofPod('600m') } }],
  [
    'the pod and an init container',
    '/resize',
    {
      spec: { resources: ofPod('600m'), initContainers: [{ name: 'i', resources: amounts('200m') }] },
    },
  ],
  ['nothing', '/resize', { spec: { resources: ofPod('0.5') } }],
];

test('changes that a node must be able to follow', async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  const admin = (await server?.as('admin', 'system:masters')) ?? ((await original?.('admin', 'system:masters')) as WireClient);
  await admin.call('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
  await admin.call('POST', `${core}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  for (const [name, declaredFeatures] of Object.entries(declared)) {
    const status = { declaredFeatures, allocatable: { cpu: '8', memory: '8Gi', pods: '10' } };
    expect((await admin.call('POST', '/api/v1/nodes', { body: { metadata: { name }, status } })).code).toBe(201);
    const patched = await admin.call('PATCH', `/api/v1/nodes/${name}/status`, { body: { status }, ...strategic });
    expect([patched.code, patched.body.status.declaredFeatures ?? []]).toEqual([200, declaredFeatures]);
  }
  const recording = new Recording();
  for (const node of [...Object.keys(declared), 'df-missing', undefined]) {
    const name = `on-${node ?? 'nothing'}`;
    expect((await admin.call('POST', `${core}/pods`, { body: pod(name, node) })).code).toBe(201);
    for (const [title, subresource, body] of changes)
      await recording.ask(`${title}, on ${node}`, admin, 'PATCH', `${core}/pods/${name}${subresource}?dryRun=All`, {
        body,
        ...strategic,
      });
  }
  // A node that cannot resize at all, and more than a node has.
  const windows = { metadata: { name: 'df-windows', labels: { 'kubernetes.io/os': 'windows' } } };
  expect((await admin.call('POST', '/api/v1/nodes', { body: windows })).code).toBe(201);
  for (const nodeName of ['df-windows', 'df-none']) {
    const name = `plain-on-${nodeName}`;
    const spec = { nodeName, containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1', memory: '1Gi' } } }] };
    expect((await admin.call('POST', `${core}/pods`, { body: { metadata: { name }, spec } })).code).toBe(201);
    for (const requests of [{ cpu: '2' }, { cpu: '9' }, { cpu: '9', memory: '9Gi' }, { cpu: '1' }]) {
      const path = `${core}/pods/${name}/resize?dryRun=All`;
      const body = { spec: { containers: [{ name: 'c', resources: { requests } }] } };
      const answer = await recording.ask(JSON.stringify(requests), admin, 'PATCH', path, { body, ...strategic });
      if (answer.code !== 200) recording.note(JSON.stringify(answer.body.details));
    }
  }
  recording.check(new URL('../testdata/declared-features.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);
