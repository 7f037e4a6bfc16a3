// Discovery: which groups, versions and resources there are, in the legacy form and the aggregated one.
import { createHash } from 'node:crypto';
import { groups, type ResourceInfo, resources } from '@drydock/api/scheme.ts';
import { apiError } from '@drydock/api/status.ts';
import { groupVersionOf } from '../registry/traits.ts';
import { parseAccept } from './negotiate.ts';

/** A discovery document and its media type. */
export interface Discovery {
  readonly value: unknown;
  readonly contentType: string;
  readonly etag?: string;
}

/** The document at `path` (`/api`, `/apis`, `/apis/apps`, `/apis/apps/v1`), or undefined where there is none. */
export function discover(path: string, accept: string, address: string): Discovery | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  const [root, group = '', version] = parts;
  const json = (value: unknown): Discovery => ({ value, contentType: 'application/json' });
  if (root === 'api') {
    if (parts.length === 1) return aggregated(accept, true) ?? json(legacyVersions(address));
    return parts.length === 2 && group === 'v1' ? json(resourceList('', 'v1')) : undefined;
  }
  if (parts.length === 1) return aggregated(accept, false) ?? json(groupList());
  const known = groups.find((each) => each.name === group && group !== '');
  if (known === undefined) return undefined;
  if (version === undefined) return json(groupOf(known));
  return parts.length === 3 && known.versions.includes(version) ? json(resourceList(group, version)) : undefined;
}

function legacyVersions(address: string): object {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
  };
}

function groupList(): object {
  const named = groups.filter((group) => group.name !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: named.map(groupBody) };
}

function groupOf(group: (typeof groups)[number]): object {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(group) };
}

function groupBody(group: (typeof groups)[number]) {
  const versions = group.versions.map((version) => ({ groupVersion: `${group.name}/${version}`, version }));
  const { preferredVersion: version } = group;
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
function aggregated(accept: string, core: boolean): Discovery | undefined {
  for (const { type, parameters } of parseAccept(accept)) {
    if (plainTypes.has(type) && parameters.as === undefined) return undefined;
    const { as, g, v } = parameters;
    if (type !== 'application/json' || as !== 'APIGroupDiscoveryList' || g !== 'apidiscovery.k8s.io') continue;
    if (v !== 'v2') continue;
    const wanted = groups.filter((group) => (group.name === '') === core);
    const value = {
      kind: 'APIGroupDiscoveryList',
      apiVersion: `apidiscovery.k8s.io/${v}`,
      metadata: {},
      items: wanted.map(discoveryOf),
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

function discoveryOf(group: (typeof groups)[number]): object {
  return {
    metadata: group.name === '' ? {} : { name: group.name },
    versions: group.versions.map((version) => ({
      version,
      resources: resources.filter((info) => info.group === group.name && info.version === version).map(discoveryRow),
      freshness: 'Current',
    })),
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
