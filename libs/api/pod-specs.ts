// Where the resources that are pods, or make them, have the pod's specification.
import { isObject } from './json.ts';

/** Field names from the object down to the template, by group resource; pods are their own. */
const templates: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['pods', []],
  ['podtemplates', ['template']],
  ...[
    'replicationcontrollers',
    'deployments.apps',
    'replicasets.apps',
    'daemonsets.apps',
    'statefulsets.apps',
    'jobs.batch',
  ].map((name) => [name, ['spec', 'template']] as const),
  ['cronjobs.batch', ['spec', 'jobTemplate', 'spec', 'template']],
]);

/** The path to what has `metadata` and `spec` of a pod; undefined for resources that have none. */
export function podTemplatePath(groupResource: string): readonly string[] | undefined {
  return templates.get(groupResource);
}

/** What is at `path` below `value`; undefined where there is nothing. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((parent, name) => (isObject(parent) ? parent[name] : undefined), value);
}
