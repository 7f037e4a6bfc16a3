// What status, ephemeralcontainers and resize let through of a pod (pkg/registry/core/pod/strategy.go).
import type { Container, Pod, PodCondition } from './generated/types.ts';
import type { JsonObject } from './json.ts';
import type { KubeObject } from './resource.ts';

/** Fields of the status whose feature gates are off by default. */
const droppedStatus = ['resources', 'nodeAllocatableResourceClaimStatuses'];

/** The class of service is the server's; observed generations are kept where a client that does not know them drops them. */
export function keepPodStatus(object: KubeObject, old: KubeObject): void {
  const pod = object as Pod;
  const before = (old as Pod).status ?? {};
  pod.status ??= {};
  const { status } = pod;
  if (!status.qosClass && before.qosClass !== undefined) status.qosClass = before.qosClass;
  if (!status.observedGeneration && before.observedGeneration) status.observedGeneration = before.observedGeneration;
  if (status.conditions !== undefined) status.conditions = withGenerations(status.conditions, before.conditions ?? []);
  const { podIP, podIPs } = status;
  if (podIP && podIP !== podIPs?.[0]?.ip) status.podIPs = [{ ip: podIP }];
  if (status.podIPs?.[0] !== undefined) status.podIP = status.podIPs[0].ip;
  for (const field of droppedStatus) delete (status as JsonObject)[field];
}

/** Several conditions of one type take the old ones' generations in turn. */
function withGenerations(conditions: readonly PodCondition[], before: readonly PodCondition[]): PodCondition[] {
  const left = [...before];
  return conditions.map((condition) => {
    const at = left.findIndex(({ type }) => type === condition.type);
    const [match] = at < 0 ? [] : left.splice(at, 1);
    if (condition.observedGeneration || !match?.observedGeneration) return condition;
    return { ...condition, observedGeneration: match.observedGeneration };
  });
}

export function onlyEphemeralContainers(object: KubeObject, old: KubeObject): void {
  const pod = object as Pod;
  const containers = pod.spec?.ephemeralContainers;
  const spec = { ...(old as Pod).spec } as NonNullable<Pod['spec']>;
  delete spec.ephemeralContainers;
  pod.spec = containers === undefined ? spec : { ...spec, ephemeralContainers: containers };
}

/**
 * Resources of the pod, resources and resize policies of containers. Where the request adds, removes, renames or reorders containers the spec is
 * left as it came, for validation to refuse.
 */
export function onlyResources(object: KubeObject, old: KubeObject): void {
  const pod = object as Pod;
  const before = (old as Pod).spec;
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  if (before === undefined) return;
  if (containers.length !== (before.containers ?? []).length) return;
  if (initContainers.length !== (before.initContainers ?? []).length) return;
  const { resources } = pod.spec ?? {};
  pod.spec = { ...before, containers: resized(containers, before.containers ?? []) };
  if (resources === undefined) delete pod.spec.resources;
  else pod.spec.resources = resources;
  if (before.initContainers !== undefined) pod.spec.initContainers = resized(initContainers, before.initContainers);
}

function resized(containers: readonly Container[], before: readonly Container[]): Container[] {
  if (containers.some(({ name }, index) => name !== before[index]?.name)) return [...containers];
  return before.map((container, index) => {
    const { resources: _resources, resizePolicy: _policy, ...rest } = container;
    const { resources, resizePolicy } = containers[index] ?? container;
    return {
      ...rest,
      ...(resources === undefined ? {} : { resources }),
      ...(resizePolicy === undefined ? {} : { resizePolicy }),
    };
  });
}
