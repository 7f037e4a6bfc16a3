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

/** What ./fresh.ts asks of its load. */
export interface FreshLoad {
  readonly kind: 'put' | 'get';
  readonly clients: number;
  readonly valueBytes: number;
  /** From the first call on. */
  readonly windowsMs: readonly number[];
  /** `host:port` of a store that is not measured, and how long the load practises on it. */
  readonly practiseOn: readonly string[];
  readonly practiseMs: number;
}

/** Of the calls that were answered in the first `windowMs`. `failed` is how many of them had no message. */
export interface Window {
  readonly windowMs: number;
  readonly operations: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}
