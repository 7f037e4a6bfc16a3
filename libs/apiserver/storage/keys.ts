// Where objects live in the store: upstream's layout below /registry.

/** What determines a key: only group and plural name; versions of one resource share their keys. */
export interface StoredResource {
  readonly group: string;
  readonly resource: string;
  readonly namespaced: boolean;
}

/** Resources whose folder is not their plural name (SpecialDefaultResourcePrefixes and the aggregated servers' own). */
const specialFolders: Readonly<Record<string, string>> = {
  replicationcontrollers: 'controllers',
  endpoints: 'services/endpoints',
  services: 'services/specs',
  nodes: 'minions',
  'ingresses.networking.k8s.io': 'ingress',
  'customresourcedefinitions.apiextensions.k8s.io': 'apiextensions.k8s.io/customresourcedefinitions',
  'apiservices.apiregistration.k8s.io': 'apiregistration.k8s.io/apiservices',
};

/** `/registry/pods/`: the folder of all objects of a resource, ending with a slash. */
export function resourcePrefix(resource: StoredResource): string {
  const name = resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
  return `/registry/${specialFolders[name] ?? resource.resource}/`;
}

/** The folder of one namespace's objects; of all of them for an empty namespace. */
export function listPrefix(resource: StoredResource, namespace: string): string {
  const prefix = resourcePrefix(resource);
  return resource.namespaced && namespace !== '' ? `${prefix}${namespace}/` : prefix;
}

/** The key of one object. */
export function objectKey(resource: StoredResource, namespace: string, name: string): string {
  return `${listPrefix(resource, namespace)}${name}`;
}
