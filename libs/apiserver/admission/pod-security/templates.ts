// Where the objects that make pods have the pod that they make.
import type { CronJob, Deployment, PodTemplate, PodTemplateSpec } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';

const withTemplate = new Set([
  'replicationcontrollers.',
  'deployments.apps',
  'replicasets.apps',
  'daemonsets.apps',
  'statefulsets.apps',
  'jobs.batch',
]);

/** The template of what makes pods; undefined for everything else. */
export function templateOf(
  { group, resource }: { readonly group: string; readonly resource: string },
  object: KubeObject | undefined,
): PodTemplateSpec | undefined {
  const name = `${resource}.${group}`;
  if (withTemplate.has(name)) return (object as Deployment).spec?.template;
  if (name === 'podtemplates.') return (object as PodTemplate).template;
  if (name === 'cronjobs.batch') return (object as CronJob).spec?.jobTemplate?.spec?.template;
  return undefined;
}
