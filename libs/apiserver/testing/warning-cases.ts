// Objects that the original takes and warns of, each in the namespace of request-cases.ts.
import type { RequestCase } from './request-cases.ts';

const namespace = 'namespaces/requests';
const container = { name: 'c', image: 'i' };
const podSpec = (more: object = {}) => ({ containers: [container], ...more });
const template = (more: object = {}) => ({ metadata: { labels: { a: 'b' } }, spec: podSpec(more) });
const selector = { matchLabels: { a: 'b' } };
const oneContainer = (more: object) => podSpec({ containers: [{ ...container, ...more }] });

function create(path: string, name: string, parts: object, metadata: object = {}): RequestCase {
  return { name: '', method: 'POST', path: `${path}?dryRun=All`, body: { metadata: { name, ...metadata }, ...parts } };
}

const pod = (spec: object, metadata: object = {}) => create(`/api/v1/${namespace}/pods`, 'p', { spec }, metadata);
const affinity = (key: string) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'Exists' }] }],
      },
    },
  },
});
const volume = (source: object, mounts: readonly object[] = []) =>
  podSpec({ volumes: [{ name: 'v', ...source }], containers: [{ ...container, volumeMounts: mounts }] });

const pods: readonly RequestCase[] = [
  pod(podSpec({ terminationGracePeriodSeconds: -1 })),
  pod(
    podSpec({
      nodeSelector: {
        'beta.kubernetes.io/arch': 'amd64',
        'failure-domain.beta.kubernetes.io/zone': 'a',
        'cloud.google.com/gke-local-ssd': 'x',
      },
    }),
  ),
  pod(
    podSpec({
      nodeSelector: {
        'beta.kubernetes.io/os': 'linux',
        'beta.kubernetes.io/instance-type': 'x',
        'failure-domain.beta.kubernetes.io/region': 'a',
      },
    }),
  ),
  pod(podSpec(affinity('beta.kubernetes.io/arch'))),
  pod(
    podSpec({
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'beta.kubernetes.io/arch', whenUnsatisfiable: 'ScheduleAnyway' }],
    }),
  ),
  pod(podSpec(), { annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'runtime/default' } }),
  pod(podSpec(), { annotations: { 'container.seccomp.security.alpha.kubernetes.io/c': 'runtime/default' } }),
  pod(podSpec(), { annotations: { 'container.apparmor.security.beta.kubernetes.io/c': 'runtime/default' } }),
  pod(podSpec({ imagePullSecrets: [{}] })),
  pod(podSpec({ imagePullSecrets: [{ name: 'a' }, { name: 'a' }] })),
  pod(
    podSpec({
      hostAliases: [
        { ip: '10.0.0.1', hostnames: ['a'] },
        { ip: '10.0.0.1', hostnames: ['b'] },
      ],
    }),
  ),
  pod(
    oneContainer({
      env: [
        { name: 'a', value: '1' },
        { name: 'a', value: '2' },
      ],
    }),
  ),
  pod(
    oneContainer({
      env: [
        { name: 'a', value: '1' },
        { name: 'a', value: '$(a)x' },
      ],
    }),
  ),
  pod(oneContainer({ ports: [{ containerPort: 80 }, { containerPort: 80 }] })),
  pod(
    oneContainer({
      ports: [
        { containerPort: 80, name: 'a' },
        { containerPort: 80, name: 'b', protocol: 'UDP' },
        { containerPort: 80, name: 'd' },
      ],
    }),
  ),
  pod(oneContainer({ resources: { requests: { memory: '100m', cpu: '1' }, limits: { memory: '1500m' } } })),
  pod(oneContainer({ resources: { requests: { 'ephemeral-storage': '100m' } } })),
  pod(volume({ gitRepo: { repository: 'x' } })),
  pod(volume({ glusterfs: { endpoints: 'e', path: 'p' } })),
  pod(volume({ rbd: { monitors: ['m'], image: 'i' } })),
  pod(volume({ cephfs: { monitors: ['m'] } })),
  pod(volume({ scaleIO: { gateway: 'g', system: 's', volumeName: 'v', secretRef: { name: 's' } } })),
  pod(volume({ storageos: { volumeName: 'v', volumeNamespace: 'n' } })),
  pod(volume({ quobyte: { registry: 'r:1', volume: 'v' } })),
  pod(volume({ flocker: { datasetName: 'd' } })),
  pod(volume({ emptyDir: { sizeLimit: '100m' } })),
  pod(
    volume({
      configMap: {
        name: 'a',
        items: [
          { key: 'a', path: 'x' },
          { key: 'b', path: 'x' },
        ],
      },
    }),
  ),
  pod(
    volume({
      projected: {
        sources: [
          { configMap: { name: 'a', items: [{ key: 'k', path: 'x' }] } },
          { secret: { name: 's', items: [{ key: 'k', path: 'x/y' }] } },
        ],
      },
    }),
  ),
  pod(
    volume({
      ephemeral: {
        volumeClaimTemplate: {
          metadata: { annotations: { 'volume.beta.kubernetes.io/storage-class': 's' } },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '100m' } } },
        },
      },
    }),
  ),
  pod(podSpec({ dnsConfig: { searches: ['a', 'a'] } })),
  pod(
    podSpec({
      affinity: {
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'beta.kubernetes.io/arch' }] },
      },
    }),
  ),
  create(`/api/v1/${namespace}/pods`, 'a.b', { spec: podSpec() }),
  {
    name: '',
    method: 'POST',
    path: `/api/v1/${namespace}/pods?dryRun=All`,
    body: { metadata: { name: 'p' }, spec: { containers: [{ ...container, wrong: 1 }], more: 2 } },
  },
];

