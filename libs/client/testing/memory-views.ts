// What the server in memory serves, and how an object is seen through a subresource.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { scaleOf } from '@drydock/api/scale.ts';
import { findResource, type ResourceInfo } from '@drydock/api/scheme.ts';
import { notServed } from '@drydock/api/status.ts';

/** The table's row of a resource; throws NotFound as a server that does not serve it. */
export function infoOf(resource: Resource): ResourceInfo {
  const info = findResource(resource.group, resource.version, resource.resource);
  if (info === undefined) throw notServed();
  return info;
}

/** A scale is seen as one; the other subresources are the object. */
export function shown(resource: Resource, object: KubeObject, subresource: string | undefined): KubeObject {
  return subresource === 'scale' ? (scaleOf(resource, object) as KubeObject) : object;
}
