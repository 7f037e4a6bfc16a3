// Which owner a change of something owned concerns.
import type { LabelSelector } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import type { Driver } from './driver.ts';
import { byNamespace, indexByNamespace } from './indexes.ts';
import { controllerOf, keyOf, namespaceOf } from './object-meta.ts';
import type { Cache } from './ports.ts';

/** A change of something owned concerns its owner, one of an orphan whoever may adopt it. */
export function followOwned<O extends KubeObject, T extends KubeObject>(
  driver: Driver,
  owners: Cache<O>,
  selectorOf: (owner: O) => LabelSelector | undefined,
  owned: Cache<T>,
): void {
  indexByNamespace(owners);
  owned.subscribe(({ before, after }) => {
    for (const object of [before, after]) {
      const owner = object === undefined ? undefined : controllerOf(object);
      if (object !== undefined && owner?.kind === owners.resource.kind) driver.enqueue(`${namespaceOf(object)}/${owner.name}`);
    }
    if (after === undefined || controllerOf(after) !== undefined) return;
    for (const owner of owners.lookup(byNamespace, namespaceOf(after))) {
      if (matchesSelector(selectorOf(owner), after.metadata?.labels)) driver.enqueue(keyOf(owner));
    }
  });
}
