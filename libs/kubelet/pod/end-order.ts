// In which order the containers of a pod end: pure (pkg/kubelet/kuberuntime, kuberuntime_termination_order.go).
import type { Pod } from '@drydock/api/generated/types.ts';
import { containersOf, initContainersOf, isSidecar } from './observation.ts';

/**
 * For each sidecar the names of those that are to have ended before it is told to: all main containers, and the sidecar after it.
 * Everything else waits for nobody. A name that is not running is not waited for.
 */
export function endsAfter(pod: Pod): ReadonlyMap<string, readonly string[]> {
  const mains = containersOf(pod).map(({ name }) => name);
  const sidecars = initContainersOf(pod).filter(isSidecar);
  return new Map(sidecars.map(({ name }, index) => [name, [...mains, ...sidecars.slice(index + 1).map((each) => each.name)]]));
}
