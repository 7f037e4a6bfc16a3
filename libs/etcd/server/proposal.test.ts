// The log outlives versions: what stands for a kind never stands for another one.
import { expect, test } from 'vitest';
import { decodeProposal, encodeProposal, type ProposalKind, proposalCodes, UnknownProposalError } from './proposal.ts';

/** Written down when they were first used. A new kind is added here, with a number that none has had. */
const pinned =
  'put 0, deleteRange 1, txn 2, compact 3, leaseGrant 4, leaseRevoke 5, alarm 6, memberAttributes 7, authenticate 8, authEnable 9, ' +
  'authDisable 10, userAdd 11, userDelete 12, userChangePassword 13, userGrantRole 14, userRevokeRole 15, roleAdd 16, ' +
  'roleDelete 17, roleGrantPermission 18, roleRevokePermission 19, downgrade 20';

test('every kind has the number that it has always had', () => {
  const kinds = Object.keys(proposalCodes) as ProposalKind[];
  const written = kinds.map((kind) => `${kind} ${encodeProposal(kind, 1n, 2n, Buffer.alloc(0))[0]}`);
  expect(written.join(', ')).toBe(pinned);
  for (const kind of kinds) {
    const identity = { user: 'alice', revision: 3 };
    expect(decodeProposal(encodeProposal(kind, 1n, 2n, Buffer.from('x')))).toMatchObject({ kind, identity: undefined });
    expect(decodeProposal(encodeProposal(kind, 1n, 2n, Buffer.from('x'), identity))).toMatchObject({ kind, identity });
  }
});

test('an entry of an unknown kind is not passed over', () => {
  const entry = encodeProposal('put', 1n, 2n, Buffer.alloc(0));
  for (const code of [21, 100, 127, 21 + 128]) {
    entry[0] = code;
    expect(() => decodeProposal(entry)).toThrow(UnknownProposalError);
  }
});
