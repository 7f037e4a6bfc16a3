// How a namespace ends: what its status says while content is left, and when it may be finalized. Pure; follows upstream's
// pkg/controller/namespace/deletion.
import type { Namespace, NamespaceCondition } from '@drydock/api/generated/types.ts';
import { groupResourceOf, namespaces, type Resource } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import type { Action } from '../common/action.ts';
import { semanticEqual } from '../common/equality.ts';
import { isBeingDeleted } from '../common/object-meta.ts';

/** The finalizer in `spec` that this controller answers for. */
export const kubernetesFinalizer = 'kubernetes';

/** What is left of one resource type after everything in the namespace was asked to go. */
export interface Leftover {
  readonly resource: Resource;
  readonly count: number;
  /** Finalizers on what is left, with how many objects have each. */
  readonly finalizers: ReadonlyMap<string, number>;
  /** The longest grace period among it, in seconds. */
  readonly graceSeconds: number;
}

export interface Attempt {
  readonly leftovers: readonly Leftover[];
  /** Messages of calls that failed. */
  readonly failures: readonly string[];
  /** Versions of groups of which it is not known what they have. */
  readonly stale: readonly string[];
}

export interface NamespacePlan {
  readonly actions: readonly Action[];
  /** When to try again, where something is left. */
  readonly requeueAfterMs?: number | undefined;
}

/** Whether there is anything to do for the namespace at all. */
export function isTerminating(namespace: Namespace): boolean {
  return isBeingDeleted(namespace) && (namespace.spec?.finalizers ?? []).includes(kubernetesFinalizer);
}

/** How long finalizers of others are given before the next look, in seconds (upstream's finalizerEstimateSeconds). */
const finalizerEstimateSeconds = 15;

/** After an attempt to empty it: note what is left, or give up the finalizer. */
export function planAfterAttempt(namespace: Namespace, attempt: Attempt, nowMs: number): NamespacePlan {
  if (!isTerminating(namespace)) return { actions: [] };
  const left = attempt.leftovers.filter((leftover) => leftover.count > 0);
  const conditions = conditionsOf(namespace, left, attempt, nowMs);
  if (left.length > 0 || attempt.failures.length > 0 || attempt.stale.length > 0) {
    const estimate = Math.max(
      attempt.stale.length > 0 ? finalizerEstimateSeconds : 0,
      ...left.map((entry) => (entry.finalizers.size > 0 ? finalizerEstimateSeconds : entry.graceSeconds)),
    );
    const status = { ...namespace.status, phase: 'Terminating', conditions };
    const same = semanticEqual(status, namespace.status);
    const object: Namespace = { ...namespace, status };
    return {
      actions: same ? [] : [{ verb: 'update', resource: namespaces, object, subresource: 'status' }],
      requeueAfterMs: (Math.floor(estimate / 2) + 1) * 1000,
    };
  }
  const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== kubernetesFinalizer);
  const object: Namespace = { ...namespace, spec: { ...namespace.spec, finalizers } };
  return { actions: [{ verb: 'update', resource: namespaces, object, subresource: 'finalize' }] };
}

interface Finding {
  readonly type: string;
  readonly bad: boolean;
  readonly goodReason: string;
  readonly goodMessage: string;
  readonly badReason: string;
  readonly badMessage: string;
}

function findings(left: readonly Leftover[], { failures, stale }: Attempt): Finding[] {
  const remaining = left.map((entry) => `${groupResourceText(entry.resource)} has ${entry.count} resource instances`).sort();
  const finalizers = new Map<string, number>();
  for (const entry of left) {
    for (const [finalizer, count] of entry.finalizers) finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + count);
  }
  const waiting = [...finalizers].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`).sort();
  return [
    {
      type: 'NamespaceDeletionDiscoveryFailure',
      bad: stale.length > 0,
      goodReason: 'ResourcesDiscovered',
      goodMessage: 'All resources successfully discovered',
      badReason: 'DiscoveryFailed',
      badMessage: `Discovery failed for some groups, ${stale.length} failing: unable to retrieve the complete list of server APIs: ${staleTexts(stale)}`,
    },
    {
      type: 'NamespaceDeletionGroupVersionParsingFailure',
      bad: false,
      goodReason: 'ParsedGroupVersions',
      goodMessage: 'All legacy kube types successfully parsed',
      badReason: '',
      badMessage: '',
    },
    {
      type: 'NamespaceDeletionContentFailure',
      bad: failures.length > 0,
      goodReason: 'ContentDeleted',
      goodMessage: 'All content successfully deleted, may be waiting on finalization',
      badReason: 'ContentDeletionFailed',
      badMessage: `Failed to delete all resource types, ${failures.length} remaining: ${[...failures].sort().join(', ')}`,
    },
    {
      type: 'NamespaceContentRemaining',
      bad: remaining.length > 0,
      goodReason: 'ContentRemoved',
      goodMessage: 'All content successfully removed',
      badReason: 'SomeResourcesRemain',
      badMessage: `Some resources are remaining: ${remaining.join(', ')}`,
    },
    {
      type: 'NamespaceFinalizersRemaining',
      bad: waiting.length > 0,
      goodReason: 'ContentHasNoFinalizers',
      goodMessage: 'All content-preserving finalizers finished',
      badReason: 'SomeFinalizersRemain',
      badMessage: `Some content in the namespace has finalizers remaining: ${waiting.join(', ')}`,
    },
  ];
}

function staleTexts(stale: readonly string[]): string {
  return stale
    .map((each) => `${each}: stale GroupVersion discovery: ${each}`)
    .sort()
    .join(', ');
}

/** `pods.` and `deployments.apps`: the point stays where the group is empty, as upstream prints it. */
function groupResourceText(resource: Resource): string {
  return resource.group === '' ? `${resource.resource}.` : groupResourceOf(resource);
}

function conditionsOf(namespace: Namespace, left: readonly Leftover[], attempt: Attempt, nowMs: number): NamespaceCondition[] {
  const conditions = [...(namespace.status?.conditions ?? [])];
  for (const finding of findings(left, attempt)) {
    const status = finding.bad ? 'True' : 'False';
    const reason = finding.bad ? finding.badReason : finding.goodReason;
    const message = finding.bad ? finding.badMessage : finding.goodMessage;
    const index = conditions.findIndex((condition) => condition.type === finding.type);
    const current = conditions[index];
    if (current?.status === status && current.message === message) continue;
    const lastTransitionTime = current?.status === status ? current.lastTransitionTime : formatTime(nowMs);
    const next = { type: finding.type, status, lastTransitionTime, reason, message };
    if (index < 0) conditions.push(next);
    else conditions[index] = next;
  }
  return conditions;
}
