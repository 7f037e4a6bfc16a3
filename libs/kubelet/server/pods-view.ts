// Finds what a request names: a container of a pod of this node, and its log.
import type { ContainerDetail } from '../engine/engine.ts';
import { statusOf } from '../pod/pod-status.ts';
import type { KubeletView } from './servers.ts';

export function findContainer(
  kubelet: KubeletView,
  namespace: string,
  pod: string,
  container: string,
  previous = false,
): ContainerDetail | string {
  const worker = kubelet.manager.worker(namespace, pod);
  if (worker === undefined) return `pod "${pod}" not found in namespace "${namespace}"`;
  const name = container || worker.pod.spec?.containers[0]?.name;
  const all = worker.observed.containers.filter((each) => each.name === name);
  // While the next one waits to be started (CrashLoopBackOff), the previous one is the last that there was.
  const state = statusOf(worker.pod, name ?? '')?.state;
  const isNext = all[0]?.state === 'exited' && state?.waiting !== undefined;
  const found = all[previous && !isNext ? 1 : 0];
  if (found === undefined) {
    if (previous) return `previous terminated container "${name}" in pod "${pod}" not found`;
    const reason = state?.waiting?.reason ?? 'ContainerCreating';
    return `container "${name}" in pod "${pod}" is waiting to start: ${reason}`;
  }
  // The hollow engine runs nothing.
  if (found.logPath === '') return `pods are simulated on this node: container "${name}" in pod "${pod}" has no logs`;
  return found;
}
