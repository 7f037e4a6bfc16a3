// One DaemonSet with its nodes and pods, as all parts of the plan see it.
import type { DaemonSet, Node, Pod } from '@drydock/api/generated/types.ts';
import { daemonSets } from '@drydock/api/resource.ts';
import { controllerReference } from '../common/action.ts';
import { scaledValue } from '../common/int-or-percent.ts';
import { creationMs, isBeingDeleted, nameOf, namespaceOf } from '../common/object-meta.ts';
import { isPodAvailable, isPodTerminal } from '../common/pod.ts';
import { revisionHashLabel } from '../common/revisions.ts';
import { daemonTolerations, fitOf, type NodeFit, pinnedTo, targetNodeOf } from './nodes.ts';

const generationAnnotation = 'deprecated.daemonset.template.generation';
const generationLabel = 'pod-template-generation';

export interface Place {
  readonly node: Node;
  readonly fit: NodeFit;
  /** Oldest first, those on the node before those that are still to be scheduled. */
  readonly pods: readonly Pod[];
}

export interface Daemon {
  readonly set: DaemonSet;
  /** The hash of the present template. */
  readonly hash: string;
  readonly places: readonly Place[];
  /** Never scheduled, and their node is gone. */
  readonly stranded: readonly Pod[];
  readonly nowMs: number;
}

export function gather(set: DaemonSet, hash: string, nodes: readonly Node[], pods: readonly Pod[], nowMs: number): Daemon {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = targetNodeOf(pod);
    if (node === undefined || (isPodTerminal(pod) && isBeingDeleted(pod))) continue;
    const list = byNode.get(node);
    if (list === undefined) byNode.set(node, [pod]);
    else list.push(pod);
  }
  const places = nodes.map((node) => {
    const own = byNode.get(nameOf(node)) ?? [];
    byNode.delete(nameOf(node));
    return { node, fit: fitOf(set, node), pods: own.sort(byPlacement) };
  });
  const stranded = [...byNode.values()].flat().filter((pod) => (pod.spec?.nodeName ?? '') === '' && !isBeingDeleted(pod));
  return { set, hash, places, stranded, nowMs };
}

function byPlacement(a: Pod, b: Pod): number {
  const scheduled = (pod: Pod) => ((pod.spec?.nodeName ?? '') === '' ? 1 : 0);
  return scheduled(a) - scheduled(b) || creationMs(a) - creationMs(b) || (nameOf(a) < nameOf(b) ? -1 : 1);
}

export function isUpdated(daemon: Daemon, pod: Pod): boolean {
  const generation = daemon.set.metadata?.annotations?.[generationAnnotation];
  const labels = pod.metadata?.labels ?? {};
  return labels[revisionHashLabel] === daemon.hash || (generation !== undefined && labels[generationLabel] === generation);
}

export function isAvailable(daemon: Daemon, pod: Pod): boolean {
  return isPodAvailable(pod, daemon.set.spec?.minReadySeconds ?? 0, daemon.nowMs);
}

export interface Limits {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Both counts of a rolling update, shares rounded up; they are never both 0. */
export function limitsOf(daemon: Daemon): Limits {
  const desired = daemon.places.filter(({ fit }) => fit.run).length;
  const rolling = daemon.set.spec?.updateStrategy?.rollingUpdate;
  const maxSurge = scaledValue(rolling?.maxSurge, desired, 'up');
  const maxUnavailable = scaledValue(rolling?.maxUnavailable ?? 1, desired, 'up');
  return { maxSurge, maxUnavailable: maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable };
}

export function isRolling(daemon: Daemon): boolean {
  return (daemon.set.spec?.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
}

/** Whether a second pod may stand beside the old one during an update (AllowsSurge). */
export function allowsSurge(daemon: Daemon): boolean {
  const maxSurge = daemon.set.spec?.updateStrategy?.rollingUpdate?.maxSurge;
  return isRolling(daemon) && scaledValue(maxSurge, 100, 'up') > 0;
}

/** The pod for one node. The apiserver completes the name. */
export function podFor(daemon: Daemon, node: string): Pod {
  const { set, hash } = daemon;
  const template = set.spec?.template ?? {};
  const generation = set.metadata?.annotations?.[generationAnnotation];
  const { annotations, finalizers, labels } = template.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${nameOf(set)}-`,
      namespace: namespaceOf(set),
      labels: {
        ...labels,
        ...(generation === undefined ? {} : { [generationLabel]: generation }),
        [revisionHashLabel]: hash,
      },
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(daemonSets, set)],
    },
    spec: {
      containers: [],
      ...template.spec,
      affinity: pinnedTo(node, template.spec?.affinity),
      tolerations: daemonTolerations(template.spec),
    },
  };
}
