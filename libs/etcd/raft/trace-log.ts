// Raft's decisions as log lines: who leads is news, the rest is for whoever looks closely.
import type { Log } from '@drydock/foundation/log.ts';
import type { TraceEvent } from 'raft-ts/types.ts';

const news: ReadonlySet<string> = new Set([
  'becomeFollower',
  'becomePreCandidate',
  'becomeCandidate',
  'becomeLeader',
  'stepDownWithoutQuorum',
  'configChanged',
  'sendSnapshot',
  'restoreSnapshot',
  'transferStarted',
  'transferTimedOut',
  'secondLeaderInTerm',
]);

export function logTrace(log: Log, trace: readonly TraceEvent[]): void {
  for (const { name, fields } of trace) {
    if (news.has(name)) log.info(fields, `raft: ${name}`);
    else log.debug(fields, `raft: ${name}`);
  }
}
