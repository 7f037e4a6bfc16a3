// Resources that somebody else gave the node by writing them into its capacity (an example: `example.com/dongle: 4`): all of them may be
// asked for, and they go from what is allocatable with the capacity (pkg/kubelet/nodestatus: MachineInfo). Pure.
import type { Node } from '@drydock/api/generated/types.ts';
import { isExtendedResource } from '@drydock/api/pod-resources.ts';

/** What is to be written into the node's allocatable; null takes a resource away. */
export function extendedAllocatable({ status }: Node): Record<string, string | null> {
  const { capacity = {}, allocatable = {} } = status ?? {};
  const isExtended = ([name]: readonly [string, unknown]) => isExtendedResource(name);
  const gone = Object.keys(allocatable).filter((name) => !Object.hasOwn(capacity, name));
  return Object.fromEntries([
    ...gone.map((name) => [name, null] as const).filter(isExtended),
    ...Object.entries(capacity).filter(isExtended),
  ]);
}
