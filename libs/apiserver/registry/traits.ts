// Small differences between resource types that upstream's strategies and stores have.
import { groupResourceOf } from '@drydock/api/resource.ts';
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
  'runtimeclasses',
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
  'volumeattributesclasses',
  'deviceclasses',
  'resourceclaims',
  'resourceclaimtemplates',
]);

export function returnsDeleted(info: ResourceInfo): boolean {
  return returned.has(info.resource);
}

/** Kinds without AllowUnconditionalUpdate: a PUT must say which resourceVersion it replaces. */
const conditional: ReadonlySet<string> = new Set([
  'csidrivers.storage.k8s.io',
  'csinodes.storage.k8s.io',
  'csistoragecapacities.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'leases.coordination.k8s.io',
  'runtimeclasses.node.k8s.io',
  'poddisruptionbudgets.policy',
  'customresourcedefinitions.apiextensions.k8s.io',
  'apiservices.apiregistration.k8s.io',
]);

export function updatesUnconditionally(info: ResourceInfo): boolean {
  return info.group !== 'admissionregistration.k8s.io' && !conditional.has(groupResourceOf(info));
}
