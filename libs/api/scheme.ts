// The one table of built-in resource types: what paths, discovery, decoding, storage and printing look things up in.
import rows from './generated/resources.json' with { type: 'json' };

export interface SubresourceInfo {
  /** `status`, `scale`, `log`, ... */
  readonly name: string;
  readonly kind: string;
  /** Group and version of `kind`: those of the resource unless the kind is foreign (Scale, Eviction, TokenRequest). */
  readonly group: string;
  readonly version: string;
  readonly verbs: readonly string[];
  /** Schema model of the bodies; empty for streams, logs and proxies. */
  readonly modelName: string;
}

/** One resource type in one version. */
export interface ResourceInfo {
  /** API group; the empty string is the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural lower-case name, as in paths. */
  readonly resource: string;
  readonly kind: string;
  /** Empty where the resource cannot be listed. */
  readonly listKind: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Discovery's verbs, sorted. */
  readonly verbs: readonly string[];
  readonly subresources: readonly SubresourceInfo[];
  /** Name of the object's model in schema.ts. */
  readonly modelName: string;
  readonly listModelName: string;
  /** `v1` or `apps/v1`: the group version its objects are stored in. Convert with conversion.ts. */
  readonly storageVersion: string;
}

export interface GroupInfo {
  readonly name: string;
  /** Preferred version first. */
  readonly versions: readonly string[];
  readonly preferredVersion: string;
}

/** Every resource type served: groups in the order of /apis, resources by name. */
export const resources: readonly ResourceInfo[] = rows;

/** The groups in the order of /apis, after the core group (name '' , served under /api). */
export const groups: readonly GroupInfo[] = collectGroups();

const byResource = new Map(resources.map((info) => [`${info.group}/${info.version}/${info.resource}`, info]));
const byKind = collectKinds();

/** The resource type with that plural name, or undefined. */
export function findResource(group: string, version: string, resource: string): ResourceInfo | undefined {
  return byResource.get(`${group}/${version}/${resource}`);
}

/** The resource type whose objects have that kind, or undefined. */
export function findKind(group: string, version: string, kind: string): ResourceInfo | undefined {
  return byKind.get(`${group}/${version}/${kind}`);
}

/** The resource type as which objects of `info` are stored: itself, or another version of it. */
export function storedAs(info: ResourceInfo): ResourceInfo {
  const [version = '', group = ''] = info.storageVersion.split('/').reverse();
  return findKind(group, version, info.kind) ?? info;
}

/** The subresource of that name, or undefined. */
export function findSubresource(info: ResourceInfo, name: string): SubresourceInfo | undefined {
  return info.subresources.find((subresource) => subresource.name === name);
}

/** Whether status is written through `/status` only. */
export function hasStatusSubresource(info: ResourceInfo): boolean {
  return findSubresource(info, 'status') !== undefined;
}

function collectGroups(): GroupInfo[] {
  const versions = new Map<string, string[]>();
  for (const { group, version } of resources) {
    const known = versions.get(group) ?? [];
    if (!known.includes(version)) known.push(version);
    versions.set(group, known);
  }
  return [...versions].map(([name, all]) => ({ name, versions: all, preferredVersion: all[0] ?? '' }));
}

function collectKinds(): Map<string, ResourceInfo> {
  const kinds = new Map<string, ResourceInfo>();
  for (const info of resources) kinds.set(`${info.group}/${info.version}/${info.kind}`, info);
  return kinds;
}
