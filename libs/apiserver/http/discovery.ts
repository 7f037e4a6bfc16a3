// Discovery: which groups, versions and resources there are, in the legacy form and the aggregated one.
import { createHash } from 'node:crypto';
import { parseAccept } from '@drydock/api/negotiate.ts';
import { groups, type ResourceInfo, resources } from '@drydock/api/scheme.ts';
import { apiError } from '@drydock/api/status.ts';
import { localPriority } from '../aggregated/local-services.ts';
import type { RemoteGroup } from '../aggregated/remote-groups.ts';
import { groupVersionOf } from '../registry/traits.ts';

/** A discovery document and its media type. */
export interface Discovery {
  readonly value: unknown;
  readonly contentType: string;
  readonly etag?: string;
}

/**
 * The document at `path` (`/api`, `/apis`, `/apis/apps`, `/apis/apps/v1`), or undefined where there is none. Versions of `remote` are
 * listed; their own documents are their servers'.
 */
export function discover(
  path: string,
  accept: string,
  address: string,
  remote: readonly RemoteGroup[] = [],
): Discovery | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  const [root, group = '', version] = parts;
  const json = (value: unknown): Discovery => ({ value, contentType: 'application/json' });
  if (root === 'api') {
    if (parts.length === 1) return aggregated(accept, coreDocument) ?? json(legacyVersions(address));
    return parts.length === 2 && group === 'v1' ? json(resourceList('', 'v1')) : undefined;
  }
  if (parts.length === 1) return aggregated(accept, () => namedGroups(remote).map(discoveryOf)) ?? json(groupList(remote));
  const known = namedGroups(remote).find((each) => each.name === group);
  if (known === undefined) return undefined;
  if (version === undefined) return json(groupOf(known));
  const isLocal = known.versions.some((each) => each.version === version && each.remote === undefined);
  return parts.length === 3 && isLocal ? json(resourceList(group, version)) : undefined;
}

function legacyVersions(address: string): object {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
  };
}

/** A version of a group, with what its server said where that is another. */
interface ListedVersion {
  readonly version: string;
  readonly remote?: RemoteGroup['versions'][number];
}

interface ListedGroup {
  readonly name: string;
  readonly priority: number;
  /** Preferred first. */
  readonly versions: readonly ListedVersion[];
}

function localGroup({ name, versions }: (typeof groups)[number]): ListedGroup {
  return { name, priority: localPriority(name), versions: versions.map((version) => ({ version })) };
}

/** All groups but the core one, in the order of their priorities. */
function namedGroups(remote: readonly RemoteGroup[]): ListedGroup[] {
  const local = groups.filter(({ name }) => name !== '').map(localGroup);
  if (remote.length === 0) return local;
  const listed = (group: RemoteGroup | undefined): ListedVersion[] =>
    (group?.versions ?? []).map((each) => ({ version: each.version, remote: each }));
  const all = local.map((group) => {
    const more = listed(remote.find(({ name }) => name === group.name));
    return more.length === 0 ? group : { ...group, versions: [...group.versions, ...more] };
  });
  const others = remote.filter(({ name }) => !local.some((group) => group.name === name));
  return [...all, ...others.map((group) => ({ ...group, versions: listed(group) }))].sort(
    (a, b) => (b.priority === a.priority ? 0 : b.priority - a.priority) || (a.name < b.name ? -1 : 1),
  );
}

function groupList(remote: readonly RemoteGroup[]): object {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: namedGroups(remote).map(groupBody) };
}

function groupOf(group: ListedGroup): object {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(group) };
}

function groupBody(group: ListedGroup) {
  const versions = group.versions.map(({ version }) => ({ groupVersion: `${group.name}/${version}`, version }));
  const version = group.versions[0]?.version ?? '';
  return { name: group.name, versions, preferredVersion: { groupVersion: `${group.name}/${version}`, version } };
}

function resourceList(group: string, version: string): object {
  const rows = resources.filter((info) => info.group === group && info.version === version);
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: rows.flatMap(legacyRows),
  };
}

function legacyRows(info: ResourceInfo): object[] {
  const { resource, singularName, namespaced, kind, verbs, shortNames, categories } = info;
  const row = {
    name: resource,
    singularName,
    namespaced,
    kind,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(verbs.includes('create') && verbs.includes('list') ? { storageVersionHash: storageHash(info) } : {}),
  };
  const rest = info.subresources.map((sub) => ({
    name: `${resource}/${sub.name}`,
    singularName: '',
    namespaced,
    ...(groupVersionOf(sub) === groupVersionOf(info) ? {} : { group: sub.group, version: sub.version }),
    kind: sub.kind,
    verbs: sub.verbs,
  }));
  return [row, ...rest];
}

