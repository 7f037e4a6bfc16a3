// The downward API: fields of the pod and resources of its containers, as text (pkg/fieldpath, pkg/api/v1/resource).
import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from '@drydock/api/generated/types.ts';
import { parseQuantity, scaledValue } from '@drydock/api/quantity.ts';

export interface NodeFacts {
  readonly nodeName: string;
  readonly hostIp: string;
  /** Addresses of the pod's sandbox. */
  readonly podIps: readonly string[];
  /** What limits default to. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** The text of a field; undefined where there is no such field. */
export function fieldText(pod: Pod, { fieldPath }: ObjectFieldSelector, facts: NodeFacts): string | undefined {
  const { metadata, spec } = pod;
  const keyed = /^metadata\.(annotations|labels)\['(.+)'\]$/.exec(fieldPath);
  if (keyed !== null) return metadata?.[keyed[1] as 'labels']?.[keyed[2] ?? ''] ?? '';
  switch (fieldPath) {
    case 'metadata.name':
      return metadata?.name ?? '';
    case 'metadata.namespace':
      return metadata?.namespace ?? '';
    case 'metadata.uid':
      return metadata?.uid ?? '';
    case 'metadata.labels':
      return mapText(metadata?.labels);
    case 'metadata.annotations':
      return mapText(metadata?.annotations);
    case 'spec.nodeName':
      return facts.nodeName;
    case 'spec.serviceAccountName':
      return spec?.serviceAccountName ?? '';
    case 'status.hostIP':
    case 'status.hostIPs':
      return facts.hostIp;
    case 'status.podIP':
      return facts.podIps[0] ?? '';
    case 'status.podIPs':
      return facts.podIps.join(',');
    default:
      return undefined;
  }
}

function mapText(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

/** `limits.cpu` and the like, divided and rounded up; limits fall back to what the node can give. */
export function resourceText(container: Container, selector: ResourceFieldSelector, facts: NodeFacts): string | undefined {
  const [kind, name = ''] = selector.resource.split('.');
  if (kind !== 'limits' && kind !== 'requests') return undefined;
  const resources = container.resources ?? {};
  const given = kind === 'limits' ? (resources.limits?.[name] ?? facts.allocatable[name]) : resources.requests?.[name];
  const divisor = selector.divisor === undefined || selector.divisor === '0' ? '1' : selector.divisor;
  const milli = (text: string) => scaledValue(parseQuantity(text), -3);
  const value = milli(given ?? '0');
  const unit = milli(divisor);
  return String((value + unit - 1n) / unit);
}
