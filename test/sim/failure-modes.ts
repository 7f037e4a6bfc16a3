// The ways in which a store is known to fail (etcd's documentation and issues), each with what shows that ours keeps the guarantee,
// or keeps the limit that etcd documents.

export interface FailureMode {
  readonly row: number;
  readonly title: string;
  readonly guarantee: string;
  /** etcd's page or issues. */
  readonly source: string;
  /** `documented limit`: what is lost is lost on etcd too; `shownBy` shows that it is no more than that. */
  readonly kind: 'sim' | 'process' | 'documented limit';
  /** Names of scenarios (`npm run sim:store -- --scenario NAME`), or paths of tests. */
  readonly shownBy: readonly string[];
}

export const failureModes: readonly FailureMode[] = [
  {
    row: 1,
    title: 'one follower of three is killed',
    guarantee: 'writes go on without a pause; it catches up',
    source: 'op-guide/failures',
    kind: 'sim',
    shownBy: ['kill-follower'],
  },
  {
    row: 2,
    title: 'the leader is killed',
    guarantee: 'a new leader; nothing acknowledged is lost; no lease ends early',
    source: 'op-guide/failures',
    kind: 'sim',
    shownBy: ['kill-leader'],
  },
  {
    row: 3,
    title: 'a majority is killed',
    guarantee: 'no write, no current read; service and leases come back with the majority',
    source: 'op-guide/failures',
    kind: 'sim',
    shownBy: ['kill-majority'],
  },
  {
    row: 4,
    title: 'partition with the leader in the minority',
    guarantee: 'it steps down and acknowledges nothing; the minority takes over what the majority wrote',
    source: 'op-guide/failures',
    kind: 'sim',
    shownBy: ['leader-in-minority'],
  },
  {
    row: 5,
    title: 'partial partition',
    guarantee: 'safety; progress returns with the link (leadership may flap until then, as on etcd)',
    source: 'etcd#8129',
    kind: 'documented limit',
    shownBy: ['partial-partition'],
  },
  {
    row: 6,
    title: 'a member that can send but not receive',
    guarantee: 'PreVote and CheckQuorum: the healthy majority keeps its leader',
    source: 'etcd#8499',
    kind: 'sim',
    shownBy: ['one-way-link'],
  },
  {
    row: 7,
    title: 'the leader has a link that flaps',
    guarantee: 'nothing acknowledged is lost; with the bad member isolated the leader stays',
    source: 'etcd#13665',
    kind: 'sim',
    shownBy: ['flapping-leader'],
  },
  {
    row: 8,
    title: 'slow fsync on the leader',
    guarantee: 'no loss; writes go on when the disk does',
    source: 'etcd#7044, tuning: disk',
    kind: 'sim',
    shownBy: ['slow-sync-on-leader'],
  },
  {
    row: 9,
    title: 'the leader stands still longer than an election, and goes on',
    guarantee: 'no stale read (ReadIndex)',
    source: 'etcd#20418, Jepsen etcd 3.4.3',
    kind: 'sim',
    shownBy: ['paused-leader'],
  },
  {
    row: 10,
    title: 'crash between saving the log and applying it',
    guarantee: 'acknowledged means durable after the restart',
    source: 'etcd#14370, etcd#13766',
    kind: 'sim',
    shownBy: ['crash-between-save-and-apply'],
  },
  {
    row: 11,
    title: 'crash during compaction or defragmentation',
    guarantee: 'revisions do not go back, hashes are equal',
    source: 'etcd#17780, etcd#14685',
    kind: 'sim',
    shownBy: ['crash-during-compaction', 'libs/etcd/mvcc/defragment.test.ts'],
  },
  {
    row: 12,
    title: 'what was not synced is lost at a power cut',
    guarantee: 'only what was not acknowledged is lost',
    source: 'etcd robustness: LazyFS',
    kind: 'sim',
    shownBy: ['power-cuts'],
  },
  {
    row: 13,
    title: 'watch or read of a compacted revision',
    guarantee: 'the error with the revision of the compaction; a watch from there loses and doubles nothing',
    source: 'op-guide/maintenance',
    kind: 'sim',
    shownBy: ['compacted-watch'],
  },
  {
    row: 14,
    title: 'compaction races a delete that is watched',
    guarantee: 'the delete is seen, or the watch is told that it is too late',
    source: 'etcd#18089, etcd#19179',
    kind: 'sim',
    shownBy: ['compaction-at-delete'],
  },
  {
    row: 15,
    title: 'a watcher that reads slowly',
    guarantee: 'every event once, in order; no bookmark ahead of them',
    source: 'etcd#17529, etcd#15220',
    kind: 'sim',
    shownBy: ['slow-watcher'],
  },
  {
    row: 16,
    title: 'a member with watchers is cut off and comes back',
    guarantee: 'watches do not go back in time, also over a snapshot',
    source: 'etcd#15271',
    kind: 'sim',
    shownBy: ['watch-on-cut-member'],
  },
  {
    row: 17,
    title: 'watch of a future revision on several members',
    guarantee: 'nothing before the revision that was asked for',
    source: 'etcd#20221',
    kind: 'sim',
    shownBy: ['watch-on-future-revision'],
  },
  {
    row: 18,
    title: 'the backend reaches its quota',
    guarantee: 'NOSPACE; reads and deletes go on; compact, defragment, disarm, and writes go on',
    source: 'op-guide/maintenance, etcd#14497',
    kind: 'process',
    shownBy: ['libs/etcd/server/quota.test.ts'],
  },
  {
    row: 19,
    title: 'full disk on the leader',
    guarantee: 'the member ends, the others elect; with space it comes back',
    source: 'etcd#3068',
    kind: 'sim',
    shownBy: ['full-disk-on-leader'],
  },
  {
    row: 20,
    title: 'a follower is away for longer than the log is kept',
    guarantee: 'it gets a snapshot, also twice in a row',
    source: 'etcd#18055',
    kind: 'sim',
    shownBy: ['snapshot-to-follower'],
  },
  {
    row: 21,
    title: 'defragmentation of a live member',
    guarantee: 'the others serve, and it too',
    source: 'op-guide/maintenance',
    kind: 'process',
    shownBy: ['libs/etcd/mvcc/defragment.test.ts'],
  },
];
