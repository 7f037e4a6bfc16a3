// etcd's metrics in the Prometheus text format, read when they are asked for.

import type { Instruments } from '../metrics/instruments.ts';
import { processMetrics } from '../metrics/process-metrics.ts';
import { hexId } from './members.ts';
import type { EtcdServer } from './server.ts';
import { clusterVersion, serverVersion } from './version.ts';

type Row = readonly [name: string, type: 'gauge' | 'counter', help: string, value: number, labels?: string];

export function renderMetrics(server: EtcdServer): string {
  const lines = rows(server).flatMap(([name, type, help, value, labels = '']) => [
    ...head(name, type, help),
    `${name}${labels} ${value}`,
  ]);
  const { calls, walFsync, backendCommit } = server.instruments;
  const fsync = 'etcd_disk_wal_fsync_duration_seconds';
  const commit = 'etcd_disk_backend_commit_duration_seconds';
  const requests = 'etcd_server_client_requests_total';
  lines.push(
    ...head(fsync, 'histogram', 'The latency distributions of fsync called by WAL.'),
    ...walFsync.render(fsync),
    ...head(commit, 'histogram', 'The latency distributions of commit called by backend.'),
    ...backendCommit.render(commit),
    ...head(requests, 'counter', 'The total number of client requests per client version.'),
    ...(['stream', 'unary'] as const).map(
      (type) => `${requests}{client_api_version="unknown",type="${type}"} ${calls.requests(type)}`,
    ),
    ...calls.render(),
    ...processMetrics(),
  );
  return `${lines.join('\n')}\n`;
}

function head(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function measured(instruments: Instruments): Row[] {
  const { calls, walBytes, healthSuccess, healthFailures, readIndexesFailed, leasesExpired } = instruments;
  return [
    ['etcd_disk_wal_write_bytes_total', 'gauge', 'Total number of bytes written in WAL.', walBytes],
    ['etcd_server_health_success', 'counter', 'The total number of successful health checks', healthSuccess],
    ['etcd_server_health_failures', 'counter', 'The total number of failed health checks', healthFailures],
    ['etcd_server_read_indexes_failed_total', 'counter', 'The total number of failed read indexes seen.', readIndexesFailed],
    ['etcd_debugging_server_lease_expired_total', 'counter', 'The total number of expired leases.', leasesExpired],
    [
      'etcd_network_client_grpc_received_bytes_total',
      'counter',
      'The total number of bytes received from grpc clients.',
      calls.receivedBytes,
    ],
    [
      'etcd_network_client_grpc_sent_bytes_total',
      'counter',
      'The total number of bytes sent to grpc clients.',
      calls.sentBytes,
    ],
  ];
}

function rows(server: EtcdServer): Row[] {
  const { machine, replica, counters, options } = server;
  const { store, auth, hub, backend, members } = machine;
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
    ['etcd_debugging_auth_revision', 'gauge', 'The current revision of auth store.', auth.revision],
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
    ['etcd_debugging_mvcc_events_total', 'counter', 'Total number of events sent by this member.', hub.eventsSent],
    [
      'etcd_server_id',
      'gauge',
      "Server or member ID in hexadecimal format. 1 for 'server_id' label with current ID.",
      1,
      `{server_id="${hexId(replica.id)}"}`,
    ],
    ...measured(server.instruments),
  ];
}
