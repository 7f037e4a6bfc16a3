// get and list of metrics.k8s.io (metrics-server: pkg/api). Pure: what is asked for, of what is known now.
import type { ObjectMeta } from '@drydock/api/generated/types.ts';
import type { AnswerForm } from '@drydock/api/negotiate.ts';
import type { Resource } from '@drydock/api/resource.ts';
import { matchesFields, parseFieldSelector } from '@drydock/api/selectors/field.ts';
import { matchesLabels, parseLabelSelector } from '@drydock/api/selectors/label.ts';
import { type ApiError, apiError } from '@drydock/api/status.ts';
import type { ClusterView } from './cluster-view.ts';
import { nodeObject, podObject } from './objects.ts';
import { podId } from './points.ts';
import { groupVersion, type NodeMetrics, type PodMetrics, podMetrics } from './resources.ts';
import type { MetricsStorage } from './storage.ts';
import { type IncludeObject, partialOf, tableOf } from './tables.ts';

export interface Asked {
  readonly resource: Resource;
  /** Empty for all of them, and for nodes. */
  readonly namespace: string;
  /** Empty for a list. */
  readonly name: string;
  readonly labelSelector: string;
  readonly fieldSelector: string;
}

export type Form = AnswerForm & { readonly includeObject: IncludeObject };

type Metrics = NodeMetrics | PodMetrics;

export interface Sources {
  readonly view: Pick<ClusterView, 'nodes' | 'node' | 'pods' | 'pod'>;
  readonly storage: Pick<MetricsStorage, 'node' | 'pod'>;
  readonly nowMs: () => number;
  /** Told of the age of everything that is answered, in milliseconds. */
  readonly aged: (ageMs: number) => void;
}

/** Throws ApiError: NotFound, or BadRequest for selectors. */
export function answerOf(sources: Sources, asked: Asked, form: Form): object {
  if (asked.name !== '') return inForm(oneOf(sources, asked), form);
  const items = listOf(sources, asked);
  if (form.as === 'table') return tableOf(items, form.includeObject, form.version);
  if (form.as === 'partial')
    return {
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${form.version}`,
      metadata: {},
      items: items.map((item) => partialOf(item, form.version)),
    };
  return {
    kind: `${asked.resource.kind}List`,
    apiVersion: groupVersion,
    metadata: {},
    items: items.map(({ kind: _kind, apiVersion: _version, ...item }) => item),
  };
}

function inForm(object: Metrics, { as, version, includeObject }: Form): object {
  if (as === 'table') return tableOf([object], includeObject, version);
  return as === 'partial' ? partialOf(object, version) : object;
}

function listOf(sources: Sources, { resource, namespace, labelSelector, fieldSelector }: Asked): Metrics[] {
  const labels = parseLabelSelector(labelSelector);
  const fields = parseFieldSelector(resource, fieldSelector);
  const { view } = sources;
  const all = resource === podMetrics ? view.pods(namespace) : view.nodes();
  return [...all]
    .filter((object) => matchesLabels(labels, object.metadata?.labels) && matchesFields(resource, fields, object))
    .sort((a, b) => compare(a.metadata, b.metadata))
    .flatMap(({ metadata }) => measured(sources, resource, metadata) ?? []);
}

function oneOf(sources: Sources, { resource, namespace, name }: Asked): Metrics {
  const { view } = sources;
  const isPod = resource === podMetrics;
  const object = isPod ? view.pod(namespace, name) : view.node(name);
  if (object === undefined) throw notFound('', isPod ? 'pods' : 'node', name);
  const found = measured(sources, resource, object.metadata);
  if (found !== undefined) return found;
  throw isPod ? notFound(resource.group, 'podmetrics', `${namespace}/${name}`) : notFound(resource.group, 'nodemetrics', name);
}

/** Undefined where nothing can be said of it yet. */
function measured({ storage, nowMs, aged }: Sources, resource: Resource, metadata: ObjectMeta = {}): Metrics | undefined {
  const { namespace = '', name = '' } = metadata;
  const now = nowMs();
  const usage = resource === podMetrics ? storage.pod(podId(namespace, name)) : storage.node(name);
  if (usage === undefined) return undefined;
  aged(now - usage.atMs);
  return 'containers' in usage ? podObject(metadata, usage, now) : nodeObject(metadata, usage, now);
}

function compare(a: ObjectMeta = {}, b: ObjectMeta = {}): number {
  const [left, right] = [a, b].map(({ namespace = '', name = '' }) => [namespace, name] as const) as [Key, Key];
  return left[0] === right[0] ? order(left[1], right[1]) : order(left[0], right[0]);
}

type Key = readonly [namespace: string, name: string];

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function notFound(group: string, resource: string, name: string): ApiError {
  const what = group === '' ? resource : `${resource}.${group}`;
  const details = { name, ...(group === '' ? {} : { group }), kind: resource };
  return apiError('NotFound', `${what} ${JSON.stringify(name)} not found`, details);
}
