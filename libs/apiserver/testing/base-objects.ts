// One object of each resource type with subresources: what the cases of fields start from, on the original and on ours.
import type { KubeObject } from '@drydock/api/resource.ts';
import type { FieldCase } from './field-cases.ts';

const labels = { app: 'a' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const namespaced = { name: 'base', labels: { l: '1' }, annotations: { n: '1' }, finalizers: ['example.com/f'] };
/** A certificate request (PKCS #10) of CN=someone, O=team. */
export const certificateRequest =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIZE1JR0RBZ0VBTUNFeERUQUxCZ05WQkFvTUJIUmxZVzB4RURBT0JnTlZCQU1NQjNOdmJXVnZibVV3V1RBVApCZ2NxaGtqT1BRSUJCZ2dxaGtqT1BRTUJCd05DQUFRbGR0VXA1M0pmQ0R1TEwxWXF4cXA5NkVVNFdQdWYxeEE4ClFLT293RktJalU5OEFHSnZzajRyVE1sa2pTRFVrbFdDUmlURG9wTHpBRTJaVDZqZVdjSTZvQUF3Q2dZSUtvWkkKemowRUF3SURTUUF3UmdJaEFKT01HcWNCRXJ2YXZXYkRETm5Ga3VmUXhCNHRyWmcxZ2tCVHhKdkVDM0NjQWlFQQpuMktTTDlFYUlsdytZaTF0d0w5YmNoblk3SnNkQkp4bk9HampYRHM3N2ZrPQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K';

interface Base {
  readonly resource: string;
  /** `v1` or `apps/v1`. */
  readonly version: string;
  readonly namespaced: boolean;
  readonly object: KubeObject & Readonly<Record<string, unknown>>;
  /** Written through the status subresource right after the object was made. */
  readonly status?: unknown;
  /** Writes that no schema thinks of, through this type's subresources. */
  readonly more?: readonly FieldCase[];
}

function base(version: string, resource: string, kind: string, parts: object, status?: unknown, isNamespaced = true): Base {
  const object = { apiVersion: version, kind, metadata: namespaced, ...parts };
  return { resource, version, namespaced: isNamespaced, object, ...(status === undefined ? {} : { status }) };
}

const pod = {
  nodeName: 'n1',
  containers: [
    { name: 'c', image: 'i', resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } } },
  ],
  tolerations: [{ key: 'k', operator: 'Exists' }],
};
const condition = { type: 'Ready', status: 'True', reason: 'r', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' };
const selector = { matchLabels: labels };

const [container] = pod.containers;
const otherResources = { requests: { cpu: '2', memory: '1Gi' }, limits: { cpu: '2', memory: '1Gi' } };
const probe = { name: 'debug', image: 'i', imagePullPolicy: 'Always', terminationMessagePolicy: 'File' };

function specCase(name: string, field: string, value: unknown): FieldCase {
  return { name, path: ['spec', field], value };
}

const podCases: readonly FieldCase[] = [
  specCase('a debugging container', 'ephemeralContainers', [probe]),
  specCase('a debugging container named as another', 'ephemeralContainers', [{ ...probe, name: 'c' }]),
  specCase('a debugging container with ports', 'ephemeralContainers', [{ ...probe, ports: [{ containerPort: 1 }] }]),
  specCase('other resources', 'containers', [{ ...container, resources: otherResources }]),
  specCase('more than the node has', 'containers', [
    { ...container, resources: { requests: { cpu: '9', memory: '1Gi' }, limits: { cpu: '9', memory: '1Gi' } } },
  ]),
  specCase('other resources and image', 'containers', [{ ...container, image: 'other', resources: otherResources }]),
  specCase('resources of another class', 'containers', [{ ...container, resources: { requests: { cpu: '1' } } }]),
  specCase('a container more', 'containers', [container, { ...container, name: 'd' }]),
  specCase('a renamed container', 'containers', [{ ...container, name: 'd' }]),
];

function conditionsCase(name: string, ...conditions: readonly object[]): FieldCase {
  return { name, path: ['status', 'conditions'], value: conditions };
}

const approved = { type: 'Approved', status: 'True', reason: 'r', message: 'm' };
const denied = { ...approved, type: 'Denied' };
const requestCases: readonly FieldCase[] = [
  conditionsCase('an approval', approved),
  conditionsCase('a denial', denied),
  conditionsCase('both', approved, denied),
  conditionsCase('an approval that is false', { ...approved, status: 'False' }),
  conditionsCase('a failure', { ...approved, type: 'Failed' }),
  conditionsCase('two approvals', approved, approved),
  conditionsCase('a condition without a type', { ...approved, type: '' }),
  conditionsCase('a condition without a status', { type: 'Approved' }),
  conditionsCase('a condition of its own', { ...approved, type: 'Mine', status: 'Unknown' }),
];

/** By resource name. Conditions and counters are there so that a write that clears them shows. */
export const baseObjects: readonly Base[] = [
  base('v1', 'namespaces', 'Namespace', {}, undefined, false),
  base(
    'v1',
    'nodes',
    'Node',
    { metadata: { ...namespaced, name: 'n1' }, spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'] } },
    { conditions: [condition], allocatable: { cpu: '8', memory: '32Gi' } },
    false,
  ),
  base('v1', 'persistentvolumeclaims', 'PersistentVolumeClaim', {
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 's', resources: { requests: { storage: '1Gi' } } },
  }),
  base(
    'v1',
    'persistentvolumes',
    'PersistentVolume',
    { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } } },
    undefined,
    false,
  ),
  {
    ...base('v1', 'pods', 'Pod', { spec: pod }, { phase: 'Running', conditions: [{ ...condition, observedGeneration: 1 }] }),
    more: podCases,
  },
  base(
    'v1',
    'replicationcontrollers',
    'ReplicationController',
    { spec: { replicas: 1, selector: labels, template } },
    { replicas: 1 },
  ),
  base(
    'v1',
    'resourcequotas',
    'ResourceQuota',
    { spec: { hard: { 'count/things.example.com': '9' } } },
    { hard: { 'count/things.example.com': '9' } },
  ),
  base('v1', 'services', 'Service', { spec: { selector: labels, clusterIP: '10.207.0.77', ports: [{ port: 80 }] } }),
  base('apps/v1', 'daemonsets', 'DaemonSet', { spec: { selector, template } }, { currentNumberScheduled: 1 }),
  base('apps/v1', 'deployments', 'Deployment', { spec: { replicas: 1, selector, template } }, { replicas: 1 }),
  base('apps/v1', 'replicasets', 'ReplicaSet', { spec: { replicas: 1, selector, template } }, { replicas: 1 }),
  base(
    'apps/v1',
    'statefulsets',
    'StatefulSet',
    { spec: { replicas: 1, selector, serviceName: 's', template } },
    { replicas: 1 },
  ),
  base(
    'autoscaling/v2',
    'horizontalpodautoscalers',
    'HorizontalPodAutoscaler',
    { spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, minReplicas: 1, maxReplicas: 3 } },
    { desiredReplicas: 2 },
  ),
  base('batch/v1', 'cronjobs', 'CronJob', {
    spec: {
      schedule: '0 0 1 1 *',
      jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } },
    },
  }),
  base('batch/v1', 'jobs', 'Job', {
    spec: { suspend: true, template: { spec: { ...template.spec, restartPolicy: 'Never' } } },
  }),
  {
    ...base(
      'certificates.k8s.io/v1',
      'certificatesigningrequests',
      'CertificateSigningRequest',
      { spec: { request: certificateRequest, signerName: 'example.com/signer', usages: ['client auth'] } },
      undefined,
      false,
    ),
    more: requestCases,
  },
  base('networking.k8s.io/v1', 'ingresses', 'Ingress', {
    spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } },
  }),
  base('networking.k8s.io/v1', 'servicecidrs', 'ServiceCIDR', { spec: { cidrs: ['10.200.0.0/24'] } }, undefined, false),
  base(
    'policy/v1',
    'poddisruptionbudgets',
    'PodDisruptionBudget',
    { spec: { minAvailable: 1, selector } },
    {
      disruptionsAllowed: 1,
      currentHealthy: 1,
      desiredHealthy: 1,
      expectedPods: 1,
    },
  ),
  base(
    'storage.k8s.io/v1',
    'volumeattachments',
    'VolumeAttachment',
    { spec: { attacher: 'a.example.com', nodeName: 'n1', source: { persistentVolumeName: 'base' } } },
    { attached: true },
    false,
  ),
  base(
    'admissionregistration.k8s.io/v1',
    'validatingadmissionpolicies',
    'ValidatingAdmissionPolicy',
    {
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] }],
        },
        validations: [{ expression: 'true' }],
      },
    },
    undefined,
    false,
  ),
  base(
    'apiextensions.k8s.io/v1',
    'customresourcedefinitions',
    'CustomResourceDefinition',
    {
      metadata: { name: 'things.example.com', labels: { l: '1' }, annotations: { n: '1' } },
      spec: {
        group: 'example.com',
        names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
        scope: 'Namespaced',
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    },
    {
      conditions: [condition],
      acceptedNames: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
      storedVersions: ['v1'],
    },
    false,
  ),
  base(
    'apiregistration.k8s.io/v1',
    'apiservices',
    'APIService',
    {
      metadata: { name: 'v1.example.org', labels: { l: '1' }, annotations: { n: '1' } },
      spec: {
        group: 'example.org',
        version: 'v1',
        groupPriorityMinimum: 10,
        versionPriority: 10,
        insecureSkipTLSVerify: true,
        service: { namespace: 'default', name: 's' },
      },
    },
    { conditions: [condition] },
    false,
  ),
  base('resource.k8s.io/v1', 'resourceclaims', 'ResourceClaim', {
    spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } },
  }),
  base(
    'flowcontrol.apiserver.k8s.io/v1',
    'flowschemas',
    'FlowSchema',
    { spec: { matchingPrecedence: 9000, priorityLevelConfiguration: { name: 'global-default' } } },
    { conditions: [condition] },
    false,
  ),
  base(
    'flowcontrol.apiserver.k8s.io/v1',
    'prioritylevelconfigurations',
    'PriorityLevelConfiguration',
    { spec: { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' } } } },
    undefined,
    false,
  ),
];
