// What a pod asks of a node. Amounts are integers in a resource's base unit: millicores for cpu, bytes or counts for the rest.
import type { Container, Pod, PodSpec } from './generated/types.ts';
import { tryParseQuantity } from './quantity.ts';

/** Amounts by resource name. */
export type Amounts = Map<string, number>;

/** What the spreading scores assume for a container that asks for nothing (upstream: DefaultMilliCPURequest, DefaultMemoryRequest). */
export const assumedCpuMilli = 100;
export const assumedMemoryBytes = 200 * 1024 * 1024;

/** The integer amount of a quantity; rounded up, as requests are. The API lets no malformed quantity in; one counts as 0. */
export function amountOf(resource: string, text: string): number {
  const quantity = tryParseQuantity(text);
  if (quantity === undefined) return 0;
  return Number(resource === 'cpu' ? quantity.milliValue() : quantity.value());
}

export function amountsOf(quantities: Readonly<Record<string, string>> | undefined): Amounts {
  return new Map(Object.entries(quantities ?? {}).map(([name, quantity]) => [name, amountOf(name, quantity)]));
}

export function addAmounts(into: Amounts, more: ReadonlyMap<string, number>, sign: 1 | -1 = 1): void {
  for (const [name, amount] of more) into.set(name, (into.get(name) ?? 0) + sign * amount);
}

/** Whether it is a resource that somebody gave a node: neither Kubernetes' own nor of quotas (v1helper.IsExtendedResourceName). */
export function isExtendedResource(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.');
}

function raiseTo(into: Amounts, other: ReadonlyMap<string, number>): void {
  for (const [name, amount] of other) into.set(name, Math.max(into.get(name) ?? 0, amount));
}

/**
 * The pod's effective request (k8s.io/component-helpers, resource.PodRequests): the sum of its containers and of the sidecars
 * (init containers that restart always), or what one init container needs beside the sidecars started before it, whichever
 * is more; plus the overhead. Pod-level requests, where given, replace the sum for their resources.
 */
export function podRequests(spec: PodSpec): Amounts {
  return effective(spec, (container) => amountsOf(container.resources?.requests));
}

/** As `podRequests`, with the assumed amounts for containers that name no cpu or no memory: for scores only. */
export function nonZeroRequests(spec: PodSpec): Amounts {
  return effective(spec, (container) => {
    const amounts = amountsOf(container.resources?.requests);
    if (!amounts.has('cpu')) amounts.set('cpu', assumedCpuMilli);
    if (!amounts.has('memory')) amounts.set('memory', assumedMemoryBytes);
    return amounts;
  });
}

/**
 * The pod's effective limits (resource.PodLimits), summed as its requests are: pod-level ones replace the sum, and the overhead
 * comes on top of what is limited. A resource that only some containers limit is in it with their sum.
 */
export function podLimits(spec: PodSpec): Amounts {
  const total = combined(spec, (container) => amountsOf(container.resources?.limits));
  for (const [name, amount] of amountsOf(spec.resources?.limits)) total.set(name, amount);
  addAmounts(total, new Map([...amountsOf(spec.overhead)].filter(([name]) => total.has(name))));
  return total;
}

function effective(spec: PodSpec, requestsOf: (container: Container) => Amounts): Amounts {
  const total = combined(spec, requestsOf);
  for (const [name, amount] of amountsOf(spec.resources?.requests)) total.set(name, amount);
  addAmounts(total, amountsOf(spec.overhead));
  return total;
}

/** The containers and sidecars together, or the start of one init container beside the sidecars before it. */
function combined(spec: PodSpec, of: (container: Container) => Amounts): Amounts {
  const total: Amounts = new Map();
  for (const container of spec.containers ?? []) addAmounts(total, of(container));
  const sidecars: Amounts = new Map();
  const startUp: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    const amounts = of(container);
    if (container.restartPolicy === 'Always') {
      addAmounts(total, amounts);
      addAmounts(sidecars, amounts);
      raiseTo(startUp, sidecars);
    } else {
      addAmounts(amounts, sidecars);
      raiseTo(startUp, amounts);
    }
  }
  raiseTo(total, startUp);
  return total;
}

/** A port of the node that a pod occupies. */
export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const everyAddress = '0.0.0.0';

/** The host ports of all containers; with host networking the API has set hostPort to containerPort already. */
export function hostPorts(pod: Pod): HostPort[] {
  const containers = [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always'),
  ];
  return containers.flatMap((container) =>
    (container.ports ?? [])
      .filter((port) => (port.hostPort ?? 0) > 0)
      .map((port) => ({ ip: port.hostIP || everyAddress, protocol: port.protocol ?? 'TCP', port: port.hostPort ?? 0 })),
  );
}

/**
 * The host ports that are taken on a node. Two cannot be had at once that are of the same number and protocol, and have the same address
 * or one of them all addresses. Asking costs what is asked for, however many are taken: a pod may name all there are.
 */
export class TakenPorts {
  /** By protocol and number: how often each address is taken. */
  readonly #byPort = new Map<string, Map<string, number>>();

  constructor(ports: Iterable<HostPort> = []) {
    this.count(ports, 1);
  }

  /** @param sign -1 gives back what was taken before. */
  count(ports: Iterable<HostPort>, sign: 1 | -1): void {
    for (const each of ports) {
      const key = keyOf(each);
      const addresses = this.#byPort.get(key) ?? new Map<string, number>();
      const left = (addresses.get(each.ip) ?? 0) + sign;
      if (left === 0) addresses.delete(each.ip);
      else addresses.set(each.ip, left);
      if (addresses.size === 0) this.#byPort.delete(key);
      else this.#byPort.set(key, addresses);
    }
  }

  /** Whether one of these is taken. */
  conflictsWith(ports: readonly HostPort[]): boolean {
    return ports.some((each) => {
      const addresses = this.#byPort.get(keyOf(each));
      return addresses !== undefined && (each.ip === everyAddress || addresses.has(each.ip) || addresses.has(everyAddress));
    });
  }
}

function keyOf({ protocol, port }: HostPort): string {
  return `${protocol}/${port}`;
}
