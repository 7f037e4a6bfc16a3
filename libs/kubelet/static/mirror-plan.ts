// What is to be done about a mirror: pure (pkg/kubelet: tryReconcileMirrorPods, HandlePodCleanups).
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import { hashAnnotation, mirrorAnnotation, mirrored } from './static-pod.ts';

export type MirrorStep =
  | { readonly type: 'create'; readonly pod: Pod }
  /** Its uid is a precondition: another one by its name is not meant. */
  | { readonly type: 'delete'; readonly uid: string }
  | undefined;

export interface MirrorState {
  /** The pod that runs; undefined where no manifest has it. */
  readonly pod: Pod | undefined;
  /** What the API server has by its name, where that is a mirror. */
  readonly mirror: Pod | undefined;
  /** The node in the API server; undefined where it is not known. */
  readonly node: Node | undefined;
  /** All manifests have been read. */
  readonly isComplete: boolean;
  /** No manifest has it, or one that waits, and something of it still runs: what it takes of the node is to be seen until then. */
  readonly isEnding: boolean;
}

export function planMirror({ pod, mirror, node, isComplete, isEnding }: MirrorState): MirrorStep {
  if (mirror !== undefined) {
    const isOld =
      pod === undefined ? isComplete && !isEnding : !mirrors(mirror, pod) || mirror.metadata?.deletionTimestamp !== undefined;
    return isOld ? { type: 'delete', uid: mirror.metadata?.uid ?? '' } : undefined;
  }
  const nodeUid = node?.metadata?.uid;
  // A mirror is owned by its node and goes with it: without one, or with one that goes, it would go at once.
  if (pod === undefined || nodeUid === undefined || node?.metadata?.deletionTimestamp !== undefined) return undefined;
  return { type: 'create', pod: mirrorOf(pod, node?.metadata?.name ?? '', nodeUid) };
}

/** Whether `mirror` is one of the pod as it is now. */
export function mirrors(mirror: Pod, pod: Pod): boolean {
  return mirrored(mirror) === pod.metadata?.annotations?.[hashAnnotation];
}

function mirrorOf(pod: Pod, nodeName: string, nodeUid: string): Pod {
  const { uid: _, ...metadata } = pod.metadata ?? {};
  const hash = pod.metadata?.annotations?.[hashAnnotation] ?? '';
  return {
    ...pod,
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, [mirrorAnnotation]: hash },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeUid, controller: true }],
    },
  };
}
