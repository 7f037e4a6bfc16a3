// What ../store.ts and its load say to each other.

export interface Load {
  readonly kind: 'put' | 'get' | 'get-serializable' | 'range' | 'txn' | 'watch' | 'watch-streams' | 'keepalive' | 'fill';
  /** `host:port`; the leader's is the first. */
  readonly endpoints: readonly string[];
  /** Callers, each with one call under way. */
  readonly clients: number;
  readonly valueBytes: number;
  readonly durationMs: number;
  /** Of `fill`: how many keys. */
  readonly calls: number;
}

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
  readonly operations: number;
  /** Processor time of the load itself for each operation, microseconds. */
  readonly loadCpuUs: number;
}
