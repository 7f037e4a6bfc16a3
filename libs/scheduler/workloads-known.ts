// The Services and workloads that a pod belongs to: their pods are spread where a pod says nothing itself.
import type {
  LabelSelector,
  Pod,
  ReplicaSet,
  ReplicationController,
  Service,
  StatefulSet,
} from '@drydock/api/generated/types.ts';
import { matchesLabels } from '@drydock/api/selectors/label-selector.ts';

/** Kinds whose selectors are the pods that are spread. */
type Workload = ReplicaSet | ReplicationController | StatefulSet;
export type WorkloadKind = 'ReplicaSet' | 'ReplicationController' | 'StatefulSet';

export class WorkloadsKnown {
  readonly #services = new Map<string, Map<string, Record<string, string>>>();
  readonly #selectors = new Map<string, LabelSelector>();

  serviceChanged(namespace: string, name: string, service: Service | undefined): void {
    const services = this.#services.get(namespace) ?? new Map<string, Record<string, string>>();
    const selector = service?.spec?.selector;
    if (selector === undefined || Object.keys(selector).length === 0) services.delete(name);
    else services.set(name, selector);
    if (services.size === 0) this.#services.delete(namespace);
    else this.#services.set(namespace, services);
  }

  workloadChanged(kind: WorkloadKind, namespace: string, name: string, workload: Workload | undefined): void {
    const key = keyOf(kind, namespace, name);
    const selector = workload === undefined ? undefined : selectorOf(kind, workload);
    if (selector === undefined) this.#selectors.delete(key);
    else this.#selectors.set(key, selector);
  }

  /** What the pod's Services and its owner select, together; undefined where it has none. */
  selectorFor({ metadata }: Pod): LabelSelector | undefined {
    const { namespace = '', labels, ownerReferences = [] } = metadata ?? {};
    let matchLabels: Record<string, string> = {};
    for (const selector of this.#services.get(namespace)?.values() ?? [])
      if (matchesLabels(selector, labels)) matchLabels = { ...matchLabels, ...selector };
    const owner = ownerReferences.find(({ controller }) => controller === true);
    const owned = owner === undefined ? undefined : this.#selectors.get(keyOf(owner.kind, namespace, owner.name));
    matchLabels = { ...matchLabels, ...owned?.matchLabels };
    const matchExpressions = owned?.matchExpressions ?? [];
    return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0
      ? undefined
      : { matchLabels, matchExpressions };
  }
}

function keyOf(kind: string, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

function selectorOf(kind: WorkloadKind, { spec }: Workload): LabelSelector | undefined {
  if (kind !== 'ReplicationController') return spec?.selector as LabelSelector | undefined;
  return spec?.selector === undefined ? undefined : { matchLabels: spec.selector as Record<string, string> };
}
