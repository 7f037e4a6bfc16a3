// A change of membership that is committed: whether it is taken, and what it does. Decided at application from replicated state
// alone, so that all members decide alike: two changes that fit on their own may not fit together. Rules are those of etcd's
// ValidateConfigurationChange (server/etcdserver/api/membership/cluster.go).
import type { ConfigChange } from 'raft-ts/types.ts';
import { EtcdError } from '../errors.ts';
import type { Member } from '../rpc/messages.ts';
import type { Members } from './members.ts';

/** A proposal that promotes describes nothing but the id. */
export function isPromotion(described: Member): boolean {
  return described.peerURLs.length === 0;
}

/** Undefined where the change is taken. `described` is the member as its proposer wants it. */
export function refusalOf(members: Members, { steps }: Pick<ConfigChange, 'steps'>, described: Member): EtcdError | undefined {
  for (const { type, id } of steps) {
    const known = members.get(id);
    const adds = type === 'addVoter' || type === 'addLearner';
    const creates = adds && !isPromotion(described);
    if (members.isRemoved(id)) return new EtcdError('memberNotFound');
    if (creates && known !== undefined) return new EtcdError('memberExists');
    if (!creates && known === undefined) return new EtcdError('memberNotFound');
    if (adds && !creates && known?.isLearner === false) return new EtcdError('memberNotLearner');
    if (!creates && type !== 'update') continue;
    const taken = members
      .list()
      .some(({ ID, peerURLs }) => ID !== id && peerURLs.some((url) => described.peerURLs.includes(url)));
    if (taken) return new EtcdError('peerUrlExists');
  }
  return undefined;
}

/** A change that is taken. */
export function applyMembership(members: Members, change: ConfigChange, described: Member): void {
  for (const { type, id } of change.steps) {
    const known = members.get(id);
    const isLearner = type === 'addLearner';
    if (type === 'remove') members.remove(id);
    else if (type === 'update') members.set({ ...(known ?? described), ID: id, peerURLs: described.peerURLs });
    else members.set(known === undefined ? { ...described, ID: id, isLearner } : { ...known, isLearner });
  }
}
