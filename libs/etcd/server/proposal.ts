// What the log's entries hold: a kind, who proposed it (so that the proposer knows its own again), for which user, and the request
// as the client sent it: bytes pass through unchanged.
import type { Identity } from '../auth/identity.ts';

/** What stands for a kind in the log, for good: of every version, and in what members send each other. New kinds get new numbers. */
export const proposalCodes = {
  put: 0,
  deleteRange: 1,
  txn: 2,
  compact: 3,
  leaseGrant: 4,
  leaseRevoke: 5,
  alarm: 6,
  memberAttributes: 7,
  authenticate: 8,
  authEnable: 9,
  authDisable: 10,
  userAdd: 11,
  userDelete: 12,
  userChangePassword: 13,
  userGrantRole: 14,
  userRevokeRole: 15,
  roleAdd: 16,
  roleDelete: 17,
  roleGrantPermission: 18,
  roleRevokePermission: 19,
  downgrade: 20,
} as const;
export type ProposalKind = keyof typeof proposalCodes;

const kindOf: ReadonlyMap<number, ProposalKind> = new Map(
  Object.entries(proposalCodes).map(([kind, code]) => [code, kind as ProposalKind]),
);

/**
 * An entry is of a kind that this version does not know. To pass over it would be to differ from the members that know it, for good:
 * the member must stop.
 */
export class UnknownProposalError extends Error {
  override readonly name = 'UnknownProposalError';

  constructor(code: number) {
    super(
      `the log has an entry of kind ${code}, which this version does not know: it was written by a newer one. ` +
        'Start this member with the version that the others have',
    );
  }
}

/** kind, proposing member, number that the member never uses twice. */
const headBytes = 1 + 8 + 8;
/** Added to the kind where the head goes on with an identity: revision, length of the user's name, name. */
const hasIdentity = 0x80;
const identityBytes = 8 + 2;

export interface Proposal {
  readonly kind: ProposalKind;
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
  buffer[0] = proposalCodes[kind] + (name === undefined ? 0 : hasIdentity);
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

/** Throws UnknownProposalError. */
export function decodeProposal(data: Uint8Array): Proposal {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const first = buffer[0] ?? 0;
  const code = first % hasIdentity;
  const kind = kindOf.get(code);
  if (kind === undefined) throw new UnknownProposalError(code);
  const head = { kind, proposer: buffer.readBigUInt64BE(1), sequence: buffer.readBigUInt64BE(9) };
  if (first < hasIdentity) {
    return { ...head, identity: undefined, payload: buffer.subarray(headBytes) };
  }
  const nameAt = headBytes + identityBytes;
  const payloadAt = nameAt + buffer.readUInt16BE(headBytes + 8);
  const revision = Number(buffer.readBigUInt64BE(headBytes));
  return {
    ...head,
    identity: { user: buffer.toString('utf8', nameAt, payloadAt), revision },
    payload: buffer.subarray(payloadAt),
  };
}
