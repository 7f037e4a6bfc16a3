// The store's content as etcd keeps it in its own database, bucket by bucket, and back. Keys and values of the key space are the
// same on both sides; small records differ. Facts of etcd's server/storage/schema and server/etcdserver/api/membership, 3.5 and 3.6.
import type { ConfState } from 'raft-ts/types.ts';
import type { BoltBucketSource, BoltRecord } from '../bbolt/writer.ts';
import { decodeTtl, encodeTtl, leaseIdOf, leaseKey } from '../lease/lease-record.ts';
import type { BackendSnapshot } from '../mvcc/backend.ts';
import { encodeRevision, mainOf, revisionBytes } from '../mvcc/revision.ts';
import { AlarmMember, Member } from '../rpc/messages.ts';
import { decode, encode, int, int64 } from '../rpc/protobuf.ts';
import { downgradeMark } from '../server/downgrade.ts';
import { clusterVersion } from '../server/version.ts';
import { encodeMember } from './member-json.ts';
import { SnapshotFileError } from './snapshot-file.ts';

/** leasepb.Lease */
export const LeaseRecord = { ID: int64(1), TTL: int(2), RemainingTTL: int(3) };

/** What etcd stores for a member that was removed. */
const removedMark = Buffer.from('removed');

/** Buckets that ours and etcd's have alike. */
export const sharedBuckets = ['auth', 'authUsers', 'authRoles'] as const;
/** Marks of the meta bucket: ours are a number in 8 bytes, etcd's a whole revision. */
export const compactionMarks = ['scheduledCompactRev', 'finishedCompactRev'] as const;
export const appliedMark = 'appliedIndex';

/** What the log knows and the backend does not. */
export interface LogFacts {
  readonly term: number;
  readonly conf: ConfState;
}

/** Every bucket that etcd makes, with the content of `snapshot`. The small ones are read at once. */
export function etcdBuckets(snapshot: Pick<BackendSnapshot, 'entries'>, facts: LogFacts): BoltBucketSource[] {
  const small = (name: string, records: readonly BoltRecord[]): BoltBucketSource => {
    const sorted = [...records].sort((a, b) => Buffer.compare(a.key, b.key));
    return { name, records: () => sorted };
  };
  return [
    { name: 'key', records: () => snapshot.entries('key') },
    small('meta', metaRecords(snapshot, facts)),
    small('lease', Array.from(snapshot.entries('lease'), leaseToEtcd)),
    small('alarm', Array.from(snapshot.entries('alarm'), alarmToEtcd)),
    small('members', Array.from(snapshot.entries('member'), memberToEtcd)),
    small(
      'members_removed',
      Array.from(snapshot.entries('memberRemoved'), ({ key }) => ({ key, value: removedMark })),
    ),
    small('cluster', clusterRecords(snapshot)),
    ...sharedBuckets.map((name) => small(name, [...snapshot.entries(name)])),
  ];
}

function metaRecords(snapshot: Pick<BackendSnapshot, 'entries'>, { term, conf }: LogFacts): BoltRecord[] {
  const marks = new Map(Array.from(snapshot.entries('meta'), ({ key, value }) => [key.toString(), value]));
  const records: [string, Buffer][] = [
    ['consistent_index', marks.get(appliedMark) ?? encodeNumber(0)],
    ['term', encodeNumber(term)],
    ['confState', confJson(conf)],
    ['storageVersion', Buffer.from(clusterVersion)],
  ];
  for (const mark of compactionMarks) {
    const value = marks.get(mark);
    if (value !== undefined) records.push([mark, encodeRevision(Number(value.readBigUInt64BE()), 0)]);
  }
  return records.map(([key, value]) => ({ key: Buffer.from(key), value }));
}

/** membership.DowngradeInfo */
const downgradeKey = 'downgrade';

function clusterRecords(snapshot: Pick<BackendSnapshot, 'entries'>): BoltRecord[] {
  const records = [{ key: Buffer.from('clusterVersion'), value: Buffer.from(clusterVersion) }];
  for (const { key, value } of snapshot.entries('meta')) {
    if (key.toString() !== downgradeMark) continue;
    const json = JSON.stringify({ 'target-version': value.toString(), enabled: true });
    records.push({ key: Buffer.from(downgradeKey), value: Buffer.from(json) });
  }
  return records;
}

/** The announced downgrade; undefined for everything else in the bucket, and where none is announced. */
export function downgradeFromEtcd({ key, value }: BoltRecord): BoltRecord | undefined {
  if (key.toString() !== downgradeKey) return undefined;
  const target = /"target-version":"([\d.]+)"/.exec(value.toString())?.[1];
  const enabled = /"enabled":true/.test(value.toString());
  return enabled && target !== undefined ? { key: Buffer.from(downgradeMark), value: Buffer.from(target) } : undefined;
}

/** raftpb.ConfState as Go's encoding/json writes it. */
function confJson(conf: ConfState): Buffer {
  const fields = [`"voters":[${conf.voters.join()}]`];
  if (conf.learners.length > 0) fields.push(`"learners":[${conf.learners.join()}]`);
  if (conf.votersOutgoing.length > 0) fields.push(`"voters_outgoing":[${conf.votersOutgoing.join()}]`);
  if (conf.learnersNext.length > 0) fields.push(`"learners_next":[${conf.learnersNext.join()}]`);
  fields.push(`"auto_leave":${conf.autoLeave}`);
  return Buffer.from(`{${fields.join()}}`);
}

function leaseToEtcd({ key, value }: BoltRecord): BoltRecord {
  const ID = leaseIdOf(key);
  const etcdKey = Buffer.alloc(8);
  etcdKey.writeBigInt64BE(ID);
  return { key: etcdKey, value: encode(LeaseRecord, { ID, TTL: decodeTtl(value) }) };
}

export function leaseFromEtcd({ value }: BoltRecord): BoltRecord {
  const { ID, TTL } = decode(LeaseRecord, value);
  if (!Number.isSafeInteger(TTL)) throw new SnapshotFileError(`a lease of ${TTL} seconds`);
  return { key: Buffer.from(leaseKey(ID)), value: encodeTtl(TTL) };
}

function alarmToEtcd({ key }: BoltRecord): BoltRecord {
  const [member, alarm] = key.toString().split('/');
  return {
    key: encode(AlarmMember, { memberID: BigInt(`0x${member}`), alarm: Number(alarm) }),
    value: Buffer.alloc(0),
  };
}

export function alarmFromEtcd({ key }: BoltRecord): BoltRecord {
  const { memberID, alarm } = decode(AlarmMember, key);
  return { key: Buffer.from(`${memberID.toString(16)}/${alarm}`), value: Buffer.alloc(0) };
}

function memberToEtcd({ value }: BoltRecord): BoltRecord {
  const member = decode(Member, value);
  return { key: Buffer.from(member.ID.toString(16)), value: encodeMember(member) };
}

/** undefined for what is none of `compactionMarks`. */
export function markFromEtcd({ key, value }: BoltRecord): BoltRecord | undefined {
  const known = (compactionMarks as readonly string[]).includes(key.toString());
  return known && value.length >= revisionBytes ? { key, value: encodeNumber(mainOf(value)) } : undefined;
}

export function encodeNumber(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(BigInt(value));
  return buffer;
}
