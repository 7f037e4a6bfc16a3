// The quality-of-service class of a pod (pkg/apis/core/v1/helper/qos).
import type { Pod, ResourceRequirements } from './generated/types.ts';
import { addQuantities, compareQuantities, type Quantity, tryParseQuantity } from './quantity.ts';

const computeResources = new Set(['cpu', 'memory']);

/** `Guaranteed`, `Burstable` or `BestEffort`, from cpu and memory alone. */
export function qosClassOf(pod: Pod): string {
  const spec = pod.spec;
  const podLevel = spec?.resources;
  if (podLevel !== undefined) return classOf([podLevel]);
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return classOf(containers.map((container) => container.resources ?? {}));
}

function classOf(all: readonly ResourceRequirements[]): string {
  const requests = new Map<string, Quantity>();
  const limits = new Map<string, Quantity>();
  let guaranteed = true;
  for (const resources of all) {
    sum(requests, resources.requests);
    const limited = sum(limits, resources.limits);
    if (limited.size < computeResources.size) guaranteed = false;
  }
  if (requests.size === 0 && limits.size === 0) return 'BestEffort';
  if (!guaranteed || requests.size !== limits.size) return 'Burstable';
  for (const [name, request] of requests) {
    const limit = limits.get(name);
    if (limit === undefined || compareQuantities(request, limit) !== 0) return 'Burstable';
  }
  return 'Guaranteed';
}

/** Adds the positive cpu and memory amounts of `list`; gives the names it had. */
function sum(into: Map<string, Quantity>, list: Readonly<Record<string, string>> | undefined): Set<string> {
  const names = new Set<string>();
  for (const [name, text] of Object.entries(list ?? {})) {
    const quantity = computeResources.has(name) ? tryParseQuantity(text) : undefined;
    if (quantity === undefined || quantity.unscaled <= 0n) continue;
    names.add(name);
    const before = into.get(name);
    into.set(name, before === undefined ? quantity : addQuantities(before, quantity));
  }
  return names;
}
