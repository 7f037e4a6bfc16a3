// The bounds of the store, with their units. Values are etcd's where it has them.

export const limits = {
  /** `--max-txn-ops`. */
  txnOps: 128,
  /** `--max-request-bytes`. */
  requestBytes: 1.5 * 1024 * 1024,
  /** gRPC's own overhead on top of the largest request. */
  requestOverheadBytes: 512 * 1024,
  /** Nested transactions; deeper ones are refused as malformed. */
  txnDepth: 16,
  /** `--quota-backend-bytes` where it is 0. */
  quotaBytes: 2 * 1024 ** 3,
  /**
   * Pending revisions are committed to the backend after this, or when they are larger than `commitBytes`: small commits, for each takes
   * processor and disk from the log's writes in one piece. Between two is `commitRest` times as long as the last one took, so that
   * a slow disk is the log's for most of the time.
   */
  commitDelayMs: 250,
  commitBytes: 32 << 10,
  commitRest: 4,
  /** Read from a file and written to the backend at a time, by a restore. */
  loadBytes: 4 << 20,
  /** The backend is made durable this long after a commit; until then the log is kept. */
  syncDelayMs: 1000,
  /** Records, and bytes of them, that the thread of a defragmentation writes and syncs at a time. */
  defragmentCopyKeys: 4096,
  defragmentCopyBytes: 1 << 20,
  /** Keys written meanwhile, and bytes of them, that are caught up with at a time. */
  defragmentSliceKeys: 500,
  defragmentSliceBytes: 512 << 10,
  /** Left free on the disk by a defragmentation, for the log and what is written meanwhile. */
  defragmentReserveBytes: 128 << 20,
  /** Keys written while a defragmentation copies, beyond which it is given up. */
  defragmentDirtyKeys: 2_000_000,
  /** Revisions, and bytes of them, looked at in one step of a compaction or a hash; other work gets its turn in between. */
  scanStepRecords: 200,
  scanStepBytes: 256 << 10,
  /** What is not committed yet, beyond which a compaction waits for the commit. */
  compactionPendingBytes: 512 << 10,
  /** Keys of the index looked at in one step of a compaction. */
  compactionStepKeys: 2000,
  /** Longest pause between two steps of a compaction. */
  compactionPauseMs: 10,
  /** Hashes of compacted revisions that are remembered. */
  compactionHashes: 10,
  /** Revisions of history replayed to watchers in one step, and to how many of them. */
  watchReplayRevisions: 500,
  watchReplayWatchers: 500,
  /** Bytes of history in one step, beyond which no further revision is taken in. */
  watchReplayBytes: 4 << 20,
  /** Bytes waiting in one watch stream before its watchers fall back to replay from the store. */
  watchStreamBytes: 4 << 20,
  /** A watch response with `fragment` set is split at this. */
  watchFragmentBytes: 2 << 20,
  /** `--experimental-watch-progress-notify-interval`. */
  watchProgressMs: 10 * 60_000,
  /** Proposals without an answer, beyond which new ones are refused. */
  proposalsInFlight: 5000,
  /** Changes of membership that were refused, remembered for as long as they may be in the log. */
  refusedChangesKept: 1000,
  /** `--max-learners`. */
  learners: 1,
  /** Of one client's connection, where nothing else is said: etcd's, which is as many as there can be. */
  streams: 2 ** 32 - 1,
  /** Longest time to live of a lease, seconds. */
  leaseTtlMaxSeconds: 9_000_000_000,
  /** Revocations of expired leases under way at one time, and when one without effect is proposed again. */
  leaseRevokesInFlight: 64,
  leaseRevokeRetryMs: 3000,
  /** One chunk of a snapshot stream. */
  snapshotChunkBytes: 32 * 1024,
  /** The thread that makes a snapshot hands over so many chunks at a time, and has so many blocks of them to fill. */
  snapshotBlockMessages: 8,
  snapshotBlocks: 4,
  /** Bytes of a snapshot stream that wait for the client to take them. */
  snapshotWindowBytes: 64 * 1024,
  /** A snapshot is measured in slices of this length; other work gets its turn in between. */
  snapshotSliceMs: 2,
  /** Longest name of a user or a role: it is a key of the backend. */
  authNameBytes: 1024,
  /** Tokens of `--auth-token simple` known at one time; the one not used for longest makes room. */
  authTokens: 100_000,
  /** `--auth-token-ttl` */
  authTokenTtlSeconds: 300,
  /** `--bcrypt-cost` */
  bcryptCost: 10,
  /** Calls with a password that wait for one before them to be hashed: of cost 10 some eight seconds on one processor. */
  passwordsWaiting: 128,
} as const;
