// Drives plan.ts: empties a namespace that is ending, type by type, and gives up its finalizer when nothing is left.
import {
  groupResourceOf,
  type KubeObject,
  namespaces as namespaceResource,
  pods as podResource,
  type Resource,
} from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { Driver, type Round } from '../common/driver.ts';
import { byNamespace, indexByNamespace } from '../common/indexes.ts';
import { readLive } from '../common/live-read.ts';
import { keyOf, nameOf, namespaceOf } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import { remoteResources } from '../common/remote-resources.ts';
import type { ListedResource } from '../common/resource-list.ts';
import { type Attempt, isTerminating, type Leftover, planAfterAttempt } from './plan.ts';

export interface NamespaceOptions {
  /** --concurrent-namespace-syncs */
  readonly concurrency: number;
  /** What a namespace may hold of built-in types: every namespaced one that can be listed and deleted. Others are looked up. */
  readonly resources: readonly ListedResource[];
}

/** Types of one namespace that are emptied at the same time. */
const typesAtOnce = 6;

/** Starts the controller; it runs until the context's signal aborts. */
export async function startNamespaceController(options: NamespaceOptions, context: ControllerContext): Promise<void> {
  const namespaces = context.caches.of(namespaceResource);
  const pods = context.caches.of(podResource);
  indexByNamespace(pods);
  const driver = new Driver(context, {
    name: 'namespace-controller',
    concurrency: options.concurrency,
    caches: [namespaces],
    waitFor: [pods],
    sync: async (key, round) => {
      const namespace = namespaces.get({ name: key });
      if (namespace === undefined || !isTerminating(namespace)) return undefined;
      // Decided on a live read: a namespace of the same name may have taken this one's place.
      const live = await readLive(round.client, namespaceResource, { name: key });
      if (live === undefined || !isTerminating(live)) return undefined;
      const attempt = await empty(key, options.resources, round);
      const plan = planAfterAttempt(live, attempt, round.wallMs());
      await round.execute(plan.actions);
      return plan.requeueAfterMs;
    },
  });
  namespaces.subscribe(({ after }) => {
    if (after !== undefined && isTerminating(after)) driver.enqueue(keyOf(after));
  });
  // Pods take longest; the last one's end is seen here, so that nobody has to ask again and again.
  pods.subscribe(({ before, after }) => {
    if (before === undefined || after !== undefined) return;
    const namespace = namespaces.get({ name: namespaceOf(before) });
    if (namespace === undefined || !isTerminating(namespace)) return;
    if ([...pods.lookup(byNamespace, nameOf(namespace))].length === 0) driver.enqueue(nameOf(namespace));
  });
  await driver.start();
}

/**
 * Asks everything in the namespace to go: the pods first, and the rest when none is left (ordered namespace deletion). What a server
 * behind the API server has is not known while that does not answer: the namespace stays until it is.
 */
async function empty(namespace: string, resources: readonly ListedResource[], round: Round): Promise<Attempt> {
  const isPods = ({ resource }: ListedResource) => groupResourceOf(resource) === groupResourceOf(podResource);
  const { resources: remote, stale } = await remoteResources(round.client, 'list', 'delete');
  const first = await emptyTypes(namespace, resources.filter(isPods), round);
  if (first.failures.length > 0 || first.leftovers.some((leftover) => leftover.count > 0)) return { ...first, stale };
  const rest = resources.filter((listed) => listed.resource.namespaced && !isPods(listed));
  return { ...(await emptyTypes(namespace, [...rest, ...remote], round, (type) => remote.includes(type))), stale };
}

async function emptyTypes(
  namespace: string,
  resources: readonly ListedResource[],
  round: Round,
  isListed: (type: ListedResource) => boolean = () => false,
): Promise<Omit<Attempt, 'stale'>> {
  const leftovers: Leftover[] = [];
  const failures: string[] = [];
  const queue = [...resources];
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        leftovers.push(await emptyType(namespace, next, round.client));
      } catch (error) {
        // A built-in type may be turned off; what discovery has just listed is there.
        if (!hasReason(error, 'NotFound') || isListed(next))
          failures.push(error instanceof Error ? error.message : String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: typesAtOnce }, work));
  return { leftovers, failures };
}

async function emptyType(namespace: string, { resource, verbs }: ListedResource, client: ApiClient): Promise<Leftover> {
  const before = await client.list<KubeObject>(resource, { namespace });
  if (before.items.length === 0) return leftoverOf(resource, []);
  if (verbs.has('deletecollection')) {
    await unlessGone(client.deleteCollection(resource, { namespace }, { propagationPolicy: 'Background' }));
  } else {
    for (const object of before.items) await unlessGone(client.delete(resource, { namespace, name: nameOf(object) }));
  }
  return leftoverOf(resource, (await client.list<KubeObject>(resource, { namespace })).items);
}

/** Somebody may have been faster; what is left is looked at all the same. */
async function unlessGone(deletion: Promise<void>): Promise<void> {
  await deletion.catch((error: unknown) => {
    if (!hasReason(error, 'NotFound')) throw error;
  });
}

function leftoverOf(resource: Resource, items: readonly KubeObject[]): Leftover {
  const finalizers = new Map<string, number>();
  let graceSeconds = 0;
  for (const { metadata } of items) {
    for (const finalizer of metadata?.finalizers ?? []) finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
    graceSeconds = Math.max(graceSeconds, metadata?.deletionGracePeriodSeconds ?? 0);
  }
  return { resource, count: items.length, finalizers, graceSeconds };
}
