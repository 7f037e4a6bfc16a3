// Raft's decisions as log lines: who leads is news, the rest is for whoever looks closely.
import type { Log } from '@drydock/foundation/log.ts';
import type { TraceEvent } from 'raft-ts/types.ts';

const news: ReadonlySet<string> = new Set([
  'becomeFollower',
  'becomePreCandidate',
  'becomeCandidate',
  'stepDownWithoutQuorum',
  'configChanged',
  'sendSnapshot',
  'restoreSnapshot',
  'transferStarted',
  'transferTimedOut',
  'secondLeaderInTerm',
]);

/** `id` in hex is the member's. Who became leader is said in etcd's words, which tools look for. */
export function logTrace(log: Log, id: string, trace: readonly TraceEvent[]): void {
  for (const { name, fields } of trace) {
    if (name === 'becomeLeader') log.info({ logger: 'raft' }, `${id} became leader at term ${fields.term}`);
    else if (news.has(name)) log.info(fields, `raft: ${name}`);
    else log.debug(fields, `raft: ${name}`);
  }
}
