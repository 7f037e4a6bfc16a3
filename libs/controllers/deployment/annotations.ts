// What a Deployment notes on its ReplicaSets: revisions, for `rollout history` and `undo`, and sizes, for proportional scaling.
import type { Deployment, ReplicaSet } from '@drydock/api/generated/types.ts';
import { byCreation } from '../common/object-meta.ts';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
export const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';

/** Annotations that stay with the object they are on when a Deployment's are copied to its ReplicaSet. */
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  'deprecated.deployment.rollback.to',
]);

/** Upper bound of the revision history annotation, in characters. */
const revisionHistoryCharsMax = 2000;

interface Annotated {
  readonly metadata?: { readonly annotations?: Record<string, string> | undefined } | undefined;
}

/** The revision number of an object; 0 where it has none or a malformed one. An int64 as upstream's: users may write any. */
export function revisionOf(object: Annotated): bigint {
  return parseRevision(object.metadata?.annotations?.[revisionAnnotation]);
}

/** The number of the next revision, after those of `previous`. */
export function nextRevision(previous: readonly Annotated[]): bigint {
  let newest = 0n;
  for (const revision of previous.map(revisionOf)) if (revision > newest) newest = revision;
  return BigInt.asIntN(64, newest + 1n);
}

function parseRevision(text: string | undefined): bigint {
  if (text === undefined || !/^[+-]?\d{1,19}$/.test(text)) return 0n;
  const revision = BigInt(text.replace('+', ''));
  return revision === BigInt.asIntN(64, revision) ? revision : 0n;
}

/** The number in an annotation of `rs`. */
export function annotatedCount(rs: ReplicaSet, annotation: string): number | undefined {
  return wholeNumber(rs.metadata?.annotations?.[annotation]);
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** Older revisions first. */
export function byRevision(a: ReplicaSet, b: ReplicaSet): number {
  const [first, second] = [revisionOf(a), revisionOf(b)];
  return first === second ? byCreation(a, b) : first < second ? -1 : 1;
}

/** The annotations of `rs` with the Deployment's own copied over them. */
export function withDeploymentAnnotations(deployment: Deployment, rs: ReplicaSet): Record<string, string> {
  const annotations = { ...rs.metadata?.annotations };
  for (const [key, value] of Object.entries(deployment.metadata?.annotations ?? {})) {
    if (!notCopied.has(key)) annotations[key] = value;
  }
  return annotations;
}

/** `annotations` with `revision` noted, and an overwritten one appended to the history, where the revision is newer. */
export function withRevision(annotations: Record<string, string>, revision: bigint): Record<string, string> {
  const previous = annotations[revisionAnnotation];
  if (parseRevision(previous) >= revision) return annotations;
  const result: Record<string, string> = { ...annotations, [revisionAnnotation]: String(revision) };
  if (previous === undefined || parseRevision(previous) === 0n) return result;
  const history = [...(annotations[revisionHistoryAnnotation]?.split(',') ?? []), previous].filter((entry) => entry !== '');
  while (history.join(',').length > revisionHistoryCharsMax) history.shift();
  result[revisionHistoryAnnotation] = history.join(',');
  return result;
}

/** `annotations` with the Deployment's size, from which proportional scaling later starts. */
export function withSizes(annotations: Record<string, string>, desired: number, max: number): Record<string, string> {
  return { ...annotations, [desiredReplicasAnnotation]: String(desired), [maxReplicasAnnotation]: String(max) };
}
