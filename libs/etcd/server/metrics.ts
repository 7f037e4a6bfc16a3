// etcd's metrics in the Prometheus text format, read when they are asked for.
import { memoryUsage } from 'node:process';
import type { EtcdServer } from './server.ts';
import { clusterVersion, serverVersion } from './version.ts';

type Row = readonly [name: string, type: 'gauge' | 'counter', help: string, value: number, labels?: string];

export function renderMetrics(server: EtcdServer): string {
  return `${rows(server)
    .map(
      ([name, type, help, value, labels = '']) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name}${labels} ${value}`,
    )
    .join('\n')}\n`;
}

function rows(server: EtcdServer): Row[] {
  const { machine, replica, counters, options } = server;
  const { store, hub, backend, lessor, members } = machine;
  const raft = replica.status();
  const { totalBytes, inUseBytes } = backend.sizes();
  const learner = members.get(replica.id)?.isLearner ?? false;
  return [
    [
      'etcd_server_has_leader',
      'gauge',
      'Whether or not a leader exists. 1 is existence, 0 is not.',
      raft.leader === 0n ? 0 : 1,
    ],
    [
      'etcd_server_is_leader',
      'gauge',
      'Whether or not this member is a leader. 1 if is, 0 otherwise.',
      server.isLeader ? 1 : 0,
    ],
    ['etcd_server_is_learner', 'gauge', 'Whether or not this member is a learner. 1 if is, 0 otherwise.', learner ? 1 : 0],
    ['etcd_server_leader_changes_seen_total', 'counter', 'The number of leader changes seen.', counters.leaderChanges],
    ['etcd_server_proposals_committed_total', 'gauge', 'The total number of consensus proposals committed.', raft.commit],
    [
      'etcd_server_proposals_applied_total',
      'gauge',
      'The total number of consensus proposals applied.',
      machine.appliedIndex(),
    ],
    ['etcd_server_proposals_pending', 'gauge', 'The current number of pending proposals to commit.', server.pendingProposals],
    ['etcd_server_proposals_failed_total', 'counter', 'The total number of failed proposals seen.', counters.proposalsFailed],
    ['etcd_server_quota_backend_bytes', 'gauge', 'Current backend storage quota size in bytes.', options.quotaBytes],
    [
      'etcd_server_version',
      'gauge',
      "Which version is running. 1 for 'server_version' label with current version.",
      1,
      `{server_version="${serverVersion}"}`,
    ],
    [
      'etcd_cluster_version',
      'gauge',
      "Which version is running. 1 for 'cluster_version' label with current cluster version",
      1,
      `{cluster_version="${clusterVersion.replace(/\.\d+$/, '')}"}`,
    ],
    [
      'etcd_mvcc_db_total_size_in_bytes',
      'gauge',
      'Total size of the underlying database physically allocated in bytes.',
      totalBytes,
    ],
    [
      'etcd_mvcc_db_total_size_in_use_in_bytes',
      'gauge',
      'Total size of the underlying database logically in use in bytes.',
      inUseBytes,
    ],
    ['etcd_mvcc_range_total', 'counter', 'Total number of ranges seen by this member.', counters.ranges],
    ['etcd_mvcc_put_total', 'counter', 'Total number of puts seen by this member.', counters.puts],
    ['etcd_mvcc_delete_total', 'counter', 'Total number of deletes seen by this member.', counters.deletes],
    ['etcd_mvcc_txn_total', 'counter', 'Total number of txns seen by this member.', counters.txns],
    ['etcd_debugging_mvcc_keys_total', 'gauge', 'Total number of keys.', store.keys],
    ['etcd_debugging_mvcc_current_revision', 'gauge', 'The current revision of store.', store.revision],
    [
      'etcd_debugging_mvcc_compact_revision',
      'gauge',
      'The revision of the last compaction in store.',
      Math.max(store.compactRevision, 0),
    ],
    ['etcd_debugging_mvcc_watcher_total', 'gauge', 'Total number of watchers.', hub.watchers],
    ['etcd_debugging_mvcc_slow_watcher_total', 'gauge', 'Total number of unsynced slow watchers.', hub.behind],
    ['etcd_debugging_lease_total', 'gauge', 'Number of leases.', lessor.size],
    ['process_resident_memory_bytes', 'gauge', 'Resident memory size in bytes.', memoryUsage.rss()],
  ];
}
