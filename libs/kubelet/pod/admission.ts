// Whether this node takes a pod that was bound to it: pure (pkg/kubelet/lifecycle/predicate.go, pkg/kubelet/eviction,
// pkg/kubelet/sysctl). The scheduler has asked the same, but of a picture that may be old, and not every pod comes from it.
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import { qosClassOf } from '@drydock/api/pod-qos.ts';
import {
  type Amounts,
  addAmounts,
  amountsOf,
  hostPorts,
  isExtendedResource,
  podRequests,
  TakenPorts,
} from '@drydock/api/pod-resources.ts';
import { matchesNode } from '@drydock/api/selectors/node-selector.ts';
import { tolerates } from '@drydock/api/selectors/taints.ts';
import { needsAppArmor } from '../container/confinement.ts';
import type { Pressure } from '../node/thresholds.ts';
import { isCritical } from './observation.ts';

export interface Rejection {
  readonly reason: string;
  readonly message: string;
  /** The event's text, where it is another one. */
  readonly event?: string;
}

/** How machine and engine can confine a container. */
export interface Confinement {
  readonly appArmor: boolean;
  readonly supplementalGroupsPolicy: boolean;
}

export interface AdmissionInput {
  readonly pod: Pod;
  /** This node as the apiserver has it; undefined while it does not answer: what depends on it is then not asked. */
  readonly node: Node | undefined;
  /** The other pods of this node that have not ended. */
  readonly others: readonly Pod[];
  readonly allocatable: Readonly<Record<string, string>>;
  readonly pressures: ReadonlySet<Pressure>;
  readonly confines: Confinement;
  /** Patterns of unsafe sysctls that the node allows; a final `*` stands for anything. */
  readonly allowedSysctls: readonly string[];
}

/** Sysctls that are kept apart per pod and cannot hurt others (pkg/kubelet/sysctl/safe_sysctls.go). */
const safeSysctls: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]);

/** Undefined: taken. */
export function admitPod(input: AdmissionInput): Rejection | undefined {
  const found = underPressure(input) ?? sysctlProblem(input) ?? nodeProblem(input) ?? appArmorProblem(input);
  return found === undefined ? undefined : { event: found.message, ...found, message: `Pod was rejected: ${found.message}` };
}

function underPressure({ pod, pressures }: AdmissionInput): Rejection | undefined {
  if (pressures.size === 0 || isCritical(pod)) return undefined;
  const onlyMemory = pressures.size === 1 && pressures.has('MemoryPressure');
  if (onlyMemory) {
    if (qosClassOf(pod) !== 'BestEffort') return undefined;
    const taint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' };
    if (tolerates(pod.spec?.tolerations ?? [], taint)) return undefined;
  }
  return { reason: 'Evicted', message: `The node had condition: [${[...pressures].sort().join(' ')}]. ` };
}

function sysctlProblem({ pod, allowedSysctls }: AdmissionInput): Rejection | undefined {
  const allowed = (name: string) =>
    safeSysctls.has(name) ||
    allowedSysctls.some((each) => (each.endsWith('*') ? name.startsWith(each.slice(0, -1)) : each === name));
  const bad = (pod.spec?.securityContext?.sysctls ?? []).find(({ name }) => !allowed(name.replaceAll('/', '.')));
  return bad === undefined
    ? undefined
    : { reason: 'SysctlForbidden', message: `forbidden sysctl: ${JSON.stringify(bad.name)} not allowlisted` };
}

function appArmorProblem({ pod, confines }: AdmissionInput): Rejection | undefined {
  if (confines.appArmor || !needsAppArmor(pod)) return undefined;
  return { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' };
}

function nodeProblem({ pod, node, others, allocatable, confines }: AdmissionInput): Rejection | undefined {
  const spec = pod.spec ?? { containers: [] };
  if (spec.securityContext?.supplementalGroupsPolicy === 'Strict' && !confines.supplementalGroupsPolicy) {
    const message = 'SupplementalGroupsPolicy=Strict is not supported in this node';
    return { reason: 'SupplementalGroupsPolicyNotSupported', message };
  }
  // What the node has beyond what this kubelet counts (extended resources) stands in its object alone.
  const short = shortOf(spec, others, amountsOf({ ...allocatable, ...node?.status?.allocatable }));
  if (short !== undefined && !isCritical(pod)) return short;
  const failed = (name: string, why: string): Rejection => ({ reason: name, message: `Predicate ${name} failed: ${why}` });
  if (node !== undefined && !matchesNode(spec, node))
    return failed('NodeAffinity', "node(s) didn't match Pod's node affinity/selector");
  if (new TakenPorts(others.flatMap(hostPorts)).conflictsWith(hostPorts(pod)))
    return failed('NodePorts', "node(s) didn't have free ports for the requested pod ports");
  const taint = node?.spec?.taints?.find((each) => each.effect === 'NoExecute' && !tolerates(spec.tolerations ?? [], each));
  if (taint !== undefined && !isCritical(pod))
    return failed('TaintToleration', "node(s) had taints that the pod didn't tolerate");
  const os = spec.os?.name;
  if (os !== undefined && os !== 'linux')
    return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" };
  return undefined;
}

function shortOf(spec: NonNullable<Pod['spec']>, others: readonly Pod[], capacity: Amounts): Rejection | undefined {
  const used: Amounts = new Map([['pods', others.length]]);
  for (const other of others) if (other.spec !== undefined) addAmounts(used, podRequests(other.spec));
  const wanted = podRequests(spec);
  wanted.set('pods', 1);
  for (const name of ['pods', ...[...wanted.keys()].filter((each) => each !== 'pods')]) {
    const requested = wanted.get(name) ?? 0;
    const total = capacity.get(name) ?? 0;
    const taken = used.get(name) ?? 0;
    if (requested === 0 || taken + requested <= total) continue;
    // One that the node does not speak of at all is not this node's to refuse: whoever manages it may not have come up yet.
    if (isExtendedResource(name) && !capacity.has(name)) continue;
    const amounts = `requested: ${requested}, used: ${taken}, capacity: ${total}`;
    return { reason: `OutOf${name}`, message: `Node didn't have enough resource: ${name}, ${amounts}` };
  }
  return undefined;
}
