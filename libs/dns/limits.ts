// Every bound and timing of the DNS server, in one place. Names end in their unit.

/** Seconds that answers from the cluster may be kept (Kubernetes DNS specification 1.1: the plugin's default). */
export const answerTtlSeconds = 5;
/** The largest UDP answer without EDNS0 (RFC 1035), and the largest that we send with it (flag day 2020). */
export const udpBytesDefault = 512;
export const udpBytesMax = 1232;
/** How long an upstream server may take; then the next is asked. */
export const forwardTimeoutMs = 2_000;
/** After this long no further server is asked (CoreDNS's forward: its default timeout). */
export const forwardTotalMs = 5_000;
/** How often a server that did not answer is asked whether it is there (CoreDNS's forward: health_check). */
export const probeIntervalMs = 500;
/** Servers of resolv.conf that are asked, as the resolver library does. */
export const forwardServersMax = 3;
/** Forwarded queries under way at once; further ones are answered with SERVFAIL. */
export const forwardConcurrentMax = 1_000;
/** TCP connections open at once, how long one may be idle, and how long a place is kept from newcomers. */
export const tcpConnectionsMax = 200;
export const tcpIdleMs = 10_000;
export const tcpGraceMs = 1_000;
/** Queries of one TCP connection under way at once, and bytes of answers that its peer has not read; then it is read no further. */
export const tcpPipelineMax = 16;
export const tcpUnreadBytesMax = 128 * 1024;
/** The largest message over TCP: two bytes of length. */
export const tcpMessageBytesMax = 65_535;
/** The largest query that is read: a name, a type, and options of EDNS0. */
export const queryBytesMax = 4_096;
