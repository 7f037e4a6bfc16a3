// What the engine has of one pod.
import type { Container, EphemeralContainer, Pod } from '@drydock/api/generated/types.ts';
import type { ContainerDetail, Sandbox } from '../engine/engine.ts';
import { isStatic } from '../static/static-pod.ts';

export interface PodObservation {
  /** Newest first. */
  readonly sandboxes: readonly Sandbox[];
  /** Of all sandboxes, newest first. */
  readonly containers: readonly ContainerDetail[];
  /** Addresses of the newest sandbox, where it is ready. */
  readonly ips: readonly string[];
}

export const nothingObserved: PodObservation = { sandboxes: [], containers: [], ips: [] };

/** The newest container of that name; with `sandboxId` only in that sandbox. */
export function latest(observed: PodObservation, name: string, sandboxId?: string): ContainerDetail | undefined {
  return observed.containers.find((each) => each.name === name && (sandboxId === undefined || each.sandboxId === sandboxId));
}

/** An init container that keeps running beside the others (restartPolicy Always). */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

export function initContainersOf(pod: Pod): Container[] {
  return pod.spec?.initContainers ?? [];
}

export function containersOf(pod: Pod): Container[] {
  return pod.spec?.containers ?? [];
}

/** Containers that were added to a running pod to look into it; they run once. */
export function ephemeralContainersOf(pod: Pod): EphemeralContainer[] {
  return pod.spec?.ephemeralContainers ?? [];
}

export function everyContainerOf(pod: Pod): (Container & Pick<EphemeralContainer, 'targetContainerName'>)[] {
  return [...containersOf(pod), ...initContainersOf(pod), ...ephemeralContainersOf(pod)];
}

export function podKey(pod: Pod): { namespace: string; name: string } {
  return { namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '' };
}

export function uidOf(pod: Pod): string {
  return pod.metadata?.uid ?? '';
}

/** `name_namespace(uid)`, as upstream's texts name a pod. */
export function podText(pod: Pod): string {
  const { namespace, name } = podKey(pod);
  return `${name}_${namespace}(${uidOf(pod)})`;
}

/** scheduling.SystemCriticalPriority */
const criticalPriority = 2_000_000_000;

/** Pods of manifests are; of the others, those that are so important (pkg/kubelet/types: IsCriticalPod). */
export function isCritical(pod: Pod): boolean {
  return isStatic(pod) || (pod.spec?.priority ?? 0) >= criticalPriority;
}
