// The objects that a lab adds to its cluster, as an administrator would: the nodes with their pod ranges, and kube-dns.
import { serviceNameLabel } from '@drydock/api/endpoint-slices.ts';
import { parseTime } from '@drydock/foundation/clock.ts';
import { dnsServiceAddress } from './programs/control-plane.ts';
import { controlPlaneTaint } from './programs/kubelet-config.ts';
import { membersOf, nodesOf, portOf, type Topology } from './topology.ts';

export interface BootstrapObject {
  /** Collection to create it in. */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Where it is there already, and lacks what a lab gives it. */
  readonly completes?: Completion;
}

/** What is merged into an object that is there, unless it `isComplete`. */
export interface Completion {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly isComplete: (object: unknown) => boolean;
}

/**
 * Nodes are made before their kubelets register, because the fabric routes a fixed range to each worker: a node IPAM
 * controller keeps the range of a node that has one, and would otherwise hand them out in order of arrival. Only the kubelet of a
 * control-plane node may be first, for it runs the apiserver: its node gets what is missing, as kubeadm marks it.
 */
export function nodeObjects(topology: Topology): BootstrapObject[] {
  return nodesOf(topology).map((member) => {
    const isControlPlane = member.kind === 'control-plane';
    const spec = { podCIDR: member.podCidr, podCIDRs: [member.podCidr] };
    const roles = isControlPlane ? controlPlaneLabels : {};
    return {
      path: '/api/v1/nodes',
      body: {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: member.name, labels: { 'kubernetes.io/hostname': member.name, ...roles } },
        spec: { ...spec, ...(isControlPlane ? { taints: [controlPlaneTaint] } : {}) },
      },
      ...(isControlPlane
        ? {
            completes: {
              path: `/api/v1/nodes/${member.name}`,
              body: { metadata: { labels: roles }, spec },
              isComplete: (node: unknown) => (node as { spec?: { podCIDR?: string } }).spec?.podCIDR !== undefined,
            },
          }
        : {}),
    };
  });
}

/** By what `kubectl get nodes` knows the role, and load balancers the nodes that they leave out; kubeadm's. */
const controlPlaneLabels = {
  'node-role.kubernetes.io/control-plane': '',
  'node.kubernetes.io/exclude-from-external-load-balancers': '',
} as const;

/** The group by which apiservers are let in at kubelets; kubeadm's name. */
export const kubeletApiGroup = 'kubeadm:cluster-admins';

/** What that group may: everything, as kubeadm has it. */
export function administratorObjects(): BootstrapObject[] {
  const group = 'rbac.authorization.k8s.io';
  return [
    {
      path: `/apis/${group}/v1/clusterrolebindings`,
      body: {
        apiVersion: `${group}/v1`,
        kind: 'ClusterRoleBinding',
        metadata: { name: kubeletApiGroup },
        roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ apiGroup: group, kind: 'Group', name: kubeletApiGroup }],
      },
    },
  ];
}

/** Who cluster-dns is. */
export const dnsUser = 'system:coredns';

/** What cluster-dns may read: the rights that kubeadm gives CoreDNS. */
export function dnsRoleObjects(topology: Topology): BootstrapObject[] {
  if (topology.config.dns === 0) return [];
  const group = 'rbac.authorization.k8s.io';
  const metadata = { name: dnsUser };
  const verbs = ['list', 'watch'];
  return [
    {
      path: `/apis/${group}/v1/clusterroles`,
      body: {
        apiVersion: `${group}/v1`,
        kind: 'ClusterRole',
        metadata,
        rules: [
          { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs },
          { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs },
        ],
      },
    },
    {
      path: `/apis/${group}/v1/clusterrolebindings`,
      body: {
        apiVersion: `${group}/v1`,
        kind: 'ClusterRoleBinding',
        metadata,
        roleRef: { apiGroup: group, kind: 'ClusterRole', name: dnsUser },
        subjects: [{ apiGroup: group, kind: 'User', name: dnsUser }],
      },
    },
  ];
}

/** Who the ingress controllers are. */
export const ingressUser = 'system:ingress-nginx';
/** Where their Lease and their settings are. Not ingress-nginx: who applies its manifest makes that namespace. */
export const ingressNamespace = 'kube-system';
export const ingressConfig = 'ingress-nginx-controller';

