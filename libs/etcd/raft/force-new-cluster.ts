// `--force-new-cluster`: a member goes on alone, with what its log has as committed. All others are removed by entries that nobody
// else has agreed to: a last resort where the majority is lost for good. As etcd's createConfigChangeEnts (server/etcdserver/raft.go).
import { encodeConfigChange } from 'raft-ts/config-codec.ts';
import { isJoint, membersOf } from 'raft-ts/quorum.ts';
import type { ConfigChangeType, ConfState, Entry, HardState, LogIndex, MemberId } from 'raft-ts/types.ts';

export interface LoneLog {
  /** To be appended behind `commit`; what was behind it before is given up. */
  readonly appended: readonly Entry[];
  readonly hardState: HardState;
}

/** What the log of member `id` gets so that it is alone; `conf` is the membership at the commit index. */
export function leaveAlone(id: MemberId, conf: ConfState, hardState: HardState): LoneLog {
  const { term, commit } = hardState;
  const steps: { type: ConfigChangeType; id: MemberId }[] = [];
  // A voter first: a configuration without one is refused.
  if (!conf.voters.includes(id)) steps.push({ type: 'addVoter', id });
  for (const other of membersOf(conf)) if (other !== id) steps.push({ type: 'remove', id: other });
  const changes = steps.map((step) => [step]);
  // A joint configuration is left before anything else can be done.
  if (isJoint(conf)) changes.unshift([]);
  const appended = changes.map((change, i): Entry => {
    const data = encodeConfigChange({ steps: change, context: new Uint8Array(0) });
    return { term, index: (commit + 1 + i) as LogIndex, type: 'configChange', data };
  });
  return { appended, hardState: { term, vote: hardState.vote, commit: commit + appended.length } };
}
