// What an autoscaler scales: any kind that has a scale, known or not, seen as a Scale.
import type { Scale } from '@drydock/api/generated/types.ts';
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { groups, resources } from '@drydock/api/scheme.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { resourceOf } from '../common/resource-list.ts';

interface Discovered {
  readonly resources?: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

interface Group {
  readonly preferredVersion?: { readonly version: string };
  readonly versions?: readonly { readonly version: string }[];
}

/** A scale with the resource it was read from. */
export interface ReadScale {
  readonly resource: Resource;
  readonly scale: Scale;
}

/** The resource of a kind: from the table, or else as the apiserver lists it. Throws an Error in upstream's words. */
export async function servedResource(client: ApiClient, apiVersion: string, kind: string): Promise<Resource> {
  const parts = apiVersion.split('/');
  if (parts.length > 2) throw new Error(`unexpected GroupVersion string: ${apiVersion}`);
  const group = parts.length === 2 ? (parts[0] ?? '') : '';
  const known = builtIn(group, kind);
  if (known !== undefined) return known;
  for (const version of group === '' ? [] : await servedVersions(client, group)) {
    const found = await readOr(client.getRaw<Discovered>(`/apis/${encodeURIComponent(group)}/${version}`), {});
    const one = found.resources?.find((each) => each.kind === kind && !each.name.includes('/'));
    if (one !== undefined) return { group, version, resource: one.name, kind, namespaced: one.namespaced };
  }
  throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`);
}

/** In the preferred version of its group. */
function builtIn(group: string, kind: string): Resource | undefined {
  const versions = groups.find(({ name }) => name === group)?.versions ?? [];
  for (const version of versions) {
    const info = resources.find((each) => each.group === group && each.version === version && each.kind === kind);
    if (info !== undefined) return resourceOf(info);
  }
  return undefined;
}

async function servedVersions(client: ApiClient, group: string): Promise<readonly string[]> {
  const { preferredVersion, versions = [] } = await readOr(client.getRaw<Group>(`/apis/${encodeURIComponent(group)}`), {});
  const preferred = preferredVersion?.version;
  const others = versions.map(({ version }) => version).filter((version) => version !== preferred);
  return preferred === undefined ? others : [preferred, ...others];
}

async function readOr<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (hasReason(error, 'NotFound')) return otherwise;
    throw error;
  }
}

/**
 * The scale of an object of that namespace, read live. Throws an Error: also for kinds outside namespaces, which nobody is to scale who
 * may make autoscalers in one.
 */
export async function readScale(
  client: ApiClient,
  namespace: string,
  { apiVersion = '', kind, name }: { readonly apiVersion?: string | undefined; readonly kind: string; readonly name: string },
): Promise<ReadScale> {
  const resource = await servedResource(client, apiVersion, kind);
  // What upstream is answered, which asks for it inside the namespace.
  if (!resource.namespaced) throw new Error('the server could not find the requested resource');
  const scale = await client.get<KubeObject>(resource, { namespace, name }, { subresource: 'scale' });
  return { resource, scale: scale as Scale };
}

/** The Scale to write: the one that was read, with another number. */
export function scaledTo({ scale }: ReadScale, replicas: number): KubeObject {
  return { ...scale, spec: { ...scale.spec, replicas } } as KubeObject;
}
