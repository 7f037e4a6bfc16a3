// Making and removing many pods of one owner, with the events that upstream's RealPodControl records.
import type { Pod } from '@drydock/api/generated/types.ts';
import { type KubeObject, pods as podResource, type Resource } from '@drydock/api/resource.ts';
import { type EventAction, eventAbout } from './action.ts';
import type { Round } from './driver.ts';
import { isNamespaceEnding } from './namespace-ending.ts';
import { nameOf, namespaceOf, uidOf } from './object-meta.ts';
import { slowStart } from './slow-start.ts';

export interface PodOwner {
  readonly resource: Resource;
  readonly object: KubeObject;
}

function eventOf(owner: PodOwner, type: 'Normal' | 'Warning', reason: string, message: string): EventAction {
  return eventAbout(owner.resource, owner.object, type, reason, message);
}

/** Creates the pods, carefully. Resolves with how many there are now, and the first error; that the namespace is ending is none. */
export async function createPods(
  owner: PodOwner,
  pods: readonly Pod[],
  round: Round,
): Promise<{ readonly created: number; readonly error: unknown }> {
  const { succeeded, error } = await slowStart(pods.length, async (index) => {
    try {
      const created = await round.create(podResource, pods[index] ?? {});
      round.record(eventOf(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${nameOf(created)}`));
    } catch (failure) {
      if (!isNamespaceEnding(failure)) {
        round.record(eventOf(owner, 'Warning', 'FailedCreate', `Error creating: ${errorText(failure)}`));
      }
      throw failure;
    }
  });
  return { created: succeeded, error: isNamespaceEnding(error) ? undefined : error };
}

/** Deletes the pods, all at once. Resolves with the first error. */
export async function deletePods(owner: PodOwner, pods: readonly Pod[], round: Round): Promise<unknown> {
  let first: unknown;
  const removals = pods.map(async (pod) => {
    const key = { namespace: namespaceOf(pod), name: nameOf(pod) };
    try {
      await round.execute([{ verb: 'delete', resource: podResource, key, preconditions: { uid: uidOf(pod) } }]);
      round.record(eventOf(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${nameOf(pod)}`));
    } catch (error) {
      round.record(eventOf(owner, 'Warning', 'FailedDelete', `Error deleting: ${errorText(error)}`));
      first ??= error;
    }
  });
  await Promise.all(removals);
  return first;
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
