// Limit ranges and quotas of every sort, and what they make of pods, services, claims and other objects.
import type { Before, RequestCase } from './request-cases.ts';

const core = (namespace: string, resource: string) => `/api/v1/namespaces/${namespace}/${resource}`;

interface Resources {
  readonly requests?: object;
  readonly limits?: object;
}

const pod = (resources: Resources = {}, more: object = {}) => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', image: 'i', resources }], ...more },
});
const claim = (storage: string, more: object = {}) => ({
  metadata: { name: 'v' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, ...more },
});
const service = (spec: object) => ({ metadata: { name: 's' }, spec });
const both = (list: object): Resources => ({ requests: list, limits: list });

const ranges: Readonly<Record<string, readonly object[]>> = {
  'lr-defaults': [{ type: 'Container', default: { cpu: '200m', memory: '64Mi' }, defaultRequest: { cpu: '100m' } }],
  'lr-container': [
    {
      type: 'Container',
      min: { cpu: '100m', memory: '10Mi' },
      max: { cpu: '1', memory: '1Gi' },
      maxLimitRequestRatio: { cpu: '2' },
    },
  ],
  'lr-pod': [{ type: 'Pod', min: { cpu: '200m' }, max: { cpu: '1', memory: '1Gi' }, maxLimitRequestRatio: { memory: '2' } }],
  'lr-claim': [{ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '10Gi' } }],
};
const quotas: Readonly<Record<string, { readonly spec: object; readonly used: object }>> = {
  'q-compute': {
    spec: { hard: { pods: '2', 'requests.cpu': '1', 'limits.memory': '1Gi', 'count/pods': '5' } },
    used: { pods: '1', 'requests.cpu': '500m', 'limits.memory': '512Mi', 'count/pods': '1' },
  },
  'q-bare': {
    spec: { hard: { cpu: '1', memory: '1Gi', 'requests.example.com/gpu': '1' } },
    used: { cpu: '0', memory: '0', 'requests.example.com/gpu': '1' },
  },
  'q-effort': { spec: { hard: { pods: '0' }, scopes: ['BestEffort'] }, used: { pods: '0' } },
  'q-terminating': { spec: { hard: { pods: '0' }, scopes: ['Terminating'] }, used: { pods: '0' } },
  'q-priority': {
    spec: {
      hard: { pods: '0' },
      scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] }] },
    },
    used: { pods: '0' },
  },
  'q-affinity': { spec: { hard: { pods: '0' }, scopes: ['CrossNamespacePodAffinity'] }, used: { pods: '0' } },
  'q-services': {
    spec: { hard: { services: '2', 'services.nodeports': '2', 'services.loadbalancers': '0' } },
    used: { services: '1', 'services.nodeports': '1', 'services.loadbalancers': '0' },
  },
  'q-claims': {
    spec: {
      hard: {
        persistentvolumeclaims: '2',
        'requests.storage': '10Gi',
        'gold.storageclass.storage.k8s.io/requests.storage': '1Gi',
        'silver.storageclass.storage.k8s.io/persistentvolumeclaims': '0',
      },
    },
    used: {
      persistentvolumeclaims: '1',
      'requests.storage': '5Gi',
      'gold.storageclass.storage.k8s.io/requests.storage': '0',
      'silver.storageclass.storage.k8s.io/persistentvolumeclaims': '0',
    },
  },
  'q-counts': {
    spec: { hard: { configmaps: '0', 'count/secrets': '0', 'count/deployments.apps': '0', 'count/jobs.batch': '1' } },
    used: { configmaps: '0', 'count/secrets': '0', 'count/deployments.apps': '0', 'count/jobs.batch': '1' },
  },
  'q-unknown': { spec: { hard: { pods: '5', secrets: '5' } }, used: {} },
};

const namespaces = [...Object.keys(ranges), ...Object.keys(quotas)];

export const quotaBefore: readonly Before[] = namespaces.flatMap((name): Before[] => {
  const limits = ranges[name];
  const quota = quotas[name];
  return [
    { path: '/api/v1/namespaces', object: { metadata: { name } } },
    { path: core(name, 'serviceaccounts'), object: { metadata: { name: 'default' } } },
    ...(limits === undefined
      ? []
      : [{ path: core(name, 'limitranges'), object: { metadata: { name: 'range' }, spec: { limits } } }]),
    ...(quota === undefined
      ? []
      : [
          {
            path: core(name, 'resourcequotas'),
            object: { metadata: { name: 'quota' }, spec: quota.spec },
            status: { hard: name === 'q-unknown' ? {} : (quota.spec as { hard: object }).hard, used: quota.used },
          },
        ]),
  ];
});

function create(namespace: string, resource: string, body: object): RequestCase {
  return {
    name: '',
    method: 'POST',
    path: `${core(namespace, resource)}?dryRun=All`,
    body,
    shows: resource === 'pods' ? ['spec.containers', 'spec.initContainers', 'metadata.annotations'] : [],
  };
}

const pods = (namespace: string, ...bodies: object[]) => bodies.map((body) => create(namespace, 'pods', body));
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };

