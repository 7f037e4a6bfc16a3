// In which order pods are admitted: pure. What has been taken comes first, whoever took it; then those that came first
// (pkg/kubelet, HandlePodAdditions, sorts by creation too). The order in which engine and apiserver answer decides nothing.
import type { Pod } from '@drydock/api/generated/types.ts';
import type { Rejection } from './admission.ts';
import { podKey, uidOf } from './observation.ts';

export interface KnownPod {
  readonly pod: Pod;
  /** This node has begun it, maybe before a restart. */
  readonly isTaken: boolean;
}

/** The verdict, by uid, on each that is neither taken nor over nor to end; undefined: it is taken. */
export function admitInOrder(
  known: readonly KnownPod[],
  admit: (pod: Pod, others: readonly Pod[]) => Rejection | undefined,
): Map<string, Rejection | undefined> {
  const alive = known.filter(({ pod }) => pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed');
  const room = alive.filter(({ isTaken }) => isTaken).map(({ pod }) => pod);
  const waiting = alive.filter(({ pod, isTaken }) => !isTaken && pod.metadata?.deletionTimestamp === undefined);
  const verdicts = new Map<string, Rejection | undefined>();
  for (const { pod } of waiting.sort((a, b) => (order(a.pod) < order(b.pod) ? -1 : 1))) {
    const verdict = admit(pod, room);
    verdicts.set(uidOf(pod), verdict);
    if (verdict === undefined) room.push(pod);
  }
  return verdicts;
}

/** Timestamps of one form: their order as texts is that in time. */
function order(pod: Pod): string {
  const { namespace, name } = podKey(pod);
  return `${pod.metadata?.creationTimestamp ?? ''} ${namespace}/${name}`;
}
