// The hooks of all resource types that have some.
import type { ClusterRole, ClusterRoleBinding, Job, PolicyRule, Role } from '@drydock/api/generated/types.ts';
import { semanticEqual } from '@drydock/api/json.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo } from '@drydock/api/scheme.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { mastersGroup } from '../authn/user.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { uncoveredRules } from '../authz/escalation.ts';
import type { RbacAuthorizer } from '../authz/rbac.ts';
import type { User } from '../request.ts';
import type { IpAllocator } from '../services/ip-allocator.ts';
import type { PortAllocator } from '../services/port-allocator.ts';
import { serviceHooks } from '../services/service-hooks.ts';
import { forbiddenObject, notFound } from './errors.ts';
import type { HookTable, ResourceHooks, WriteContext } from './hooks.ts';
import { signingRequestHooks } from './signing-requests.ts';
import { volumeHooks } from './volumes.ts';

export interface HookSources {
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  readonly ips: IpAllocator;
  readonly ports: PortAllocator;
  readonly clock: Clock;
}

export function resourceHooks(sources: HookSources): HookTable {
  const roles = roleHooks(sources);
  const bindings = bindingHooks(sources);
  return new Map<string, ResourceHooks>([
    ['services', serviceHooks(sources.ips, sources.ports)],
    ['jobs.batch', jobHooks],
    ['certificatesigningrequests.certificates.k8s.io', signingRequestHooks(sources.clock)],
    ['persistentvolumes', volumeHooks(sources.clock)],
    ['roles.rbac.authorization.k8s.io', roles],
    ['clusterroles.rbac.authorization.k8s.io', roles],
    ['rolebindings.rbac.authorization.k8s.io', bindings],
    ['clusterrolebindings.rbac.authorization.k8s.io', bindings],
  ]);
}

/** A job selects its pods by its own uid, unless it says that it brings its own selector. */
const jobHooks: ResourceHooks = {
  async beforeCreate(object) {
    const job = object as Job;
    const { spec } = job;
    if (spec?.template === undefined || spec.manualSelector === true) return undefined;
    const { uid = '', name = '' } = job.metadata ?? {};
    const labels = {
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': name,
      'controller-uid': uid,
      'job-name': name,
    };
    const template = spec.template.metadata ?? {};
    spec.template.metadata = { ...template, labels: { ...labels, ...template.labels } };
    job.metadata = { ...job.metadata, labels: { ...template.labels, ...labels, ...job.metadata?.labels } };
    spec.selector ??= {};
    spec.selector.matchLabels = { ...spec.selector.matchLabels, 'batch.kubernetes.io/controller-uid': uid };
    spec.manualSelector ??= false;
    return undefined;
  },
};

/** Whether the user may go beyond their own rules: masters, and who has the verb on roles. */
function mayGrant(
  { authorizer }: HookSources,
  user: User,
  verb: string,
  info: ResourceInfo,
  resource: string,
  namespace: string,
  name: string,
): boolean {
  if (user.groups.includes(mastersGroup)) return true;
  const attributes = {
    user,
    verb,
    group: info.group,
    version: info.version,
    resource,
    subresource: '',
    namespace,
    name,
    path: '',
    isResource: true,
  };
  return authorizer.authorize(attributes).allowed;
}

function roleHooks(sources: HookSources): ResourceHooks {
  const check = (object: KubeObject, old: KubeObject | undefined, context: WriteContext): undefined => {
    const { info, user } = context;
    const { namespace = '', name = '' } = object.metadata ?? {};
    if (mayGrant(sources, user, 'escalate', info, info.resource, namespace, name)) return undefined;
    requireCovered(sources, context, namespace, name, (object as Role).rules ?? []);
    // What is aggregated changes without anybody being asked again, and takes the place of rules that are tightened.
    const selectors = (each: ClusterRole | undefined) => each?.aggregationRule?.clusterRoleSelectors ?? [];
    const aggregates = [object, old].some((each) => selectors(each as ClusterRole).length > 0);
    const owned = [...sources.rbac.rulesFor(user, namespace)].map(({ rule }) => rule);
    if (aggregates && uncoveredRules(owned, everything).length > 0)
      throw forbiddenObject(info, name, 'must have cluster-admin privileges to use the aggregationRule');
    return undefined;
  };
  return {
    beforeCreate: async (object, context) => check(object, undefined, context),
    beforeUpdate: async (object, old, context) => (changesOwnersOnly(object, old) ? undefined : check(object, old, context)),
  };
}

/** The garbage collector may take finalizers and owners away whatever a role allows (rbac.IsOnlyMutatingGCFields). */
function changesOwnersOnly(object: KubeObject, old: KubeObject): boolean {
  const rest = ({ metadata = {}, ...others }: KubeObject) => {
    const { finalizers: _finalizers, ownerReferences: _owners, managedFields: _fields, ...kept } = metadata;
    return { ...others, metadata: kept };
  };
  return semanticEqual(rest(object), rest(old));
}

const everything: readonly PolicyRule[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
];

function bindingHooks(sources: HookSources): ResourceHooks {
  const check = (object: KubeObject, context: WriteContext): undefined => {
    const { info, user } = context;
    const { namespace = '', name = '' } = object.metadata ?? {};
    const { kind, name: roleName } = (object as ClusterRoleBinding).roleRef;
    const resource = kind === 'ClusterRole' ? 'clusterroles' : 'roles';
    if (mayGrant(sources, user, 'bind', info, resource, namespace, roleName)) return undefined;
    const rules = sources.rbac.rulesOf(kind, namespace, roleName);
    if (rules === undefined) throw notFound(info, roleName);
    requireCovered(sources, context, namespace, name, rules);
    return undefined;
  };
  return {
    beforeCreate: async (object, context) => check(object, context),
    beforeUpdate: async (object, old, context) => (changesOwnersOnly(object, old) ? undefined : check(object, context)),
  };
}

function requireCovered(
  { rbac }: HookSources,
  { info, user }: WriteContext,
  namespace: string,
  name: string,
  rules: readonly PolicyRule[],
): void {
  const owned = [...rbac.rulesFor(user, namespace)].map(({ rule }) => rule);
  const missing = uncoveredRules(owned, rules);
  if (missing.length === 0) return;
  const groups = user.groups.map((group) => JSON.stringify(group)).join(' ');
  const why = `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${missing.join('\n')}`;
  throw forbiddenObject(info, name, why);
}
