// Why a proposal had no outcome in time, as far as this member can tell: etcd's parseProposeCtxErr (server/etcdserver/server.go).

import type { MemberId } from 'raft-ts/types.ts';
import type { EtcdErrorCode } from '../errors.ts';

export interface ProposalFate {
  /** Whether a leader was there to take it. */
  readonly taken: boolean;
  readonly sinceMs: number;
  readonly self: MemberId;
  /** 0n: none. */
  readonly leader: MemberId;
  readonly members: readonly MemberId[];
  /** Since when a member is connected, monotonic milliseconds; undefined where it is not. */
  readonly connectedSince: (id: MemberId) => number | undefined;
}

export function timeoutReason(fate: ProposalFate): EtcdErrorCode {
  const { taken, sinceMs, self, leader, members, connectedSince } = fate;
  // The original waits for a leader under the request's own deadline, and passes that one's error on.
  if (!taken) return 'deadlineExceeded';
  if (leader === 0n) return 'timeout';
  const whole = (id: MemberId): boolean => id === self || (connectedSince(id) ?? Infinity) <= sinceMs;
  const connected = leader === self ? members.filter(whole).length > members.length / 2 : whole(leader);
  return connected ? 'timeout' : 'timeoutConnectionLost';
}
