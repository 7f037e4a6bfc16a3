// What a replica is made of, and its limits.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Disk } from '@drydock/foundation/disk.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random } from '@drydock/foundation/random.ts';
import type { MemberId } from 'raft-ts/types.ts';
import type { Transport } from '../peer/transport.ts';
import type { BootstrapMember, StateMachine } from '../replica.ts';

/** Timings and sizes that flags set; the defaults are etcd's. */
export interface ReplicaTuning {
  /** `--heartbeat-interval`: one tick. */
  readonly heartbeatMs: number;
  /** `--election-timeout`. */
  readonly electionMs: number;
  /** `--snapshot-count`: the log is compacted when it is this much longer than the last snapshot mark. */
  readonly snapshotCount: number;
  /** `--experimental-snapshot-catchup-entries`: kept in memory behind the mark, for members that lag a little. */
  readonly catchUpEntries: number;
  /** `--pre-vote`. */
  readonly preVote: boolean;
  /** Of a log segment on disk. */
  readonly segmentBytes: number;
}

export const defaultTuning: ReplicaTuning = {
  heartbeatMs: 100,
  electionMs: 1000,
  snapshotCount: 10_000,
  catchUpEntries: 5000,
  preVote: true,
  segmentBytes: 16 << 20,
};

/** Everything outside that a replica needs. `disk` is the member's data folder; it uses `member/wal` and `member/snap` in it. */
export interface ReplicaOptions {
  readonly id: MemberId;
  readonly clusterId: bigint;
  /** Of a new cluster, the same on every member; undefined for a member that joins, and ignored where there is a log already. */
  readonly bootstrap: readonly BootstrapMember[] | undefined;
  /** `--force-new-cluster`: go on alone. */
  readonly forceNewCluster?: boolean;
  readonly machine: StateMachine;
  readonly transport: Transport;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly tuning?: Partial<ReplicaTuning>;
  /** The replica cannot go on and has stopped: end the process. Called at most once. */
  readonly fatal: (error: unknown, message: string) => void;
}

export const walFolder = 'member/wal';
export const snapFolder = 'member/snap';

/** Limits that etcd has as constants (server/etcdserver/raft.go), bytes unless the name says otherwise. */
export const limits = {
  maxMessageBytes: 512 * 1024,
  maxInflightMessages: 512,
  maxUncommittedBytes: 1 << 30,
  maxCommittedBytesPerReady: 1 << 20,
  /** The log in memory is compacted also when it is larger than this, whatever the number of entries. */
  logBytesMax: 64 << 20,
  /** Of the entries that are kept for members that lag, at most this many bytes. */
  catchUpBytesMax: 16 << 20,
  /** A read round without an answer is asked again after this. */
  readRetryMs: 500,
  /** Snapshots being sent at the same time. */
  snapshotSendsMax: 2,
} as const;
