import type { Pod } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { ofApi } from '../static/static-pod.ts';
import { type AdmissionInput, admitPod } from './admission.ts';

const pod = (spec: object = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default', uid: 'u' },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
});
const asks = (requests: Record<string, string>, more: object = {}): Pod =>
  pod({ containers: [{ name: 'c', image: 'i', resources: { requests }, ...more }] });
const port = (hostPort: number): Pod => asks({}, { ports: [{ containerPort: 80, hostPort }] });
const node = {
  metadata: { name: 'n', labels: { zone: 'a' } },
  spec: { taints: [{ key: 'out', effect: 'NoExecute' }] },
};
const extended = (amount: string) => ({
  metadata: { name: 'n' },
  status: { allocatable: { cpu: '2', 'scheduling.k8s.io/foo': amount } },
});
const confining = { confines: { appArmor: true, supplementalGroupsPolicy: true } };
const appArmor = (appArmorProfile: object): Pod => pod({ securityContext: { appArmorProfile } });
const annotated = (profile: string): Pod => ({
  ...pod(),
  metadata: { ...pod().metadata, annotations: { 'container.apparmor.security.beta.kubernetes.io/c': profile } },
});
/** As a kubelet knows what it read from a file; anybody may write these annotations into a pod of the API server. */
const ofFile: Pod = {
  ...pod(),
  metadata: {
    ...pod().metadata,
    annotations: { 'kubernetes.io/config.source': 'file', 'kubernetes.io/config.mirror': 'x' },
  },
};
const tolerant = { tolerations: [{ key: 'out', operator: 'Exists' }] };
const allocatable = { cpu: '2', memory: '1Gi', pods: '3', 'ephemeral-storage': '1Gi' };

const cases: [string, Pod, Partial<AdmissionInput>, string | undefined, string?][] = [
  ['fits', asks({ cpu: '1' }), {}, undefined],
  [
    'cpu',
    asks({ cpu: '1500m' }),
    { others: [asks({ cpu: '1' })] },
    'OutOfcpu',
    'cpu, requested: 1500, used: 1000, capacity: 2000',
  ],
  ['memory', asks({ memory: '2Gi' }), {}, 'OutOfmemory'],
  [
    'overhead, its own and that of others',
    { ...pod(), spec: { ...asks({ cpu: '1' }).spec, overhead: { cpu: '300m' } } as Pod['spec'] },
    { others: [{ ...pod(), spec: { ...asks({ cpu: '500m' }).spec, overhead: { cpu: '250m' } } as Pod['spec'] }] },
    'OutOfcpu',
    'cpu, requested: 1300, used: 750, capacity: 2000',
  ],
  ['pods', pod(), { others: [pod(), pod(), pod()] }, 'OutOfpods', 'pods, requested: 1, used: 3, capacity: 3'],
  ['a resource that no node speaks of', asks({ 'example.com/gpu': '1' }), {}, undefined],
  ['a resource of the node object', asks({ 'scheduling.k8s.io/foo': '3' }), { node: extended('5') }, undefined],
  [
    'more than the node object has',
    asks({ 'scheduling.k8s.io/foo': '6' }),
    { node: extended('5') },
    'OutOfscheduling.k8s.io/foo',
  ],
  [
    'what others have taken of it',
    asks({ 'scheduling.k8s.io/foo': '3' }),
    { node: extended('5'), others: [asks({ 'scheduling.k8s.io/foo': '3' })] },
    'OutOfscheduling.k8s.io/foo',
    'requested: 3, used: 3, capacity: 5',
  ],
  ['annotations make nobody critical', ofApi(ofFile), { pressures: new Set(['DiskPressure']) }, 'Evicted'],
  ['a manifest does', ofFile, { pressures: new Set(['DiskPressure']) }, undefined],
  ['selector', pod({ nodeSelector: { zone: 'b' }, ...tolerant }), { node }, 'NodeAffinity', "didn't match Pod's node affinity"],
  ['host port', port(80), { others: [port(80)] }, 'NodePorts'],
  ['other host port', port(81), { others: [port(80)] }, undefined],
  ['taint', pod(), { node }, 'TaintToleration'],
  ['tolerated taint', pod({ nodeSelector: { zone: 'a' }, ...tolerant }), { node }, undefined],
  [
    'sysctl',
    pod({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }),
    {},
    'SysctlForbidden',
    '"kernel.msgmax"',
  ],
  [
    'allowed sysctl',
    pod({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }),
    { allowedSysctls: ['kernel.msg*'] },
    undefined,
  ],
  ['best effort, memory short', pod(), { pressures: new Set(['MemoryPressure']) }, 'Evicted', '[MemoryPressure]'],
  ['burstable, memory short', asks({ cpu: '1m' }), { pressures: new Set(['MemoryPressure']) }, undefined],
  ['burstable, disk short', asks({ cpu: '1m' }), { pressures: new Set(['DiskPressure']) }, 'Evicted'],
  ['critical, disk short', pod({ priority: 2_000_001_000 }), { pressures: new Set(['DiskPressure']) }, undefined],
  [
    'groups of its own alone',
    pod({ securityContext: { supplementalGroupsPolicy: 'Strict' } }),
    {},
    'SupplementalGroupsPolicyNotSupported',
    'SupplementalGroupsPolicy=Strict is not supported in this node',
  ],
  ['groups of its own, and of the image', pod({ securityContext: { supplementalGroupsPolicy: 'Merge' } }), {}, undefined],
  [
    'groups of its own alone, which can be',
    pod({ securityContext: { supplementalGroupsPolicy: 'Strict' } }),
    confining,
    undefined,
  ],
  [
    'AppArmor',
    appArmor({ type: 'RuntimeDefault' }),
    {},
    'AppArmor',
    'Cannot enforce AppArmor: AppArmor is not enabled on the host',
  ],
  ['AppArmor, which can be', appArmor({ type: 'Localhost', localhostProfile: 'p' }), confining, undefined],
  ['no AppArmor', appArmor({ type: 'Unconfined' }), {}, undefined],
  ['AppArmor of one container', asks({}, { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }), {}, 'AppArmor'],
  ['AppArmor by annotation', annotated('localhost/p'), {}, 'AppArmor'],
  ['no AppArmor by annotation', annotated('unconfined'), {}, undefined],
  ['windows', pod({ os: { name: 'windows' } }), {}, 'PodOSNotSupported'],
];

test.each(cases)('%s', (_, wanted, more, reason, text = '') => {
  const result = admitPod({
    pod: wanted,
    node: undefined,
    others: [],
    allocatable,
    pressures: new Set(),
    confines: { appArmor: false, supplementalGroupsPolicy: false },
    allowedSysctls: [],
    ...more,
  } as AdmissionInput);
  expect(result?.reason).toBe(reason);
  if (reason !== undefined) expect(result?.message).toMatch(/^Pod was rejected: /);
  expect(result?.message ?? '').toContain(text);
});
