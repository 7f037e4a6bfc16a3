// Makes the data directory of a member of a new cluster from a database. All members are made from the same file, each with its
// own name: they have new ids, a new cluster id, and a log that begins behind entries nobody has, so that members that
// join later get a snapshot instead of an empty log.
import type { Disk } from '@drydock/foundation/disk.ts';
import { emptyConf } from 'raft-ts/config-codec.ts';
import type { BoltBucket } from '../bbolt/reader.ts';
import type { Backend } from '../mvcc/backend.ts';
import { createLogBehind } from '../raft/open-member.ts';
import { Member } from '../rpc/messages.ts';
import { encode } from '../rpc/protobuf.ts';
import { hexId } from '../server/members.ts';
import { appliedMark, encodeNumber } from './etcd-schema.ts';
import { type LoadedRevisions, type LoadOptions, loadDatabase } from './load.ts';

export interface RestoreSettings extends LoadOptions {
  readonly id: bigint;
  readonly clusterId: bigint;
  readonly members: readonly { readonly id: bigint; readonly name: string; readonly peerUrls: readonly string[] }[];
}

export interface RestorePorts {
  /** Of the new member; empty. */
  readonly backend: Backend;
  /** Its data folder. */
  readonly disk: Disk;
}

const term = 1;

/** Durable on return. A failure leaves a folder behind that no member starts from. */
export async function restoreMember(
  root: BoltBucket,
  settings: RestoreSettings,
  { backend, disk }: RestorePorts,
): Promise<LoadedRevisions> {
  const loaded = loadDatabase(root, backend, settings);
  const members = settings.members.map(({ id, name, peerUrls }) => ({
    key: Buffer.from(hexId(id)),
    value: encode(Member, { ID: id, name, peerURLs: [...peerUrls] }),
  }));
  backend.load('member', members);
  // As many entries as a new cluster's log begins with: one for each member.
  const index = members.length;
  backend.load('meta', [{ key: Buffer.from(appliedMark), value: encodeNumber(index) }]);
  await backend.sync();
  const voters = settings.members.map(({ id }) => id).sort((a, b) => (a < b ? -1 : 1));
  // Last of all: without a log the folder is refused.
  await createLogBehind(disk, settings, { index, term, conf: { ...emptyConf, voters } });
  return loaded;
}
