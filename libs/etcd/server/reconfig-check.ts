// `--strict-reconfig-check`: refuses changes of membership after which the cluster might have no quorum. They are judged by what
// this member sees, as etcd's mayAddMember, mayRemoveMember and mayPromoteMember (server/etcdserver/server.go) do it.
import { EtcdError } from '../errors.ts';
import type { Member } from '../rpc/messages.ts';

/** A member counts as connected when it has been for so long. */
const healthyMs = 5000;

export interface ClusterView {
  /** The member that judges. */
  readonly self: bigint;
  readonly members: readonly Member[];
  readonly nowMs: number;
  /** Since when a member is connected, monotonic milliseconds; undefined where it is not. */
  readonly connectedSince: (id: bigint) => number | undefined;
}

/** Throws `notEnoughStarted` or `unhealthy`. */
export function checkAdd(view: ClusterView, isLearner: boolean): void {
  const voters = votersOf(view);
  const started = startedOf(voters);
  const size = voters.length + 1;
  // From one to two: the member that is there must be able to get company, although both are needed from then on.
  const second = started === 1 && size === 2;
  if (!isLearner && !second && started < quorumOf(size)) throw new EtcdError('notEnoughStarted');
  if (healthy(view) < voters.length) throw new EtcdError('unhealthy');
}

/** Throws `notEnoughStarted` or `unhealthy`. Learners, and members that are down, may always go. */
export function checkRemove(view: ClusterView, id: bigint): void {
  if (view.members.find(({ ID }) => ID === id)?.isLearner === true) return;
  const rest = votersOf(view).filter(({ ID }) => ID !== id);
  if (startedOf(rest) < quorumOf(rest.length)) throw new EtcdError('notEnoughStarted');
  if (id !== view.self && view.connectedSince(id) === undefined) return;
  const voters = votersOf(view).length;
  if (healthy(view) - 1 < 1 + Math.floor((voters - 1) / 2)) throw new EtcdError('unhealthy');
}

/** Throws `notEnoughStarted`. The learner is counted as a voter that has started. */
export function checkPromote(view: ClusterView): void {
  const voters = votersOf(view);
  if (startedOf(voters) + 1 < quorumOf(voters.length + 1)) throw new EtcdError('notEnoughStarted');
}

function votersOf({ members }: ClusterView): Member[] {
  return members.filter(({ isLearner }) => !isLearner);
}

/** A member has started when it has published its name. */
function startedOf(members: readonly Member[]): number {
  return members.filter(({ name }) => name !== '').length;
}

function quorumOf(size: number): number {
  return Math.floor(size / 2) + 1;
}

function healthy(view: ClusterView): number {
  const { self, nowMs, connectedSince } = view;
  return votersOf(view).filter(({ ID }) => ID === self || (connectedSince(ID) ?? Infinity) < nowMs - healthyMs).length;
}
