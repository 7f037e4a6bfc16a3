// The question for a member's hash and its answer, as they go from member to member: etcd's messages.
import type { Clock } from '@drydock/foundation/clock.ts';
import { HashKVRequest, HashKVResponse } from '../rpc/messages.ts';
import { decode, encode } from '../rpc/protobuf.ts';
import { hashByRevision, type MemberHash } from './hashes.ts';
import type { EtcdStateMachine } from './state-machine.ts';

export function encodeHashQuestion(revision: number): Buffer {
  return encode(HashKVRequest, { revision });
}

/** Rejects with EtcdError where there is no hash at the revision asked for. */
export async function answerHashQuestion(machine: EtcdStateMachine, clock: Clock, question: Buffer): Promise<Buffer> {
  const { revision } = decode(HashKVRequest, question);
  const { current, hash, compactRevision, revision: hashed } = await hashByRevision(machine, clock, revision);
  const header = { cluster_id: 0n, member_id: 0n, revision: current, raft_term: 0 };
  return encode(HashKVResponse, { header, hash, compact_revision: compactRevision, hash_revision: hashed });
}

export function decodeHashAnswer(answer: Buffer): MemberHash {
  const { header, hash, compact_revision: compactRevision, hash_revision: revision } = decode(HashKVResponse, answer);
  return { current: header?.revision ?? 0, hash, compactRevision, revision };
}
