// The pod that an object makes.
import type { PodTemplateSpec } from '@drydock/api/generated/types.ts';
import { podTemplatePath, valueAt } from '@drydock/api/pod-specs.ts';
import { groupResourceOf, type KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo } from '@drydock/api/scheme.ts';

/** The template of what makes pods; undefined for everything else. */
export function templateOf(info: ResourceInfo, object: KubeObject | undefined): PodTemplateSpec | undefined {
  const path = podTemplatePath(groupResourceOf(info));
  return path === undefined ? undefined : (valueAt(object, path) as PodTemplateSpec | undefined);
}
