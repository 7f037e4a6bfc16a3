// The URLs of the Kubernetes REST API: where a resource lives and how options become query parameters.
import type { Resource } from '@drydock/api/resource.ts';
import type { ListOptions, ObjectKey, WatchOptions, WriteOptions } from './api-client.ts';

/** `/api/v1/namespaces/a/pods`, `/apis/apps/v1/deployments`, with `name` and `subresource` appended where given. */
export function resourcePath(
  resource: Resource,
  namespace: string | undefined,
  name?: string | undefined,
  subresource?: string | undefined,
): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  const tail = [name, subresource].filter((part) => part !== undefined && part !== '');
  return [`${root}${scope}/${resource.resource}`, ...tail.map((part) => encodeURIComponent(part ?? ''))].join('/');
}

/** The path of one object. */
export function objectPath(resource: Resource, key: ObjectKey, subresource?: string | undefined): string {
  return resourcePath(resource, key.namespace, key.name, subresource);
}

export function listQuery(options: ListOptions): string {
  return query({
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    resourceVersion: options.resourceVersion,
    resourceVersionMatch: options.resourceVersionMatch,
    limit: options.limit ? String(options.limit) : undefined,
    continue: options.continue,
  });
}

export function watchQuery(options: WatchOptions): string {
  return query({
    watch: 'true',
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    resourceVersion: options.resourceVersion,
    allowWatchBookmarks: options.allowWatchBookmarks ? 'true' : undefined,
    timeoutSeconds: options.timeoutSeconds === undefined ? undefined : String(options.timeoutSeconds),
    ...(options.sendInitialEvents ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' } : {}),
  });
}

export function writeQuery(options: WriteOptions & { readonly force?: boolean | undefined }): string {
  return query({
    dryRun: options.dryRun ? 'All' : undefined,
    fieldManager: options.fieldManager,
    force: options.force === undefined ? undefined : String(options.force),
  });
}

/** `?a=b&c=d` of the parameters that are set and not empty; `resourceVersion=0` is kept. */
export function query(parameters: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(parameters)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}
