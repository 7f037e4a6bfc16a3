// The objects that lead to the metrics server, as its own manifest has them: who it is, what it may, and where it serves.
import { serviceNameLabel } from '@drydock/api/endpoint-slices.ts';
import type { BootstrapObject } from './bootstrap.ts';
import { metricsPort } from './programs/metrics.ts';
import { membersOf, type Topology } from './topology.ts';

/** Who the metrics server is. */
export const metricsUser = 'system:metrics-server';
const rbac = 'rbac.authorization.k8s.io';
const namespace = 'kube-system';
const service = 'metrics-server';
/** On everything that is the metrics server's. */
const own = { 'k8s-app': service } as const;
/** Whoever may view a namespace may see what its pods use. */
const readers = Object.fromEntries(['view', 'edit', 'admin'].map((role) => [`${rbac}/aggregate-to-${role}`, 'true']));

/** Names under which it is reached. */
export const metricsServiceNames = [service, `${service}.${namespace}`, `${service}.${namespace}.svc`];

/** What it may, and who may ask it. */
export function metricsRoleObjects(topology: Topology): BootstrapObject[] {
  if (topology.config.metrics === 0) return [];
  return [
    clusterRole('system:aggregated-metrics-reader', readers, [
      { apiGroups: ['metrics.k8s.io'], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] },
    ]),
    clusterRole(metricsUser, {}, [
      { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] },
    ]),
    clusterBinding(metricsUser, metricsUser),
    clusterBinding('metrics-server:system:auth-delegator', 'system:auth-delegator'),
  ];
}

/**
 * Where it serves, and that the API servers ask it for metrics.k8s.io.
 * @param authorityPem who vouches for its certificate.
 */
export function metricsObjects(topology: Topology, authorityPem: string): BootstrapObject[] {
  return membersOf(topology, 'metrics').flatMap((member) => {
    const port = metricsPort(topology, member);
    const named = { name: 'https', port, protocol: 'TCP', appProtocol: 'https' };
    return [
      {
        path: `/apis/${rbac}/v1/namespaces/${namespace}/rolebindings`,
        body: binding('RoleBinding', { name: 'metrics-server-auth-reader', namespace }, 'Role', authenticationReader),
      },
      {
        path: `/api/v1/namespaces/${namespace}/services`,
        body: {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: service, namespace, labels: own },
          spec: { ports: [{ ...named, port: 443, targetPort: port }] },
        },
      },
      {
        path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
        body: {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: { name: `${service}-lab`, namespace, labels: { ...own, [serviceNameLabel]: service } },
          addressType: 'IPv4',
          ports: [named],
          endpoints: [{ addresses: [member.address], conditions: { ready: true } }],
        },
      },
      {
        path: '/apis/apiregistration.k8s.io/v1/apiservices',
        body: {
          apiVersion: 'apiregistration.k8s.io/v1',
          kind: 'APIService',
          metadata: { name: 'v1beta1.metrics.k8s.io', labels: own },
          spec: {
            service: { name: service, namespace },
            group: 'metrics.k8s.io',
            version: 'v1beta1',
            // The manifest has none, and whoever sits at that address is believed.
            caBundle: Buffer.from(authorityPem).toString('base64'),
            groupPriorityMinimum: 100,
            versionPriority: 100,
          },
        },
      },
    ];
  });
}

const authenticationReader = 'extension-apiserver-authentication-reader';

function clusterRole(name: string, labels: Readonly<Record<string, string>>, rules: object[]): BootstrapObject {
  return {
    path: `/apis/${rbac}/v1/clusterroles`,
    body: { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name, labels: { ...own, ...labels } }, rules },
  };
}

function clusterBinding(name: string, role: string): BootstrapObject {
  return {
    path: `/apis/${rbac}/v1/clusterrolebindings`,
    body: binding('ClusterRoleBinding', { name }, 'ClusterRole', role),
  };
}

function binding(kind: string, metadata: object, roleKind: string, role: string) {
  return {
    apiVersion: `${rbac}/v1`,
    kind,
    metadata: { ...metadata, labels: own },
    roleRef: { apiGroup: rbac, kind: roleKind, name: role },
    subjects: [{ apiGroup: rbac, kind: 'User', name: metricsUser }],
  };
}
