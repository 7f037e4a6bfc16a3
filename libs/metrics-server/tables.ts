// The objects of metrics.k8s.io as rows (metrics-server: pkg/api/table.go). Pure.
import { addQuantities, parseQuantity, quantityOf } from '@drydock/api/quantity.ts';
import type { NodeMetrics, PodMetrics, ResourceUsage } from './resources.ts';

/** What each row carries of its object (query parameter includeObject). */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

const column = (name: string, format: string, description = '') => ({ name, type: 'string', format, description, priority: 0 });

const columns = [
  column('Name', 'name', 'Name of the resource'),
  column('cpu', 'quantity'),
  column('memory', 'quantity'),
  column('Window', 'duration'),
];

/** Columns come from the first row: without one there are none, and both are null, as the original writes it. */
export function tableOf(objects: readonly (NodeMetrics | PodMetrics)[], include: IncludeObject, metaVersion: string): object {
  const isEmpty = objects.length === 0;
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${metaVersion}`,
    metadata: {},
    columnDefinitions: isEmpty ? null : columns,
    rows: isEmpty ? null : objects.map((object) => ({ cells: cellsOf(object), ...rowObject(object, include, metaVersion) })),
  };
}

export function partialOf({ metadata }: NodeMetrics | PodMetrics, metaVersion: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${metaVersion}`, metadata };
}

function cellsOf(object: NodeMetrics | PodMetrics): string[] {
  const usages = 'usage' in object ? [object.usage] : object.containers.map(({ usage }) => usage);
  const { name = '' } = object.metadata;
  return [name, sum(usages, 'cpu'), sum(usages, 'memory'), object.window];
}

function sum(usages: readonly ResourceUsage[], of: keyof ResourceUsage): string {
  const [first = quantityOf(0), ...rest] = usages.map((usage) => parseQuantity(usage[of]));
  return rest.reduce(addQuantities, first).toString();
}

function rowObject(object: NodeMetrics | PodMetrics, include: IncludeObject, metaVersion: string): { object?: unknown } {
  if (include === 'None') return {};
  return { object: include === 'Object' ? object : partialOf(object, metaVersion) };
}
