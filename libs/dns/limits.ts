// Every bound and timing of the DNS server, in one place. Names end in their unit.

/** Seconds that answers from the cluster may be kept (Kubernetes DNS specification 1.1: the plugin's default). */
export const answerTtlSeconds = 5;
/** The largest UDP answer without EDNS0 (RFC 1035), and the largest that we send with it (flag day 2020). */
export const udpBytesDefault = 512;
export const udpBytesMax = 1232;
/** How long an upstream server may take; then the next is asked. */
export const forwardTimeoutMs = 2_000;
/** Servers of resolv.conf that are asked, as the resolver library does. */
export const forwardServersMax = 3;
/** Forwarded queries under way at once; further ones are answered with SERVFAIL. */
export const forwardConcurrentMax = 1_000;
/** TCP connections open at once, and how long one may be idle. */
export const tcpConnectionsMax = 200;
export const tcpIdleMs = 10_000;
/** The largest message over TCP: two bytes of length. */
export const tcpMessageBytesMax = 65_535;