/** Upstream's StorageVersionHash: of group, version and kind as stored. */
function storageHash(info: ResourceInfo): string {
  const slash = info.storageVersion.indexOf('/');
  const group = slash < 0 ? '' : info.storageVersion.slice(0, slash);
  const text = `${group}/${info.storageVersion.slice(slash + 1)}/${info.kind}`;
  return createHash('sha256').update(text).digest().subarray(0, 8).toString('base64');
}

/** The aggregated document, where the client asks for it. */
function aggregated(accept: string, items: () => object[]): Discovery | undefined {
  for (const { type, parameters } of parseAccept(accept)) {
    if (plainTypes.has(type) && parameters.as === undefined) return undefined;
    const { as, g, v } = parameters;
    if (type !== 'application/json' || as !== 'APIGroupDiscoveryList' || g !== 'apidiscovery.k8s.io') continue;
    if (v !== 'v2') continue;
    const value = {
      kind: 'APIGroupDiscoveryList',
      apiVersion: `apidiscovery.k8s.io/${v}`,
      metadata: {},
      items: items(),
    };
    const etag = `"${createHash('sha512').update(JSON.stringify(value)).digest('hex').toUpperCase()}"`;
    return { value, contentType: `application/json;g=apidiscovery.k8s.io;v=${v};as=APIGroupDiscoveryList`, etag };
  }
  if (accept === '') return undefined;
  throw apiError(
    'NotAcceptable',
    'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
  );
}

const plainTypes: ReadonlySet<string> = new Set(['application/json', 'application/yaml', 'application/*', '*/*']);

function coreDocument(): object[] {
  return groups.filter(({ name }) => name === '').map((group) => discoveryOf(localGroup(group)));
}

function discoveryOf(group: ListedGroup): object {
  return {
    metadata: group.name === '' ? {} : { name: group.name },
    versions: group.versions.map(({ version, remote }) => {
      if (remote !== undefined) return remoteVersion(remote);
      const rows = resources.filter((info) => info.group === group.name && info.version === version);
      return { version, resources: rows.map(discoveryRow), freshness: 'Current' };
    }),
  };
}

/** From the older form of the document (k8s.io/apiserver: ConvertGroupVersionIntoToDiscovery). */
function remoteVersion({ version, rows }: RemoteGroup['versions'][number]): object {
  if (rows === undefined) return { version, freshness: 'Stale' };
  const [own, below] = [rows.filter(({ name }) => !name.includes('/')), rows.filter(({ name }) => name.includes('/'))];
  const byOwner = Map.groupBy(below, ({ name }) => name.slice(0, name.indexOf('/')));
  const subresourcesOf = (owner: string) =>
    (byOwner.get(owner) ?? []).map((row) => ({
      subresource: row.name.split('/')[1],
      responseKind: kindOf(row),
      verbs: row.verbs,
    }));
  return { version, resources: own.map((row) => remoteRow(row, subresourcesOf(row.name))), freshness: 'Current' };
}

type RemoteRow = NonNullable<RemoteGroup['versions'][number]['rows']>[number];

function kindOf({ group = '', version = '', kind }: RemoteRow): object {
  return { group, version, kind };
}

function remoteRow(row: RemoteRow, subresources: readonly object[]): object {
  const { name: resource, namespaced, singularName, verbs, shortNames = [], categories = [] } = row;
  return {
    resource,
    responseKind: kindOf(row),
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singularName,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0 ? {} : { subresources }),
  };
}

function discoveryRow(info: ResourceInfo): object {
  const { resource, kind, namespaced, singularName, verbs, shortNames, categories, subresources } = info;
  return {
    resource,
    responseKind: { group: '', version: '', kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singularName,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0 ? {} : { subresources: subresources.map((sub) => discoverySubresource(info, sub)) }),
  };
}

function discoverySubresource(info: ResourceInfo, sub: ResourceInfo['subresources'][number]): object {
  const same = groupVersionOf(sub) === groupVersionOf(info);
  return {
    subresource: sub.name,
    responseKind: { group: same ? '' : sub.group, version: same ? '' : sub.version, kind: sub.kind },
    verbs: sub.verbs,
  };
}
