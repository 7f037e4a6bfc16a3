// PodTopologySpread, the filter: no domain gets more of a kind of pods than the emptiest has, by more than maxSkew.
// Upstream: pkg/scheduler/framework/plugins/podtopologyspread
import { ownField } from '@drydock/api/json.ts';
import { matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import type { Cluster } from '../cluster.ts';
import type { ClusterEvent } from '../cluster-event.ts';
import type { FilterPlugin, NodeFilter, Rejection } from '../framework.ts';
import { areAffordable, hintComparisonsMax, nodesOf, tooManyComparisons } from '../matching.ts';
import type { NodeInfo, PodInfo } from '../node-info.ts';
import {
  costPerNode,
  counts,
  type DefaultConstraint,
  defaultedConstraints,
  hasAllKeys,
  ownConstraints,
  type SpreadAction,
  type SpreadConstraint,
} from '../spread-constraints.ts';
import type { WorkloadsKnown } from '../workloads-known.ts';

const name = 'PodTopologySpread';
const uneven = "node(s) didn't match pod topology spread constraints";

export interface PodTopologySpreadArgs {
  /** For pods that have no constraints, and are of a Service or workload. */
  readonly defaultConstraints: readonly DefaultConstraint[];
  /** Whether these are the scheduler's own: they leave out no node for want of a label. */
  readonly isSystem: boolean;
}

export const defaultPodTopologySpreadArgs: PodTopologySpreadArgs = {
  defaultConstraints: [
    { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
    { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
  ],
  isSystem: true,
};

/** The pod's own constraints, or where it has none the defaults. */
export function constraintsOf(
  { pod }: PodInfo,
  action: SpreadAction,
  args: PodTopologySpreadArgs,
  workloads: WorkloadsKnown,
): SpreadConstraint[] {
  if ((pod.spec?.topologySpreadConstraints ?? []).length > 0) return ownConstraints(pod, action);
  if (!args.defaultConstraints.some(({ whenUnsatisfiable }) => whenUnsatisfiable === action)) return [];
  return defaultedConstraints(args.defaultConstraints, workloads.selectorFor(pod), action);
}

export function podTopologySpread(args: PodTopologySpreadArgs, workloads: WorkloadsKnown): FilterPlugin {
  return {
    name,
    begin(pod, cluster) {
      const constraints = constraintsOf(pod, 'DoNotSchedule', args, workloads);
      if (constraints.length === 0) return undefined;
      const { namespace = '' } = pod.pod.metadata ?? {};
      if (
        !areAffordable(
          constraints.map(({ size }) => size),
          costPerNode(pod.pod),
          namespace,
          cluster,
        )
      )
        return { unschedulable: tooManyComparisons };
      return new SpreadFilter(pod, constraints, countDomains(pod, constraints, cluster));
    },
    helps: (event, pod) => helps(event, pod, () => constraintsOf(pod, 'DoNotSchedule', args, workloads)),
  };
}

function helps(event: ClusterEvent, { pod, spreadSize }: PodInfo, found: () => readonly SpreadConstraint[]): boolean {
  const isPodEvent = event.kind.startsWith('pod');
  if (isPodEvent && spreadSize > hintComparisonsMax) return false;
  const constraints = found();
  const isCounted = (other: PodInfo): boolean =>
    other.pod.metadata?.namespace === pod.metadata?.namespace &&
    constraints.some(({ selector }) => matchesSelector(selector, other.pod.metadata?.labels ?? {}));
  switch (event.kind) {
    case 'nodeAdded':
    case 'nodeDeleted':
    case 'nodeLabels':
      return true;
    case 'nodeTaints':
      return constraints.some(({ honorsTaints }) => honorsTaints);
    case 'podPlaced':
    case 'podGone':
      return isCounted(event.pod);
    case 'podLabels':
      return isCounted(event.pod) !== isCounted(event.before);
    default:
      return false;
  }
}

/** Pods in each domain of a constraint, by the domain's value; domains without any are in it. */
type Domains = Map<string, number>;

/** By constraint, in their order. */
function countDomains(pod: PodInfo, constraints: readonly SpreadConstraint[], cluster: Cluster): Domains[] {
  const domains = constraints.map((): Domains => new Map());
  const counted = new Set<NodeInfo>();
  for (const node of cluster.nodes) if (hasAllKeys(constraints, node)) counted.add(node);
  constraints.forEach((constraint, i) => {
    const ofThis = domains[i];
    if (ofThis === undefined) return;
    const eligible = new Set<NodeInfo>();
    for (const node of counted) {
      if (!counts(constraint, pod.pod, node.node)) continue;
      eligible.add(node);
      ofThis.set(ownField(node.labels, constraint.topologyKey) ?? '', 0);
    }
    for (const group of cluster.pods.groups(pod.pod.metadata?.namespace ?? '')) {
      if (group.terminating || !matchesSelector(constraint.selector, group.labels)) continue;
      for (const [node, count] of nodesOf(group.nodes, cluster)) {
        if (!eligible.has(node)) continue;
        const value = ownField(node.labels, constraint.topologyKey) ?? '';
        ofThis.set(value, (ofThis.get(value) ?? 0) + count);
      }
    }
  });
  return domains;
}

class SpreadFilter implements NodeFilter {
  readonly #pod: PodInfo;
  readonly #constraints: readonly SpreadConstraint[];
  readonly #domains: readonly Domains[];
  /** What the emptiest domain of each constraint has. */
  readonly #least: number[];
  readonly #self: readonly number[];
  readonly counting = {
    count: (other: PodInfo, node: NodeInfo, sign: 1 | -1) => this.#count(other, node, sign),
    clone: () =>
      new SpreadFilter(
        this.#pod,
        this.#constraints,
        this.#domains.map((each) => new Map(each)),
      ),
    // Of each constraint, the emptiest of its domains is looked for again.
    cost: () => this.#constraints.reduce((sum, { size }, i) => sum + size + (this.#domains[i]?.size ?? 0), 0),
  };

  constructor(pod: PodInfo, constraints: readonly SpreadConstraint[], domains: readonly Domains[]) {
    this.#pod = pod;
    this.#constraints = constraints;
    this.#domains = domains;
    this.#least = constraints.map((_, i) => this.#leastOf(i));
    this.#self = constraints.map(({ selector }) => (matchesSelector(selector, pod.pod.metadata?.labels ?? {}) ? 1 : 0));
  }

  filter({ labels }: NodeInfo): Rejection | undefined {
    for (const [i, { topologyKey, maxSkew }] of this.#constraints.entries()) {
      const value = ownField(labels, topologyKey);
      if (value === undefined) return { plugin: name, reasons: [`${uneven} (missing required label)`], unresolvable: true };
      const here = this.#domains[i]?.get(value) ?? 0;
      if (here + (this.#self[i] ?? 0) - (this.#least[i] ?? 0) > maxSkew)
        return { plugin: name, reasons: [uneven], unresolvable: false };
    }
    return undefined;
  }

  /** 0 where there are fewer domains than there are to be. */
  #leastOf(i: number): number {
    const domains = this.#domains[i] ?? new Map<string, number>();
    if (domains.size < (this.#constraints[i]?.minDomains ?? 1)) return 0;
    let least = Number.POSITIVE_INFINITY;
    for (const count of domains.values()) least = Math.min(least, count);
    return least;
  }

  #count({ pod }: PodInfo, node: NodeInfo, sign: 1 | -1): void {
    if (pod.metadata?.namespace !== this.#pod.pod.metadata?.namespace || !hasAllKeys(this.#constraints, node)) return;
    // A pod that is being deleted was not counted.
    if (pod.metadata?.deletionTimestamp !== undefined) return;
    for (const [i, constraint] of this.#constraints.entries()) {
      if (!matchesSelector(constraint.selector, pod.metadata?.labels ?? {})) continue;
      if (!counts(constraint, this.#pod.pod, node.node)) continue;
      const value = ownField(node.labels, constraint.topologyKey) ?? '';
      this.#domains[i]?.set(value, (this.#domains[i]?.get(value) ?? 0) + sign);
      this.#least[i] = this.#leastOf(i);
    }
  }
}