export const quotaCases: readonly RequestCase[] = [
  ...pods(
    'lr-defaults',
    pod(),
    pod({ requests: { cpu: '50m' } }),
    pod({ limits: { cpu: '300m', memory: '1Mi' } }),
    pod(
      {},
      {
        initContainers: [
          { name: 'i', image: 'i' },
          { name: 'j', image: 'i', resources: { limits: { cpu: '1' } } },
        ],
      },
    ),
  ),
  ...pods(
    'lr-container',
    pod(),
    pod(both({ cpu: '500m', memory: '100Mi' })),
    pod(both({ cpu: '50m', memory: '1Mi' })),
    pod(both({ cpu: '2', memory: '2Gi' })),
    pod({ requests: { cpu: '100m', memory: '10Mi' }, limits: { cpu: '500m', memory: '20Mi' } }),
    pod({ requests: { cpu: '100m', memory: '20Mi' }, limits: { cpu: '200m' } }),
    pod(both({ cpu: '500m', memory: '100Mi' }), {
      initContainers: [{ name: 'i', image: 'i', resources: both({ cpu: '10m', memory: '20Mi' }) }],
    }),
  ),
  ...pods(
    'lr-pod',
    pod(),
    pod(both({ cpu: '100m', memory: '1Gi' })),
    pod(both({ cpu: '500m', memory: '1Gi' }), {
      initContainers: [{ name: 'i', image: 'i', resources: both({ cpu: '2', memory: '20Mi' }) }],
    }),
    pod({ requests: { cpu: '500m', memory: '100Mi' }, limits: { cpu: '500m', memory: '300Mi' } }),
    pod(both({ cpu: '500m', memory: '1Gi' })),
  ),
  ...['500Mi', '1Gi', '10Gi', '11Gi'].map((storage) => create('lr-claim', 'persistentvolumeclaims', claim(storage))),
  ...pods(
    'q-compute',
    pod(),
    pod({ requests: { cpu: '100m' } }),
    pod({ requests: { cpu: '100m' }, limits: { memory: '100Mi' } }),
    pod({ requests: { cpu: '600m' }, limits: { memory: '1Gi' } }),
    pod(
      { requests: { cpu: '100m' }, limits: { memory: '100Mi' } },
      {
        initContainers: [
          { name: 'i', image: 'i' },
          { name: 'j', image: 'i', resources: { requests: { cpu: '1' } } },
        ],
      },
    ),
    pod(
      { requests: { cpu: '100m' }, limits: { memory: '100Mi' } },
      { initContainers: [{ name: 'i', image: 'i', resources: { requests: { cpu: '900m' }, limits: { memory: '1Mi' } } }] },
    ),
  ),
  ...pods(
    'q-bare',
    pod(both({ cpu: '2', memory: '1Mi' })),
    pod(both({ cpu: '1', memory: '1Mi', 'example.com/gpu': '1' })),
    pod({ requests: { cpu: '1' } }),
  ),
  ...pods('q-effort', pod(), pod({ requests: { cpu: '1' } }), pod({ requests: { 'ephemeral-storage': '1' } })),
  ...pods('q-terminating', pod(), pod({}, { activeDeadlineSeconds: 5 })),
  ...pods('q-priority', pod(), pod({}, { priorityClassName: 'system-node-critical' })),
  ...pods(
    'q-affinity',
    pod(),
    pod(
      {},
      {
        affinity: {
          podAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'k', labelSelector: {}, namespaces: ['x'] }],
          },
        },
      },
    ),
    pod(
      {},
      {
        affinity: {
          podAntiAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 1, podAffinityTerm: { topologyKey: 'k', labelSelector: {}, namespaceSelector: {} } },
            ],
          },
        },
      },
    ),
    pod(
      {},
      {
        affinity: {
          podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'k', labelSelector: {} }] },
        },
      },
    ),
  ),
  ...[
    { ports: [{ port: 1 }] },
    { type: 'NodePort', ports: [{ port: 1 }] },
    {
      type: 'NodePort',
      ports: [
        { port: 1, name: 'a' },
        { port: 2, name: 'b' },
      ],
    },
    { type: 'LoadBalancer', ports: [{ port: 1 }] },
    { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 1 }] },
  ].map((spec) => create('q-services', 'services', service(spec))),
  ...[
    claim('1Gi'),
    claim('6Gi'),
    claim('1Gi', { storageClassName: 'gold' }),
    claim('2Gi', { storageClassName: 'gold' }),
    claim('1Gi', { storageClassName: 'silver' }),
    { ...claim('2Gi'), metadata: { name: 'v', annotations: { 'volume.beta.kubernetes.io/storage-class': 'gold' } } },
  ].map((body) => create('q-claims', 'persistentvolumeclaims', body)),
  create('q-counts', 'configmaps', { metadata: { name: 'c' } }),
  create('q-counts', 'secrets', { metadata: { name: 'c' } }),
  {
    name: '',
    method: 'POST',
    path: '/apis/apps/v1/namespaces/q-counts/deployments?dryRun=All',
    body: { metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template } },
  },
  {
    name: '',
    method: 'POST',
    path: '/apis/batch/v1/namespaces/q-counts/jobs?dryRun=All',
    body: { metadata: { name: 'j' }, spec: { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } } },
  },
  ...pods('q-counts', pod()),
  ...pods('q-unknown', pod()),
  create('q-unknown', 'secrets', { metadata: { name: 'c' } }),
];
