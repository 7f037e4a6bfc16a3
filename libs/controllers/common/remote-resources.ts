// Resource types that are not built in: those of servers behind the API server, and whatever else its discovery lists.
import type { APIGroupList, APIResourceList } from '@drydock/api/generated/types.ts';
import { groups as builtIn } from '@drydock/api/scheme.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import type { ListedResource } from './resource-list.ts';

export interface Discovered {
  readonly resources: readonly ListedResource[];
  /** `group/version` of which nothing could be learnt now. */
  readonly stale: readonly string[];
}

/** The namespaced types that have all of `verbs`, each in the first of its group's versions that has it. Fails where discovery does. */
export async function remoteResources(client: ApiClient, ...verbs: string[]): Promise<Discovered> {
  const { groups } = await client.getRaw<APIGroupList>('/apis');
  const found = new Map<string, ListedResource>();
  const stale: string[] = [];
  for (const { name: group, versions = [] } of groups)
    for (const { version, groupVersion } of versions) {
      if (isBuiltIn(group, version)) continue;
      const rows = await rowsOf(client, group, version);
      if (rows === undefined) stale.push(groupVersion);
      for (const { name, kind, namespaced, verbs: has } of rows ?? []) {
        if (!namespaced || name.includes('/') || !verbs.every((verb) => has.includes(verb))) continue;
        const id = `${group}/${name}`;
        const listed = { resource: { group, version, resource: name, kind, namespaced }, verbs: new Set(has) };
        if (!found.has(id)) found.set(id, listed);
      }
    }
  return { resources: [...found.values()], stale };
}

function isBuiltIn(group: string, version: string): boolean {
  return builtIn.some(({ name, versions }) => name === group && versions.includes(version));
}

/** Undefined where they cannot be learnt; none where the version has gone meanwhile. */
async function rowsOf(client: ApiClient, group: string, version: string): Promise<APIResourceList['resources'] | undefined> {
  try {
    return (await client.getRaw<APIResourceList>(`/apis/${group}/${version}`)).resources ?? [];
  } catch (error) {
    return hasReason(error, 'NotFound') ? [] : undefined;
  }
}
