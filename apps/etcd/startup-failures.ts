// What may keep a member from starting that its operator can do something about: told by its message, without a stack.
import { DataFileError } from '@drydock/etcd/mvcc/lmdb-file.ts';
import { PeerListenError } from '@drydock/etcd/peer/grpc-transport.ts';
import { WrongMemberError } from '@drydock/etcd/raft/open-member.ts';
import { MemberRemovedError } from '@drydock/etcd/replica.ts';
import { ListenError } from '@drydock/etcd/rpc/listener.ts';
import { CorruptionError } from '@drydock/etcd/server/corruption.ts';
import { WalError } from '@drydock/etcd/wal/errors.ts';
import { StartupError } from '@drydock/foundation/program.ts';

const failures = [ListenError, PeerListenError, WalError, WrongMemberError, CorruptionError, DataFileError, MemberRemovedError];

/** Rejects as `starting` does, or with StartupError. */
export async function told(starting: Promise<void>): Promise<void> {
  try {
    await starting;
  } catch (error) {
    const known = failures.some((type) => error instanceof type);
    throw known ? new StartupError((error as Error).message, { cause: error }) : error;
  }
}
