// What discovery says about the built-in resources and the package's API classes do not: names, categories, versions served.

/** Group versions that Kubernetes 1.36 serves by default, in the order of /apis; the first version of a group is preferred. */
export const servedGroupVersions: readonly (readonly [group: string, versions: readonly string[]])[] = [
  ['', ['v1']],
  ['apiregistration.k8s.io', ['v1']],
  ['apps', ['v1']],
  ['events.k8s.io', ['v1']],
  ['authentication.k8s.io', ['v1']],
  ['authorization.k8s.io', ['v1']],
  ['autoscaling', ['v2', 'v1']],
  ['batch', ['v1']],
  ['certificates.k8s.io', ['v1']],
  ['networking.k8s.io', ['v1']],
  ['policy', ['v1']],
  ['rbac.authorization.k8s.io', ['v1']],
  ['storage.k8s.io', ['v1']],
  ['admissionregistration.k8s.io', ['v1']],
  ['apiextensions.k8s.io', ['v1']],
  ['scheduling.k8s.io', ['v1']],
  ['coordination.k8s.io', ['v1']],
  ['node.k8s.io', ['v1']],
  ['discovery.k8s.io', ['v1']],
  ['resource.k8s.io', ['v1']],
  ['flowcontrol.apiserver.k8s.io', ['v1']],
];

/** Short names by resource name (the same in every group that has the resource). */
export const shortNames: Readonly<Record<string, readonly string[]>> = {
  componentstatuses: ['cs'],
  configmaps: ['cm'],
  endpoints: ['ep'],
  events: ['ev'],
  limitranges: ['limits'],
  namespaces: ['ns'],
  nodes: ['no'],
  persistentvolumeclaims: ['pvc'],
  persistentvolumes: ['pv'],
  pods: ['po'],
  replicationcontrollers: ['rc'],
  resourcequotas: ['quota'],
  serviceaccounts: ['sa'],
  services: ['svc'],
  customresourcedefinitions: ['crd', 'crds'],
  daemonsets: ['ds'],
  deployments: ['deploy'],
  replicasets: ['rs'],
  statefulsets: ['sts'],
  horizontalpodautoscalers: ['hpa'],
  cronjobs: ['cj'],
  certificatesigningrequests: ['csr'],
  ingresses: ['ing'],
  ipaddresses: ['ip'],
  networkpolicies: ['netpol'],
  poddisruptionbudgets: ['pdb'],
  priorityclasses: ['pc'],
  storageclasses: ['sc'],
  volumeattributesclasses: ['vac'],
};

/** Categories by resource name: what `kubectl get all` and `kubectl get api-extensions` mean. */
export const categories: Readonly<Record<string, readonly string[]>> = {
  pods: ['all'],
  replicationcontrollers: ['all'],
  services: ['all'],
  daemonsets: ['all'],
  deployments: ['all'],
  replicasets: ['all'],
  statefulsets: ['all'],
  horizontalpodautoscalers: ['all'],
  cronjobs: ['all'],
  jobs: ['all'],
  mutatingadmissionpolicies: ['api-extensions'],
  mutatingadmissionpolicybindings: ['api-extensions'],
  mutatingwebhookconfigurations: ['api-extensions'],
  validatingadmissionpolicies: ['api-extensions'],
  validatingadmissionpolicybindings: ['api-extensions'],
  validatingwebhookconfigurations: ['api-extensions'],
  customresourcedefinitions: ['api-extensions'],
  apiservices: ['api-extensions'],
};

/** The version objects are stored in, where the resource is served in several: `resource.group` to `group/version`. */
export const storageVersions: Readonly<Record<string, string>> = {
  'horizontalpodautoscalers.autoscaling': 'autoscaling/v2',
  'events.events.k8s.io': 'v1',
};

/** Options kinds of the streaming and proxy subresources, which the package knows as plain strings. */
export const connectKinds: Readonly<Record<string, string>> = {
  'pods/attach': 'PodAttachOptions',
  'pods/exec': 'PodExecOptions',
  'pods/portforward': 'PodPortForwardOptions',
  'pods/proxy': 'PodProxyOptions',
  'services/proxy': 'ServiceProxyOptions',
  'nodes/proxy': 'NodeProxyOptions',
  'pods/log': 'Pod',
};

/** Kinds of another group that a subresource takes and gives, with that group and version. */
export const foreignKinds: Readonly<Record<string, readonly [group: string, version: string]>> = {
  Scale: ['autoscaling', 'v1'],
  Eviction: ['policy', 'v1'],
  TokenRequest: ['authentication.k8s.io', 'v1'],
};
