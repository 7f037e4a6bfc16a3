// etcd's snapshot files (`member/snap/TERM-INDEX.snap`): the membership at a place of the log, and what was left of the v2 store,
// which is where etcd before 3.6 keeps its members. Facts of server/etcdserver/api/snap and api/v2store.
import type { ConfState } from 'raft-ts/types.ts';
import { crc32c } from '../mvcc/crc32c.ts';
import type { Member } from '../rpc/messages.ts';
import { bool, bytes, decode, int, type MessageOf, many, message, uint64 } from '../rpc/protobuf.ts';
import { ImportError } from './errors.ts';

const SnapshotFile = { crc: int(1), data: bytes(2) };
const EtcdConfState = {
  voters: many(uint64(1)),
  learners: many(uint64(2)),
  voters_outgoing: many(uint64(3)),
  learners_next: many(uint64(4)),
  auto_leave: bool(5),
};
const SnapshotMetadata = { conf_state: message(1, EtcdConfState), index: int(2), term: int(3) };
const Snapshot = { data: bytes(1), metadata: message(2, SnapshotMetadata) };

export interface EtcdSnapshot {
  readonly index: number;
  readonly term: number;
  readonly conf: ConfState;
  readonly members: readonly MessageOf<typeof Member>[];
  readonly removed: readonly bigint[];
}

/** A node of the v2 store in JSON. */
interface V2Node {
  readonly Value?: string;
  readonly Children?: Readonly<Record<string, V2Node>> | null;
}

/** Throws ImportError. */
export function readEtcdSnapshot(file: string, content: Buffer): EtcdSnapshot {
  const { crc, data } = decode(SnapshotFile, content);
  if (data.length === 0 || crc32c(data) !== crc) throw new ImportError(`${file}: it is damaged (crc mismatch)`);
  const { metadata, data: store } = decode(Snapshot, data);
  if (metadata?.conf_state === undefined) throw new ImportError(`${file}: it does not say where it is`);
  const { voters, learners, voters_outgoing, learners_next, auto_leave } = metadata.conf_state;
  const conf = { voters, learners, votersOutgoing: voters_outgoing, learnersNext: learners_next, autoLeave: auto_leave };
  return { index: metadata.index, term: metadata.term, conf, ...membership(file, store) };
}

function membership(file: string, store: Buffer): Pick<EtcdSnapshot, 'members' | 'removed'> {
  if (store.length === 0) return { members: [], removed: [] };
  const { Root: root } = JSON.parse(store.toString()) as { Root?: V2Node };
  const keys = Object.keys(childrenOf(root?.Children?.['1']));
  if (keys.length > 0) {
    throw new ImportError(`${file}: it has keys of the v2 API, which etcd 3.6 does not have any more (/${keys[0]} among them)`);
  }
  const cluster = childrenOf(root?.Children?.['0']);
  const members = Object.entries(childrenOf(cluster.members)).map(([id, node]) => memberOf(id, childrenOf(node)));
  const removed = Object.keys(childrenOf(cluster.removed_members)).map((id) => BigInt(`0x${id}`));
  return { members, removed };
}

function memberOf(id: string, { raftAttributes, attributes }: Readonly<Record<string, V2Node>>): MessageOf<typeof Member> {
  const raft = JSON.parse(raftAttributes?.Value ?? '{}') as { peerURLs?: string[]; isLearner?: boolean };
  const own = JSON.parse(attributes?.Value ?? '{}') as { name?: string; clientURLs?: string[] };
  return {
    ID: BigInt(`0x${id}`),
    name: own.name ?? '',
    peerURLs: raft.peerURLs ?? [],
    clientURLs: own.clientURLs ?? [],
    isLearner: raft.isLearner === true,
  };
}

function childrenOf(node: V2Node | undefined): Readonly<Record<string, V2Node>> {
  return node?.Children ?? {};
}
