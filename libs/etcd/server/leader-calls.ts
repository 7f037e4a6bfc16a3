// The way to the leader, as a port: what only the leader knows is asked over its client URLs.

export interface LeaderCalls {
  /** Passes a unary call on; tried again while there is no leader. Rejects with the leader's status, or EtcdError `timeout`. */
  unary(path: string, request: Buffer): Promise<Buffer>;
  /** One `LeaseKeepAlive` request and its answer. */
  keepAlive(request: Buffer): Promise<Buffer>;
  close(): void;
}