const apps = '/apis/apps/v1';
const workloads: readonly RequestCase[] = ['deployments', 'replicasets', 'statefulsets', 'daemonsets'].flatMap((resource) => {
  const more = resource === 'statefulsets' ? { serviceName: 's' } : {};
  const set = (name: string, spec: object) =>
    create(`${apps}/${namespace}/${resource}`, name, { spec: { selector, ...more, ...spec } });
  return [
    ...(resource === 'statefulsets' ? [] : [set('a.b', { template: template() })]),
    set('a', { template: template({ nodeSelector: { 'beta.kubernetes.io/arch': 'amd64' } }) }),
    set('a', { template: template({ containers: [{ ...container, env: [{ name: 'a' }, { name: 'a' }] }] }) }),
  ];
});
const claims = (metadata: object, spec: object) => ({
  metadata: { name: 'v', ...metadata },
  spec: { accessModes: ['ReadWriteOnce'], ...spec },
});
const others: readonly RequestCase[] = [
  create(`/apis/apps/v1/${namespace}/statefulsets`, 'a', {
    spec: { selector, serviceName: 's', revisionHistoryLimit: -1, template: template() },
  }),
  create(`/apis/apps/v1/${namespace}/statefulsets`, 'a', {
    spec: {
      selector,
      template: template(),
      volumeClaimTemplates: [claims({}, { resources: { requests: { storage: '100m' } } })],
    },
  }),
  create(`/apis/apps/v1/${namespace}/statefulsets`, 'a', { spec: { selector, serviceName: '', template: template() } }),
  create(`/api/v1/${namespace}/replicationcontrollers`, 'a', {
    spec: { selector: { a: 'b' }, template: template({ nodeSelector: { 'beta.kubernetes.io/os': 'x' } }) },
  }),
  create(`/api/v1/${namespace}/podtemplates`, 'a', { template: template({ nodeSelector: { 'beta.kubernetes.io/os': 'x' } }) }),
  create(`/apis/batch/v1/${namespace}/jobs`, 'a.b', { spec: { template: template({ restartPolicy: 'Never' }) } }),
  create(`/apis/batch/v1/${namespace}/jobs`, 'a', {
    spec: {
      completions: 200000,
      parallelism: 20000,
      completionMode: 'Indexed',
      template: template({ restartPolicy: 'Never' }),
    },
  }),
  create(`/apis/batch/v1/${namespace}/cronjobs`, 'a', {
    spec: {
      schedule: '* * * * *',
      jobTemplate: { spec: { template: template({ restartPolicy: 'Never', nodeSelector: { 'beta.kubernetes.io/os': 'x' } }) } },
    },
  }),
  create(`/apis/policy/v1/${namespace}/poddisruptionbudgets`, 'a', { spec: { minAvailable: 1 } }),
  create(`/apis/policy/v1/${namespace}/poddisruptionbudgets`, 'a', { spec: { minAvailable: 1, selector: {} } }),
  create(`/api/v1/${namespace}/endpoints`, 'a', { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 1 }] }] }),
  create(`/api/v1/${namespace}/services`, 'a', {
    spec: { ports: [{ port: 1 }], type: 'LoadBalancer', loadBalancerIP: '10.0.0.1' },
  }),
  create(`/api/v1/${namespace}/services`, 'a', {
    spec: {
      ports: [
        { port: 1, name: 'x' },
        { port: 1, name: 'y', protocol: 'UDP' },
      ],
      type: 'ExternalName',
      externalName: 'a.b',
    },
  }),
  create(`/api/v1/${namespace}/services`, 'a', {
    spec: { clusterIP: 'None', sessionAffinity: 'ClientIP', ports: [{ port: 1 }] },
  }),
  create(`/api/v1/${namespace}/services`, 'a', {
    spec: { clusterIP: 'None', loadBalancerIP: '1.2.3.4', externalIPs: ['1.2.3.4'], ports: [{ port: 1 }] },
  }),
  create(`/api/v1/${namespace}/services`, 'a', { spec: { externalIPs: ['1.2.3.4'], ports: [{ port: 1 }] } }),
  create(`/api/v1/${namespace}/services`, 'a', {
    spec: { type: 'ExternalName', externalName: 'a.b', externalIPs: ['1.2.3.4'] },
  }),
  create(`/api/v1/${namespace}/services`, 'a', { spec: { externalName: 'a.b', ports: [{ port: 1 }] } }),
  create(`/api/v1/${namespace}/services`, 'a', { spec: { clusterIP: '300.1.1.1', ports: [{ port: 1 }] } }),
  create(
    `/api/v1/${namespace}/services`,
    'a',
    { spec: { ports: [{ port: 1 }] } },
    { annotations: { 'service.kubernetes.io/topology-aware-hints': 'auto' } },
  ),
  create(`/api/v1/${namespace}/services`, 'a', { spec: { ports: [{ port: 1 }], trafficDistribution: 'PreferClose' } }),
  create(`/api/v1/${namespace}/persistentvolumeclaims`, 'a', {
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '100m' } } },
  }),
  create(
    `/api/v1/${namespace}/persistentvolumeclaims`,
    'a',
    { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1' } } } },
    { annotations: { 'volume.beta.kubernetes.io/storage-class': 's' } },
  ),
  create(
    '/api/v1/persistentvolumes',
    'a',
    {
      spec: {
        capacity: { storage: '1500m' },
        accessModes: ['ReadWriteOnce'],
        hostPath: { path: '/x' },
        persistentVolumeReclaimPolicy: 'Recycle',
      },
    },
    { annotations: { 'volume.beta.kubernetes.io/storage-class': 's' } },
  ),
  create('/api/v1/persistentvolumes', 'a', {
    spec: { capacity: { storage: '1' }, accessModes: ['ReadWriteOnce'], glusterfs: { endpoints: 'e', path: 'p' } },
  }),
  create('/api/v1/persistentvolumes', 'a', {
    spec: {
      capacity: { storage: '1' },
      accessModes: ['ReadWriteOnce'],
      hostPath: { path: '/x' },
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'beta.kubernetes.io/arch', operator: 'Exists' }] }] },
      },
    },
  }),
  create('/apis/storage.k8s.io/v1/storageclasses', 'a', {
    provisioner: 'x.io/y',
    allowedTopologies: [{ matchLabelExpressions: [{ key: 'failure-domain.beta.kubernetes.io/zone', values: ['a'] }] }],
  }),
  create('/apis/node.k8s.io/v1/runtimeclasses', 'a', {
    handler: 'h',
    scheduling: { nodeSelector: { 'beta.kubernetes.io/arch': 'x' } },
  }),
  create(`/api/v1/${namespace}/secrets`, 'a', { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': 'e30=' } }),
  create(
    `/api/v1/${namespace}/serviceaccounts`,
    'a',
    { secrets: [{ name: 'x' }] },
    { annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } },
  ),
  create(
    `/apis/networking.k8s.io/v1/${namespace}/ingresses`,
    'a',
    { spec: { defaultBackend: { service: { name: 's', port: { number: 1 } } } } },
    { annotations: { 'kubernetes.io/ingress.class': 'x' } },
  ),
  create(`/apis/networking.k8s.io/v1/${namespace}/ingresses`, 'a', {
    spec: {
      rules: [
        { http: { paths: [{ pathType: 'Prefix', path: '/a*', backend: { service: { name: 's', port: { number: 1 } } } }] } },
      ],
    },
  }),
  create(`/apis/autoscaling/v2/${namespace}/horizontalpodautoscalers`, 'a', {
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 2, metrics: [] },
  }),
  create(`/apis/discovery.k8s.io/v1/${namespace}/endpointslices`, 'a', {
    addressType: 'FQDN',
    endpoints: [{ addresses: ['a.b'] }],
    ports: [],
  }),
  create('/api/v1/namespaces', 'a', {}, { labels: { 'pod-security.kubernetes.io/warn': 'restricted' } }),
  create('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', 'a', {
    webhooks: [
      {
        name: 'a.b.c',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        clientConfig: { url: 'https://x' },
        rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }],
      },
    ],
  }),
];

export const warningCases: readonly RequestCase[] = [...pods, ...workloads, ...others];
