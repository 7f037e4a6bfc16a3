// What a cluster has from its first moment on: system namespaces, RBAC policy, priority classes, the authentication config map.
// Everything is created if absent; roles get back rules that were taken away (upstream's reconciliation, autoupdate).
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RbacSubject } from '@drydock/api/generated/types.ts';
import {
  apiServices,
  clusterRoleBindings,
  clusterRoles,
  configMaps,
  type KubeObject,
  namespaces,
  priorityClasses,
  type Resource,
  roleBindings,
  roles,
} from '@drydock/api/resource.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { localApiServices } from '../aggregated/local-services.ts';
import { uncoveredRules } from '../authz/escalation.ts';
import { objectKey } from '../storage/keys.ts';
import type { Change, ObjectStore } from '../storage/object-store.ts';
import { bootstrapPolicy } from './policy.ts';

export interface BootstrapOptions {
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly random: RandomStream;
  /** The data of kube-system/extension-apiserver-authentication. */
  readonly authentication: Readonly<Record<string, string>>;
  /** --service-cluster-ip-range. */
  readonly serviceCidr: string;
}

const serviceCidrs: Resource = {
  group: 'networking.k8s.io',
  version: 'v1',
  resource: 'servicecidrs',
  kind: 'ServiceCIDR',
  namespaced: false,
};

export class Bootstrap {
  readonly #options: BootstrapOptions;

  constructor(options: BootstrapOptions) {
    this.#options = options;
  }

  /** Creates what is missing. Safe to run on several servers at once and again after a crash. */
  async run(): Promise<void> {
    const policy = bootstrapPolicy();
    await Promise.all(['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) => this.#namespace(name)));
    await Promise.all([
      ...policy.clusterRoles.map((role) => this.#ensure(clusterRoles, role, reconcileRole)),
      ...policy.clusterRoleBindings.map((binding) => this.#ensure(clusterRoleBindings, binding, reconcileBinding)),
      ...policy.roles.map((role) => this.#ensure(roles, role, reconcileRole)),
      ...policy.roleBindings.map((binding) => this.#ensure(roleBindings, binding, reconcileBinding)),
      ...localApiServices(this.#options.clock.wallMs()).map((each) => this.#ensure(apiServices, each)),
      ...systemPriorityClasses.map((each) => this.#ensure(priorityClasses, each)),
      this.#authenticationConfig(),
      this.#serviceCidr(),
    ]);
  }

  #namespace(name: string): Promise<void> {
    return this.#ensure(namespaces, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    } as KubeObject);
  }

  /** The range of service addresses, where clients can read it. */
  #serviceCidr(): Promise<void> {
    const { clock, serviceCidr } = this.#options;
    const ready = {
      type: 'Ready',
      status: 'True',
      reason: '',
      message: 'Kubernetes default Service CIDR is ready',
      lastTransitionTime: formatTime(clock.wallMs()),
    };
    return this.#ensure(serviceCidrs, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: 'kubernetes' },
      spec: { cidrs: [serviceCidr] },
      status: { conditions: [ready] },
    } as KubeObject);
  }

  #authenticationConfig(): Promise<void> {
    const { authentication } = this.#options;
    const metadata = { name: 'extension-apiserver-authentication', namespace: 'kube-system' };
    return this.#ensure(
      configMaps,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { ...authentication } } as KubeObject,
      (found) =>
        ({
          ...found,
          data: { ...(found as { data?: object }).data, ...authentication },
        }) as KubeObject,
    );
  }

  async #ensure(
    resource: Resource,
    wanted: KubeObject,
    reconcile?: (found: KubeObject, wanted: KubeObject) => KubeObject,
  ): Promise<void> {
    const { objects, clock, random } = this.#options;
    const key = objectKey(resource, wanted.metadata?.namespace ?? '', wanted.metadata?.name ?? '');
    await objects.update(key, undefined, (current): Change => {
      if (current === undefined) {
        const metadata = { ...wanted.metadata, uid: random.uuid(), creationTimestamp: formatTime(clock.wallMs()) };
        return { put: { ...wanted, metadata } };
      }
      return reconcile === undefined ? { keep: true } : { put: reconcile(current.object, wanted) };
    });
  }
}

function updatesItself(object: KubeObject): boolean {
  return object.metadata?.annotations?.['rbac.authorization.kubernetes.io/autoupdate'] !== 'false';
}

/** Adds the rules that are missing; aggregated roles keep what the aggregation gave them. */
function reconcileRole(found: KubeObject, wanted: KubeObject): KubeObject {
  if (!updatesItself(found)) return found;
  const role = found as ClusterRole;
  const target = wanted as ClusterRole;
  const have = role.rules ?? [];
  const missing: PolicyRule[] = (target.rules ?? []).filter((rule) => uncoveredRules(have, [rule]).length > 0);
  return missing.length === 0 ? found : ({ ...role, rules: [...have, ...missing] } as KubeObject);
}

function reconcileBinding(found: KubeObject, wanted: KubeObject): KubeObject {
  if (!updatesItself(found)) return found;
  const have = (found as ClusterRoleBinding).subjects ?? [];
  const same = (a: RbacSubject, b: RbacSubject) =>
    a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '');
  const missing = ((wanted as ClusterRoleBinding).subjects ?? []).filter(
    (subject) => !have.some((other) => same(subject, other)),
  );
  return missing.length === 0 ? found : ({ ...found, subjects: [...have, ...missing] } as KubeObject);
}

const systemPriorityClasses: readonly KubeObject[] = [
  {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'system-node-critical', generation: 1 },
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
    preemptionPolicy: 'PreemptLowerPriority',
  } as KubeObject,
  {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'system-cluster-critical', generation: 1 },
    value: 2_000_000_000,
    description: 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    preemptionPolicy: 'PreemptLowerPriority',
  } as KubeObject,
];
