// What the log's entries hold: a kind, who proposed it (so that the proposer knows its own again), for which user, and the request
// as the client sent it: bytes pass through unchanged.
import { authKinds } from '../auth/auth-changes.ts';
import type { Identity } from '../auth/identity.ts';

export const proposalKinds = [
  'put',
  'deleteRange',
  'txn',
  'compact',
  'leaseGrant',
  'leaseRevoke',
  'alarm',
  'memberAttributes',
  'authenticate',
  ...authKinds,
  'downgrade',
] as const;
export type ProposalKind = (typeof proposalKinds)[number];

/** kind, proposing member, number that the member never uses twice. */
const headBytes = 1 + 8 + 8;
/** Added to the kind where the head goes on with an identity: revision, length of the user's name, name. */
const hasIdentity = 0x80;
const identityBytes = 8 + 2;

export interface Proposal {
  readonly kind: ProposalKind | undefined;
  readonly proposer: bigint;
  readonly sequence: bigint;
  /** The user who asked; undefined where authentication was off or nobody was named. */
  readonly identity: Identity | undefined;
  readonly payload: Buffer;
}

export function encodeProposal(
  kind: ProposalKind,
  proposer: bigint,
  sequence: bigint,
  payload: Uint8Array,
  identity?: Identity,
): Buffer {
  const name = identity === undefined ? undefined : Buffer.from(identity.user);
  const payloadAt = headBytes + (name === undefined ? 0 : identityBytes + name.length);
  const buffer = Buffer.allocUnsafeSlow(payloadAt + payload.length);
  buffer[0] = proposalKinds.indexOf(kind) + (name === undefined ? 0 : hasIdentity);
  buffer.writeBigUInt64BE(proposer, 1);
  buffer.writeBigUInt64BE(sequence, 9);
  if (identity !== undefined && name !== undefined) {
    buffer.writeBigUInt64BE(BigInt(identity.revision), headBytes);
    buffer.writeUInt16BE(name.length, headBytes + 8);
    buffer.set(name, headBytes + identityBytes);
  }
  buffer.set(payload, payloadAt);
  return buffer;
}

export function decodeProposal(data: Uint8Array): Proposal {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const first = buffer[0] ?? 0;
  const head = { proposer: buffer.readBigUInt64BE(1), sequence: buffer.readBigUInt64BE(9) };
  if (first < hasIdentity) {
    return { kind: proposalKinds[first], ...head, identity: undefined, payload: buffer.subarray(headBytes) };
  }
  const nameAt = headBytes + identityBytes;
  const payloadAt = nameAt + buffer.readUInt16BE(headBytes + 8);
  const revision = Number(buffer.readBigUInt64BE(headBytes));
  return {
    kind: proposalKinds[first - hasIdentity],
    ...head,
    identity: { user: buffer.toString('utf8', nameAt, payloadAt), revision },
    payload: buffer.subarray(payloadAt),
  };
}
