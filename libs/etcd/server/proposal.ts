// What the log's entries hold: a kind, who proposed it (so that the proposer knows its own again), and the request as the client
// sent it: bytes pass through unchanged.

export const proposalKinds = [
  'put',
  'deleteRange',
  'txn',
  'compact',
  'leaseGrant',
  'leaseRevoke',
  'alarm',
  'memberAttributes',
] as const;
export type ProposalKind = (typeof proposalKinds)[number];

/** kind, proposing member, number that the member never uses twice. */
const headBytes = 1 + 8 + 8;

export interface Proposal {
  readonly kind: ProposalKind | undefined;
  readonly proposer: bigint;
  readonly sequence: bigint;
  readonly payload: Buffer;
}

export function encodeProposal(kind: ProposalKind, proposer: bigint, sequence: bigint, payload: Uint8Array): Buffer {
  const buffer = Buffer.allocUnsafeSlow(headBytes + payload.length);
  buffer[0] = proposalKinds.indexOf(kind);
  buffer.writeBigUInt64BE(proposer, 1);
  buffer.writeBigUInt64BE(sequence, 9);
  buffer.set(payload, headBytes);
  return buffer;
}

export function decodeProposal(data: Uint8Array): Proposal {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return {
    kind: proposalKinds[buffer[0] ?? -1],
    proposer: buffer.readBigUInt64BE(1),
    sequence: buffer.readBigUInt64BE(9),
    payload: buffer.subarray(headBytes),
  };
}
