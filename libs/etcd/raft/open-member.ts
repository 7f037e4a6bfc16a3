// What a member starts from: its log, the state machine's durable index, and the membership at it.
import type { Disk } from '@drydock/foundation/disk.ts';
import { decodeConfigChange, emptyConf, encodeConfigChange } from 'raft-ts/config-codec.ts';
import { applyConfigChange } from 'raft-ts/membership.ts';
import { MemoryStorage } from 'raft-ts/memory-storage.ts';
import type { ConfState, Entry, HardState, LogIndex, MemberId, SnapshotMeta } from 'raft-ts/types.ts';
import { WireReader, WireWriter } from 'raft-ts/wire.ts';
import type { BootstrapMember, StateMachine } from '../replica.ts';
import { damaged, WalError } from '../wal/errors.ts';
import { readWalMetadata } from '../wal/recover.ts';
import { createWal, openWal, type Wal, type WalStart, walExists } from '../wal/wal.ts';
import { leaveAlone } from './force-new-cluster.ts';
import { type ReplicaOptions, snapFolder, walFolder } from './options.ts';
import { readSnapshotFile, snapshotFileName } from './snapshot-file.ts';

/** The data directory was made by another member, or for another cluster. */
export class WrongMemberError extends Error {
  override readonly name = 'WrongMemberError';
}

export interface OpenedMember {
  readonly wal: Wal;
  readonly storage: MemoryStorage;
  /** The place up to which the log on disk is not needed any more. */
  readonly mark: SnapshotMeta;
  /** Membership at the applied index, and at every change after the mark. */
  readonly confs: readonly { readonly index: LogIndex; readonly conf: ConfState }[];
  readonly tornBytes: number;
  /** Whether the log was there already. */
  readonly existed: boolean;
}

interface LogContent {
  readonly snapshot: SnapshotMeta;
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
  readonly tornBytes: number;
}

export async function openMember(options: ReplicaOptions, segmentBytes: number): Promise<OpenedMember> {
  const { disk, machine } = options;
  const place = { disk, folder: walFolder, segmentBytes };
  const existed = await walExists(disk, walFolder);
  let wal: Wal;
  let content: LogContent;
  if (existed) {
    const opened = await openWal(place);
    wal = opened.wal;
    content = opened.recovered;
    checkIdentity(opened.recovered.metadata, options);
  } else {
    if (machine.appliedIndex() > 0)
      throw new WalError('missing', `no log in ${walFolder}, but the data is at index ${machine.appliedIndex()}`);
    const { hardState, entries } = bootstrap(options.bootstrap ?? []);
    // In one step: a member whose log says who it is, and not who the members are, would wait for somebody for ever.
    wal = await createWal(place, encodeIdentity(options.clusterId, options.id), { hardState, entries });
    content = { snapshot: { index: 0, term: 0, conf: emptyConf }, hardState, entries, tornBytes: 0 };
  }
  await disk.makeFolder(snapFolder);
  await restoreInstalled(disk, machine, content.snapshot);
  const applied = machine.appliedIndex();
  const last = content.entries.at(-1)?.index ?? content.snapshot.index;
  if (applied > last) throw damaged(walFolder, `it ends at ${last}, but entry ${applied} was applied`);
  // The commit index is written without a sync; what was applied was committed in any case.
  content = { ...content, hardState: { ...content.hardState, commit: Math.max(content.hardState.commit, applied) } };
  if (existed && options.forceNewCluster === true) content = await forceNewCluster(wal, content, options);
  const { hardState } = content;
  const confs = confsOf(content, machine);
  const conf = confs.findLast((known) => known.index <= applied)?.conf ?? emptyConf;
  const storage = new MemoryStorage({ base: content.snapshot, entries: content.entries, hardState, conf });
  return {
    wal,
    storage,
    mark: content.snapshot,
    confs: confs.filter((known) => known.index <= applied),
    tornBytes: content.tornBytes,
    existed,
  };
}

/**
 * The log of a member whose data was made from elsewhere: it begins behind `meta.index`, which the data has already, with what
 * `rest` says.
 */
export async function createLogBehind(
  disk: Disk,
  owner: { clusterId: bigint; id: MemberId },
  meta: SnapshotMeta,
  rest: { readonly hardState: HardState; readonly entries: readonly Entry[] } = {
    hardState: { term: meta.term, vote: 0n, commit: meta.index },
    entries: [],
  },
): Promise<void> {
  const wal = await createWal({ disk, folder: walFolder }, encodeIdentity(owner.clusterId, owner.id));
  try {
    await wal.saveSnapshot(meta, true, rest.hardState);
    await wal.save(rest.hardState, rest.entries, true);
  } finally {
    await wal.close();
  }
}

