// Small differences between resource types that upstream's strategies and stores have.
import type { ResourceInfo } from '@drydock/api/scheme.ts';

/** `v1` or `apps/v1`. */
export function groupVersionOf(info: { readonly group: string; readonly version: string }): string {
  return info.group === '' ? info.version : `${info.group}/${info.version}`;
}

/** AllowCreateOnUpdate: PUT of a name that does not exist creates it. */
const createdByUpdate: ReadonlySet<string> = new Set([
  'endpoints',
  'events',
  'leases',
  'limitranges',
  'services',
  'roles',
  'rolebindings',
  'clusterroles',
  'clusterrolebindings',
]);

export function createsOnUpdate(info: ResourceInfo): boolean {
  return createdByUpdate.has(info.resource);
}

/** ReturnDeletedObject: DELETE answers with the object instead of a Status. */
const returned: ReadonlySet<string> = new Set([
  'pods',
  'services',
  'serviceaccounts',
  'podtemplates',
  'resourcequotas',
  'persistentvolumes',
  'persistentvolumeclaims',
  'storageclasses',
  'volumeattachments',
  'csinodes',
  'csidrivers',
  'csistoragecapacities',
  'volumeattributesclasses',
]);

export function returnsDeleted(info: ResourceInfo): boolean {
  return returned.has(info.resource);
}
