// Drives plan.ts: which pods concern which budget, and the scale of controllers that only their kind knows.
import type { OwnerReference, Pod, PodDisruptionBudget, Scale as ScaleObject } from '@drydock/api/generated/types.ts';
import {
  apiVersionOf,
  deployments,
  groupResourceOf,
  type KubeObject,
  podDisruptionBudgets,
  pods as podResource,
  type Resource,
  replicaSets,
  replicationControllers,
  statefulSets,
} from '@drydock/api/resource.ts';
import { matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { Driver } from '../common/driver.ts';
import { byNamespace, indexByNamespace } from '../common/indexes.ts';
import { controllerOf, keyOf, namespaceOf, splitKey, uidOf } from '../common/object-meta.ts';
import { podCondition } from '../common/pod.ts';
import type { ControllerContext } from '../common/ports.ts';
import type { ListedResource } from '../common/resource-list.ts';
import type { Controllers, Scale } from './expected.ts';
import { planBudget, planStaleTarget } from './plan.ts';

/** Kinds whose scale is read from the caches. */
const cachedKinds = new Set(['ReplicationController', 'ReplicaSet', 'StatefulSet']);

/** Starts the controller; it runs until the context's signal aborts. */
export async function startDisruptionController(
  resources: readonly ListedResource[],
  context: ControllerContext,
): Promise<void> {
  const { caches } = context;
  const budgets = caches.of(podDisruptionBudgets);
  const pods = caches.of(podResource);
  const [rcs, sets, parents, stateful] = [
    caches.of(replicationControllers),
    caches.of(replicaSets),
    caches.of(deployments),
    caches.of(statefulSets),
  ];
  indexByNamespace(budgets);
  indexByNamespace(pods);
  const controllersWith = (others: ReadonlyMap<string, Scale>): Controllers => ({
    replicationController: (namespace, name) => rcs.get({ namespace, name }),
    replicaSet: (namespace, name) => sets.get({ namespace, name }),
    deployment: (namespace, name) => parents.get({ namespace, name }),
    statefulSet: (namespace, name) => stateful.get({ namespace, name }),
    other: (_, { uid }) => others.get(uid),
  });
  const driver = new Driver(context, {
    name: 'disruption-controller',
    concurrency: 1,
    caches: [budgets],
    waitFor: [pods, rcs, sets, parents, stateful],
    async sync(key, round) {
      const budget = budgets.get(splitKey(key));
      if (budget === undefined) return undefined;
      const selected = [...pods.lookup(byNamespace, namespaceOf(budget))].filter((pod) => isSelected(budget, pod));
      const others = needsScale(budget) ? await otherScales(selected, resources, round.client) : new Map<string, Scale>();
      const plan = planBudget({ budget, pods: selected, controllers: controllersWith(others) }, round.wallMs());
      await round.execute(plan.actions);
      return plan.requeueAfterMs;
    },
  });
  const stale = new Driver(context, {
    name: 'disruption-controller-stale-pods',
    concurrency: 1,
    caches: [pods],
    async sync(key, round) {
      const pod = pods.get(splitKey(key));
      if (pod === undefined) return undefined;
      const plan = planStaleTarget(pod, round.wallMs());
      await round.execute(plan.actions);
      return plan.requeueAfterMs;
    },
  });
  budgets.subscribe(({ after }) => {
    if (after !== undefined) driver.enqueue(keyOf(after));
  });
  pods.subscribe(({ before, after }) => {
    const pod = after ?? before;
    if (pod === undefined) return;
    for (const budget of budgets.lookup(byNamespace, namespaceOf(pod))) {
      if ([before, after].some((one) => one !== undefined && isSelected(budget, one))) driver.enqueue(keyOf(budget));
    }
    if (after !== undefined && podCondition(after, 'DisruptionTarget')?.status === 'True') stale.enqueue(keyOf(after));
  });
  await Promise.all([driver.start(), stale.start()]);
}

function isSelected(budget: PodDisruptionBudget, pod: Pod): boolean {
  return matchesSelector(budget.spec?.selector, pod.metadata?.labels);
}

function needsScale({ spec }: PodDisruptionBudget): boolean {
  return spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === 'string';
}

/** The scale of every controller that is of none of the cached kinds, by uid. */
async function otherScales(
  pods: readonly Pod[],
  resources: readonly ListedResource[],
  client: ApiClient,
): Promise<Map<string, Scale>> {
  const scales = new Map<string, Scale>();
  for (const pod of pods) {
    const reference = controllerOf(pod);
    if (reference === undefined || scales.has(reference.uid)) continue;
    if (cachedKinds.has(reference.kind) && /^(apps\/)?v1$/.test(reference.apiVersion)) continue;
    scales.set(reference.uid, await readScale(namespaceOf(pod), reference, resources, client));
  }
  return scales;
}

async function readScale(
  namespace: string,
  reference: OwnerReference,
  resources: readonly ListedResource[],
  client: ApiClient,
): Promise<Scale> {
  const resource: Resource | undefined = resources
    .map((listed) => listed.resource)
    .find((one) => one.kind === reference.kind && apiVersionOf(one) === reference.apiVersion);
  if (resource === undefined) return undefined;
  try {
    const scale: KubeObject = await client.get(resource, { namespace, name: reference.name }, { subresource: 'scale' });
    return { uid: uidOf(scale), replicas: (scale as ScaleObject).spec?.replicas ?? 0 };
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
    return { problem: `${groupResourceOf(resource)} does not implement the scale subresource` };
  }
}
