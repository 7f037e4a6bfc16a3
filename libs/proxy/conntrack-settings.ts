// The kernel's limits and times of connection tracking (KubeProxyConntrackConfiguration): which of them to write. Pure.

export interface ConntrackSettings {
  /** Tracked connections per CPU core; 0 leaves the limit, and `min`, aside. */
  readonly maxPerCore: number;
  readonly min: number;
  readonly tcpBeLiberal: boolean;
  /** Times in milliseconds; 0 leaves them as they are. The kernel counts in seconds. */
  readonly tcpEstablishedMs: number;
  readonly tcpCloseWaitMs: number;
  readonly udpMs: number;
  readonly udpStreamMs: number;
}

/** Files below /proc/sys/net/netfilter with the value each is to have. `read`: what a file has now, undefined where it is missing. */
export function conntrackWrites(
  settings: ConntrackSettings,
  cores: number,
  read: (name: string) => number | undefined,
): Map<string, number> {
  const writes = new Map<string, number>();
  const max = settings.maxPerCore > 0 ? Math.max(settings.maxPerCore * cores, settings.min) : 0;
  // The limit is only raised: others may have set it higher.
  if (max > (read('nf_conntrack_max') ?? 0)) writes.set('nf_conntrack_max', max);
  if (settings.tcpBeLiberal) writes.set('nf_conntrack_tcp_be_liberal', 1);
  for (const [name, ms] of [
    ['nf_conntrack_tcp_timeout_established', settings.tcpEstablishedMs],
    ['nf_conntrack_tcp_timeout_close_wait', settings.tcpCloseWaitMs],
    ['nf_conntrack_udp_timeout', settings.udpMs],
    ['nf_conntrack_udp_timeout_stream', settings.udpStreamMs],
  ] as const) {
    const seconds = Math.floor(ms / 1000);
    if (seconds > 0) writes.set(name, seconds);
  }
  for (const [name, value] of writes) if (read(name) === value) writes.delete(name);
  return writes;
}
