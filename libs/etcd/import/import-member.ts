// Makes the data directory of a member of ours out of what a stopped etcd has left: the database as far as it goes, behind it the
// rest of the log. Nothing that etcd has acknowledged is lost, and members that are taken over one by one have the same log: the same
// entry of etcd's becomes the same entry of ours on each of them.
import type { Disk } from '@drydock/foundation/disk.ts';
import { decodeConfigChange, emptyConf } from 'raft-ts/config-codec.ts';
import { applyConfigChange } from 'raft-ts/membership.ts';
import type { ConfState, Entry, SnapshotMeta } from 'raft-ts/types.ts';
import { appliedMark, encodeNumber } from '../backup/etcd-schema.ts';
import { loadDatabase } from '../backup/load.ts';
import { type BoltBucket, type BoltSource, openBolt } from '../bbolt/reader.ts';
import type { Backend } from '../mvcc/backend.ts';
import { createLogBehind } from '../raft/open-member.ts';
import { Member } from '../rpc/messages.ts';
import { decode } from '../rpc/protobuf.ts';
import { Members } from '../server/members.ts';
import { applyMembership, refusalOf } from '../server/membership-change.ts';
import { decodeProposal } from '../server/proposal.ts';
import { ImportError } from './errors.ts';
import type { EtcdLog } from './etcd-log.ts';
import type { EtcdSnapshot } from './etcd-snapshot.ts';
import type { Translated } from './translate-entry.ts';

export interface ImportSource {
  readonly log: EtcdLog;
  /** The newest one that the log knows and has committed; undefined where there is none. */
  readonly snapshot: EtcdSnapshot | undefined;
  readonly database: BoltSource;
}

export interface ImportPorts {
  /** Of the new member; empty. */
  readonly backend: Backend;
  /** Its data folder. */
  readonly disk: Disk;
}

export interface Imported {
  readonly id: bigint;
  readonly clusterId: bigint;
  readonly revision: number;
  /** Up to here the database goes. */
  readonly applied: number;
  readonly term: number;
  readonly commit: number;
  /** Entries behind the database. */
  readonly entries: number;
}

/** Durable on return. A failure leaves a folder behind that no member starts from. Throws ImportError, BoltError and SnapshotFileError. */
export async function importMember({ log, snapshot, database }: ImportSource, ports: ImportPorts): Promise<Imported> {
  const root = openBolt(database);
  const applied = consistentIndex(root);
  const start = snapshot ?? { index: 0, term: 0, conf: emptyConf, members: [], removed: [] };
  if (applied < start.index)
    throw new ImportError(`the database ends at entry ${applied}, but the log begins behind ${start.index}`);
  const behind = entriesBehind(log.entries, start.index);
  const last = behind.at(-1)?.entry.index ?? start.index;
  if (applied > last) throw new ImportError(`the log ends at entry ${last}, but the database is at ${applied}`);

  const loaded = loadDatabase(root, ports.backend, { bumpRevision: 0 });
  const { applied: done, rest } = divided(behind, applied);
  const conf = replayMembership(ports.backend, start, done);
  const meta: SnapshotMeta = { index: applied, term: done.at(-1)?.term ?? start.term, conf };
  ports.backend.load('meta', [{ key: Buffer.from(appliedMark), value: encodeNumber(applied) }]);
  await ports.backend.commit();
  await ports.backend.sync();
  // What was applied was committed, whether or not the log has it in writing.
  const hardState = { ...log.hardState, commit: Math.max(log.hardState.commit, applied) };
  // Last of all: without a log the folder is refused.
  await createLogBehind(ports.disk, log, meta, { hardState, entries: rest });
  const { term, commit } = hardState;
  return { id: log.id, clusterId: log.clusterId, revision: loaded.latest, applied, term, commit, entries: rest.length };
}

/** Throws ImportError where one is missing. */
function entriesBehind(entries: readonly Translated[], index: number): readonly Translated[] {
  const first = entries[0]?.entry.index;
  if (first === undefined) return [];
  if (first > index + 1) throw new ImportError(`the log begins at entry ${first}, and entry ${index + 1} is nowhere`);
  return entries.slice(index + 1 - first);
}

/** What the database has, and what it does not have. Throws ImportError. */
function divided(entries: readonly Translated[], applied: number): { applied: Entry[]; rest: Entry[] } {
  const done: Entry[] = [];
  const rest: Entry[] = [];
  for (const { entry, refusal, membership } of entries) {
    const inDatabase = entry.index <= applied;
    if (refusal !== undefined && (membership || !inDatabase)) throw new ImportError(refusal);
    (inDatabase ? done : rest).push(entry);
  }
  return { applied: done, rest };
}

/** The membership at the end of `entries`: members into the backend, voters and learners as the result. */
function replayMembership(backend: Backend, start: Omit<EtcdSnapshot, 'term'>, entries: readonly Entry[]): ConfState {
  const members = new Members(backend);
  for (const member of start.members) members.set(member);
  for (const id of start.removed) members.forget(id);
  let conf = start.conf;
  for (const { type, data } of entries) {
    if (type === 'configChange') {
      const change = decodeConfigChange(data);
      if (change.steps.length === 0) continue;
      const described = decode(Member, decodeProposal(change.context).payload);
      if (refusalOf(members, change, described) !== undefined) continue;
      applyMembership(members, change, described);
      conf = applyConfigChange(conf, change);
    } else if (data.length > 0) {
      const { kind, payload } = decodeProposal(data);
      if (kind !== 'memberAttributes') continue;
      const { ID, name, clientURLs } = decode(Member, payload);
      const known = members.get(ID);
      if (known !== undefined) members.set({ ...known, name, clientURLs });
    }
  }
  return conf;
}

/** Up to which entry a database goes. Throws BoltError. */
export function consistentIndex(root: BoltBucket): number {
  for (const { key, value } of root.bucket('meta')?.records() ?? []) {
    if (key.toString() === 'consistent_index' && value.length === 8) return Number(value.readBigUInt64BE());
  }
  return 0;
}
