// Which nodes a DaemonSet wants a pod on, and how that pod is bound to its node.
import type { Affinity, DaemonSet, Node, Pod, PodSpec, Toleration } from '@drydock/api/generated/types.ts';
import { matchesNode } from '@drydock/api/selectors/node-selector.ts';
import { tolerates } from '@drydock/api/selectors/taints.ts';
import { nameOf } from '../common/object-meta.ts';

export interface NodeFit {
  /** A pod should be made there. */
  readonly run: boolean;
  /** A pod that is there may stay. */
  readonly stay: boolean;
}

const everywhere: readonly [key: string, effect: string][] = [
  ['node.kubernetes.io/not-ready', 'NoExecute'],
  ['node.kubernetes.io/unreachable', 'NoExecute'],
  ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
  ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
  ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
  ['node.kubernetes.io/unschedulable', 'NoSchedule'],
];

/** The template's tolerations and those that every daemon has: it runs where others would not. */
export function daemonTolerations(spec: PodSpec | undefined): Toleration[] {
  const list = [...(spec?.tolerations ?? [])];
  const wanted = [...everywhere];
  if (spec?.hostNetwork === true) wanted.push(['node.kubernetes.io/network-unavailable', 'NoSchedule']);
  for (const [key, effect] of wanted) {
    const same = list.findIndex(
      (one) => one.key === key && one.effect === effect && one.operator === 'Exists' && (one.value ?? '') === '',
    );
    const toleration = { key, operator: 'Exists', effect };
    if (same < 0) list.push(toleration);
    else list[same] = toleration;
  }
  return list;
}

/** Node name, selector, affinity and taints; what a node has left does not count (NodeShouldRunDaemonPod). */
export function fitOf(daemonSet: DaemonSet, node: Node): NodeFit {
  const spec = daemonSet.spec?.template.spec;
  const named = spec?.nodeName ?? '';
  if (named !== '' && named !== nameOf(node)) return { run: false, stay: false };
  if (spec !== undefined && !matchesNode(spec, node)) return { run: false, stay: false };
  const tolerations = daemonTolerations(spec);
  const untolerated = (node.spec?.taints ?? []).filter(
    (taint) => (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') && !tolerates(tolerations, taint),
  );
  return { run: untolerated.length === 0, stay: untolerated.every((taint) => taint.effect !== 'NoExecute') };
}

/** Binds a pod to one node: the scheduler still decides, but has one choice. Replaces required node affinity, and only that. */
export function pinnedTo(node: string, affinity: Affinity | undefined): Affinity {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
    },
  };
}

/** The node that a pod is on, or is meant for; undefined where it names none. */
export function targetNodeOf(pod: Pod): string | undefined {
  if (pod.spec?.nodeName !== undefined && pod.spec.nodeName !== '') return pod.spec.nodeName;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const term of required?.nodeSelectorTerms ?? []) {
    for (const field of term.matchFields ?? []) {
      if (field.key === 'metadata.name' && field.operator === 'In') return field.values?.[0];
    }
  }
  return undefined;
}