/** The class `nginx`, what its controllers may do (the rights of ingress-nginx's own manifest), and their settings. */
export function ingressObjects(topology: Topology): BootstrapObject[] {
  if (topology.config.ingress === 0) return [];
  const group = 'rbac.authorization.k8s.io';
  const metadata = { name: ingressUser };
  const read = ['get', 'list', 'watch'];
  return [
    {
      path: '/apis/networking.k8s.io/v1/ingressclasses',
      body: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'IngressClass',
        metadata: { name: 'nginx' },
        spec: { controller: 'k8s.io/ingress-nginx' },
      },
    },
    {
      path: `/api/v1/namespaces/${ingressNamespace}/configmaps`,
      body: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: ingressConfig, namespace: ingressNamespace },
        // One machine has all of the lab's workers.
        data: { 'worker-processes': '1', 'max-worker-connections': '2048' },
      },
    },
    {
      path: `/apis/${group}/v1/clusterroles`,
      body: {
        apiVersion: `${group}/v1`,
        kind: 'ClusterRole',
        metadata,
        rules: [
          { apiGroups: [''], resources: ['configmaps', 'secrets', 'services'], verbs: read },
          { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: read },
          { apiGroups: ['networking.k8s.io'], resources: ['ingresses', 'ingressclasses'], verbs: read },
          { apiGroups: ['networking.k8s.io'], resources: ['ingresses/status'], verbs: ['update', 'patch'] },
          { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
          { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
        ],
      },
    },
    {
      path: `/apis/${group}/v1/clusterrolebindings`,
      body: {
        apiVersion: `${group}/v1`,
        kind: 'ClusterRoleBinding',
        metadata,
        roleRef: { apiGroup: group, kind: 'ClusterRole', name: ingressUser },
        subjects: [{ apiGroup: group, kind: 'User', name: ingressUser }],
      },
    },
  ];
}

/** Who the cloud-controller-managers are. */
export const cloudUser = 'system:cloud-controller-manager';

/** What cloud-controller-managers may do: what upstream's roles of the controllers of Services and nodes may, elect one of them, and ask who asks them. */
export function cloudObjects(topology: Topology): BootstrapObject[] {
  if (topology.config.cloudControllerManagers === 0) return [];
  const group = 'rbac.authorization.k8s.io';
  const subjects = [{ apiGroup: group, kind: 'User', name: cloudUser }];
  const binding = (roleKind: string, role: string, name: string, namespace?: string): BootstrapObject => ({
    path: `/apis/${group}/v1/${namespace === undefined ? 'clusterrolebindings' : `namespaces/${namespace}/rolebindings`}`,
    body: {
      apiVersion: `${group}/v1`,
      kind: namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding',
      metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
      roleRef: { apiGroup: group, kind: roleKind, name: role },
      subjects,
    },
  });
  return [
    {
      path: `/apis/${group}/v1/clusterroles`,
      body: {
        apiVersion: `${group}/v1`,
        kind: 'ClusterRole',
        metadata: { name: cloudUser },
        rules: [
          { apiGroups: [''], resources: ['services', 'nodes'], verbs: ['get', 'list', 'watch'] },
          { apiGroups: [''], resources: ['services/status', 'nodes/status'], verbs: ['patch', 'update'] },
          { apiGroups: [''], resources: ['nodes'], verbs: ['patch', 'update', 'delete'] },
          { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch', 'update'] },
          { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
        ],
      },
    },
    binding('ClusterRole', cloudUser, cloudUser),
    binding('ClusterRole', 'system:auth-delegator', `${cloudUser}:auth-delegator`),
    binding('Role', 'extension-apiserver-authentication-reader', `${cloudUser}:authentication-reader`, 'kube-system'),
  ];
}

/** The Service that pods ask, and where cluster-dns answers. Nothing on loopback, where no packet would find it. */
export function dnsObjects(topology: Topology): BootstrapObject[] {
  const servers = membersOf(topology, 'dns');
  const [first] = servers;
  if (first === undefined || topology.config.network === 'loopback') return [];
  const port = portOf(topology, first, 'dns');
  const ports = [
    { name: 'dns', port: 53, protocol: 'UDP' },
    { name: 'dns-tcp', port: 53, protocol: 'TCP' },
  ];
  return [
    {
      path: '/api/v1/namespaces/kube-system/services',
      body: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: {
          name: 'kube-dns',
          namespace: 'kube-system',
          labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/name': 'CoreDNS' },
        },
        spec: { clusterIP: dnsServiceAddress(topology), ports: ports.map((entry) => ({ ...entry, targetPort: port })) },
      },
    },
    {
      path: '/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices',
      body: {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'kube-dns-lab', namespace: 'kube-system', labels: { [serviceNameLabel]: 'kube-dns' } },
        addressType: 'IPv4',
        ports: ports.map((entry) => ({ ...entry, port })),
        endpoints: servers.map((member) => ({ addresses: [member.address], conditions: { ready: true } })),
      },
    },
  ];
}

/**
 * Whether a Node's conditions say Ready, as reported not before `sinceMs` (a node that died keeps its last word until
 * somebody notices). Timestamps of the API have whole seconds.
 */
export function isNodeReady(object: unknown, sinceMs: number): boolean {
  const conditions = (object as { status?: { conditions?: NodeCondition[] } }).status?.conditions ?? [];
  return conditions.some(
    (condition) =>
      condition.type === 'Ready' &&
      condition.status === 'True' &&
      (parseTime(condition.lastHeartbeatTime) ?? 0) + 999 >= sinceMs,
  );
}

interface NodeCondition {
  readonly type?: string;
  readonly status?: string;
  readonly lastHeartbeatTime?: string;
}