/** Every member of a new cluster starts with the same entries, already committed (as etcd's bootstrap does). */
function bootstrap(members: readonly BootstrapMember[]): WalStart {
  const ordered = [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  const entries = ordered.map(({ id, context }, i): Entry => {
    const data = encodeConfigChange({ steps: [{ type: 'addVoter', id }], context });
    return { term: 1, index: i + 1, type: 'configChange', data };
  });
  const hardState = { term: entries.length > 0 ? 1 : 0, vote: 0n, commit: entries.length };
  return { hardState, entries };
}

/**
 * What follows the commit index on disk may have been committed, and acknowledged: that index goes to disk with the next entries
 * only. So it is kept, as any leader could commit it, up to a change of membership, which is not to be guessed.
 */
async function forceNewCluster(wal: Wal, content: LogContent, { id, machine, log }: ReplicaOptions): Promise<LogContent> {
  const change = content.entries.find(({ index, type }) => type === 'configChange' && index > content.hardState.commit);
  const kept = content.entries.filter(({ index }) => change === undefined || index < change.index);
  const commit = Math.max(content.hardState.commit, kept.at(-1)?.index ?? 0) as LogIndex;
  const conf = confsOf({ ...content, entries: kept }, machine).at(-1)?.conf ?? emptyConf;
  const { appended, hardState } = leaveAlone(id, conf, { ...content.hardState, commit });
  log.warn({ commit, givenUp: content.entries.length - kept.length }, 'forcing a new cluster of this member alone');
  if (appended.length === 0) return content;
  await wal.save(hardState, appended, true);
  return { ...content, hardState, entries: [...kept, ...appended] };
}

/** A snapshot from the leader was durable, but a crash came before the state machine had it. */
async function restoreInstalled(disk: Disk, machine: StateMachine, snapshot: SnapshotMeta): Promise<void> {
  const name = snapshotFileName(snapshot.index);
  const files = await disk.list(snapFolder);
  if (machine.appliedIndex() < snapshot.index) {
    if (!files.includes(name)) {
      throw damaged(walFolder, `it starts after ${snapshot.index}, but the data is only at ${machine.appliedIndex()}`);
    }
    await machine.restore(snapshot, readSnapshotFile(disk, `${snapFolder}/${name}`));
  }
  for (const file of files) await disk.remove(`${snapFolder}/${file}`);
}

function confsOf(content: LogContent, machine: StateMachine): { index: LogIndex; conf: ConfState }[] {
  const confs = [{ index: content.snapshot.index, conf: content.snapshot.conf }];
  for (const entry of content.entries) {
    const before = confs.at(-1)?.conf;
    if (entry.type !== 'configChange' || before === undefined || machine.refused(entry.index)) continue;
    confs.push({ index: entry.index, conf: applyConfigChange(before, decodeConfigChange(entry.data)) });
  }
  return confs;
}

function encodeIdentity(clusterId: bigint, id: MemberId): Uint8Array {
  const writer = new WireWriter();
  writer.fixed64(1, clusterId);
  writer.fixed64(2, id);
  return writer.finish();
}

function decodeIdentity(metadata: Uint8Array): { clusterId: bigint; id: MemberId } {
  let clusterId = 0n;
  let id = 0n;
  const reader = new WireReader(metadata);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) clusterId = reader.fixed64();
    else if (field === 2) id = reader.fixed64();
    else reader.skip();
  }
  return { clusterId, id };
}

function checkIdentity(metadata: Uint8Array, options: ReplicaOptions): void {
  const { clusterId, id } = decodeIdentity(metadata);
  if (clusterId === options.clusterId && id === options.id) return;
  throw new WrongMemberError(
    `the data directory belongs to member ${id.toString(16)} of cluster ${clusterId.toString(16)}, ` +
      `not to member ${options.id.toString(16)} of cluster ${options.clusterId.toString(16)}`,
  );
}

/** What a data directory says about its owner, before anything is opened; undefined where there is no log. Throws WalError. */
export async function readIdentity(disk: Disk): Promise<{ clusterId: bigint; id: MemberId } | undefined> {
  const metadata = await readWalMetadata(disk, walFolder);
  return metadata === undefined ? undefined : decodeIdentity(metadata);
}
