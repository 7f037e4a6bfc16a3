// Writing what a plan wants done first, where a new revision may meet one of the same name.
import type { ControllerRevision } from '@drydock/api/generated/types.ts';
import { controllerRevisions } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { Action } from './action.ts';
import type { Round } from './driver.ts';
import { semanticEqual } from './equality.ts';
import { nameOf, namespaceOf } from './object-meta.ts';

/**
 * Executes `actions`. A revision that exists already with the same content is as good as made; one with other content is a
 * collision of hashes, and `onCollision` says what to write then.
 */
export async function writeRevision(actions: readonly Action[], onCollision: () => Action[], round: Round): Promise<void> {
  try {
    await round.execute(actions);
  } catch (error) {
    const wanted = actions.find((action) => action.verb === 'create' && action.resource === controllerRevisions);
    if (!hasReason(error, 'AlreadyExists') || wanted?.verb !== 'create') throw error;
    const revision = wanted.object as ControllerRevision;
    const key = { namespace: namespaceOf(revision), name: nameOf(revision) };
    const live = await round.client.get(controllerRevisions, key);
    // The cache does not show it yet: its arrival brings the key back.
    if (!semanticEqual(live.data, revision.data)) await round.execute(onCollision());
  }
}
