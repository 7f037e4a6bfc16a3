// Drives plan.ts: which changes concern which Deployment, and what to do when a ReplicaSet cannot be made.
import type { Deployment, Pod, ReplicaSet } from '@drydock/api/generated/types.ts';
import { deployments as deploymentResource, pods as podResource, replicaSets as rsResource } from '@drydock/api/resource.ts';
import { matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import { hasReason } from '@drydock/api/status.ts';
import { Driver, type Round } from '../common/driver.ts';
import { byNamespace, indexByNamespace } from '../common/indexes.ts';
import { controllerOf, keyOf, nameOf, namespaceOf, splitKey } from '../common/object-meta.ts';
import { isPodActive } from '../common/pod.ts';
import type { Cache, ControllerContext } from '../common/ports.ts';
import { planCollision, planCreateFailure, planDeployment } from './plan.ts';

interface DeploymentCaches {
  readonly deployments: Cache<Deployment>;
  readonly replicaSets: Cache<ReplicaSet>;
  readonly pods: Cache<Pod>;
}

/** Starts the controller; it runs until the context's signal aborts. */
export async function startDeploymentController(concurrency: number, context: ControllerContext): Promise<void> {
  const caches: DeploymentCaches = {
    deployments: context.caches.of(deploymentResource),
    replicaSets: context.caches.of(rsResource),
    pods: context.caches.of(podResource),
  };
  indexByNamespace(caches.deployments);
  indexByNamespace(caches.replicaSets);
  indexByNamespace(caches.pods);
  const driver = new Driver(context, {
    name: 'deployment-controller',
    concurrency,
    caches: [caches.deployments, caches.replicaSets, caches.pods],
    sync: (key, round) => sync(caches, key, round),
  });
  caches.deployments.subscribe(({ before, after }) => {
    const object = after ?? before;
    if (object !== undefined) driver.enqueue(keyOf(object));
  });
  caches.replicaSets.subscribe(({ before, after }) => {
    for (const rs of [before, after]) if (rs !== undefined) enqueueOwner(driver, rs);
    if (after !== undefined && controllerOf(after) === undefined) enqueueAdopters(driver, caches, after);
  });
  caches.pods.subscribe(({ before, after }) => {
    // Recreate waits for the last pod to end; nothing else about pods concerns a Deployment.
    if (before !== undefined && (after === undefined || (isPodActive(before) && !isPodActive(after)))) {
      enqueueRecreating(driver, caches, before);
    }
  });
  await driver.start();
}

function enqueueOwner(driver: Driver, rs: ReplicaSet): void {
  const owner = controllerOf(rs);
  if (owner?.kind === 'Deployment') driver.enqueue(`${namespaceOf(rs)}/${owner.name}`);
}

function enqueueAdopters(driver: Driver, caches: DeploymentCaches, rs: ReplicaSet): void {
  for (const deployment of caches.deployments.lookup(byNamespace, namespaceOf(rs))) {
    if (matchesSelector(deployment.spec?.selector, rs.metadata?.labels)) driver.enqueue(keyOf(deployment));
  }
}

function enqueueRecreating(driver: Driver, caches: DeploymentCaches, pod: Pod): void {
  const owner = controllerOf(pod);
  if (owner?.kind !== 'ReplicaSet') return;
  const rs = caches.replicaSets.get({ namespace: namespaceOf(pod), name: owner.name });
  const parent = rs === undefined ? undefined : controllerOf(rs);
  if (parent?.kind !== 'Deployment') return;
  const deployment = caches.deployments.get({ namespace: namespaceOf(pod), name: parent.name });
  if (deployment?.spec?.strategy?.type === 'Recreate') driver.enqueue(keyOf(deployment));
}

async function sync(caches: DeploymentCaches, key: string, round: Round): Promise<number | undefined> {
  const deployment = caches.deployments.get(splitKey(key));
  if (deployment === undefined) return undefined;
  const recreate = deployment.spec?.strategy?.type === 'Recreate';
  const plan = planDeployment(
    {
      deployment,
      replicaSets: [...caches.replicaSets.lookup(byNamespace, namespaceOf(deployment))],
      pods: recreate ? [...caches.pods.lookup(byNamespace, namespaceOf(deployment))] : [],
    },
    round.wallMs(),
  );
  const creation = plan.actions.find((action) => action.verb === 'create');
  try {
    await round.execute(creation === undefined ? plan.actions : [creation]);
  } catch (error) {
    if (creation !== undefined) await afterFailedCreation(deployment, creation.object, error, round);
    throw error;
  }
  if (creation !== undefined) await round.execute(plan.actions.filter((action) => action !== creation));
  return plan.requeueAfterMs;
}

async function afterFailedCreation(deployment: Deployment, wanted: ReplicaSet, error: unknown, round: Round): Promise<void> {
  if (hasReason(error, 'AlreadyExists')) {
    const existing = await round.client.get(rsResource, { namespace: namespaceOf(wanted), name: nameOf(wanted) });
    await round.execute(planCollision(deployment, existing).actions);
    return;
  }
  const message = error instanceof Error ? error.message : String(error);
  await round.execute(planCreateFailure(deployment, nameOf(wanted), message, round.wallMs()).actions);
}
