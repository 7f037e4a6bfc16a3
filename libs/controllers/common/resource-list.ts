// Which resource types hold objects: what the garbage collector watches and what a namespace is emptied of.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { groups, type ResourceInfo, resources } from '@drydock/api/scheme.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';

/** A resource type with what can be done to its objects. */
export interface ListedResource {
  readonly resource: Resource;
  readonly verbs: ReadonlySet<string>;
}

/** Every built-in type with all of `verbs`, each group's in its preferred version. */
export function builtInResources(...verbs: string[]): ListedResource[] {
  const chosen = new Map<string, ResourceInfo>();
  for (const info of resources) {
    if (!verbs.every((verb) => info.verbs.includes(verb))) continue;
    const id = `${info.group}/${info.resource}`;
    const current = chosen.get(id);
    if (current === undefined || rank(info) < rank(current)) chosen.set(id, info);
  }
  return [...chosen.values()].map((info) => ({ resource: resourceOf(info), verbs: new Set(info.verbs) }));
}

/** Place of the version in its group, the preferred one first. */
function rank(info: ResourceInfo): number {
  const versions = groups.find((group) => group.name === info.group)?.versions ?? [];
  const index = versions.indexOf(info.version);
  return index < 0 ? versions.length : index;
}

export function resourceOf(info: ResourceInfo): Resource {
  const { group, version, resource, kind, namespaced } = info;
  return { group, version, resource, kind, namespaced };
}

/** Reads at the same time while asking which types are served. */
const probesAtOnce = 8;

/**
 * The types among `candidates` that this apiserver serves: a server may have groups turned off. A type that cannot be asked
 * about is taken as served; its watch says more later.
 */
export async function servedResources(client: ApiClient, candidates: readonly ListedResource[]): Promise<ListedResource[]> {
  const served: ListedResource[] = [];
  const queue = [...candidates];
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        await client.list<KubeObject>(next.resource, { limit: 1, resourceVersion: '0' });
        served.push(next);
      } catch (error) {
        if (!hasReason(error, 'NotFound') && !hasReason(error, 'MethodNotAllowed')) served.push(next);
      }
    }
  };
  await Promise.all(Array.from({ length: probesAtOnce }, work));
  return served;
}
