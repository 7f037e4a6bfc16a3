// What a caller who has not said who they are may cost a listener of node:http, node:https or node:http2. Every server of ours
// that takes connections from anybody is created with these options and watched by `guardServer`.
import type { ServerOptions } from 'node:http';
import type { SecureServerOptions, ServerHttp2Session, Settings } from 'node:http2';

/** The times that a caller has, in milliseconds. */
export interface ServingTimes {
  /** To say who they are, before others may take their place. */
  readonly graceMs: number;
  /** For a TLS handshake. */
  readonly handshakeMs: number;
  /** For the headers of a request to come (k8s.io/apiserver: ReadHeaderTimeout). */
  readonly headersMs: number;
  /** Between requests of one connection (k8s.io/apiserver: IdleTimeout). */
  readonly idleMs: number;
  /** How often node looks for HTTP/1 connections whose time is over. */
  readonly sweepMs: number;
}

export const servingTimes: ServingTimes = {
  graceMs: 2_000,
  handshakeMs: 10_000,
  headersMs: 32_000,
  idleMs: 90_000,
  sweepMs: 2_000,
};

/** A peer that says nothing is probed after this long (Go's default), so that one that vanished is noticed. */
export const keepAliveProbeMs = 15_000;
/** Headers of one request, names and values together. */
export const headersMaxBytes = 64 * 1024;
/** Streams at once on one HTTP/2 connection (k8s.io/apiserver, without --http2-max-streams-per-connection). */
export const streamsMax = 100;
/** What a client may send on one stream before it is read. */
export const streamWindowBytes = 256 * 1024;
/** Connections at once of callers who have not said who they are; beyond it the oldest of them is closed. */
export const strangersMax = 512;

/** Options of `net.createServer` and all that build on it. */
export const tcpBounds = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveProbeMs } as const;

/** Options of HTTP/1. Bodies have no time of their own here: whoever reads one bounds it, whoever does not calls `dropInput`. */
export function http1Bounds({ headersMs, idleMs, sweepMs }: ServingTimes = servingTimes) {
  return {
    headersTimeout: headersMs,
    requestTimeout: 0,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: sweepMs,
    maxHeaderSize: headersMaxBytes,
  } as const satisfies ServerOptions;
}

export const http2Settings: Settings = {
  enablePush: false,
  maxConcurrentStreams: streamsMax,
  initialWindowSize: streamWindowBytes,
  maxHeaderListSize: headersMaxBytes,
};

/** Options of HTTP/2: each is a flood that ends the connection instead of filling memory. */
export const http2Bounds = {
  settings: http2Settings,
  // Streams opened beyond the limit, frames that are not valid (empty DATA among them).
  maxSessionRejectedStreams: 100,
  maxSessionInvalidFrames: 100,
  // Entries of one SETTINGS frame; acknowledgements that we wait for.
  maxSettings: 32,
  maxOutstandingPings: 10,
  maxOutstandingSettings: 10,
  maxHeaderListPairs: 256,
  // Rapid reset (CVE-2023-44487): so many resets at once, and so many a second after that.
  streamResetBurst: 1_000,
  streamResetRate: 100,
  // Megabytes that one connection may hold in node.
  maxSessionMemory: 10,
} as const satisfies SecureServerOptions & { maxOutstandingSettings: number };

/** Options of TLS. */
export function tlsBounds({ handshakeMs }: ServingTimes = servingTimes) {
  return { handshakeTimeout: handshakeMs } as const;
}

/** Everything for a server of HTTP/2 and HTTP/1.1 over TLS. */
export function secureBounds(times: ServingTimes = servingTimes) {
  const http1 = http1Bounds(times);
  return { ...tcpBounds, ...tlsBounds(times), ...http2Bounds, ...http1, http1Options: http1 };
}

/** Ends an HTTP/2 connection on which nothing is under way and nothing comes. */
export function closeWhenIdle(session: ServerHttp2Session, isStranger: () => boolean, afterMs: number): void {
  let open = 0;
  session.on('stream', (stream) => {
    open++;
    stream.once('close', () => open--);
  });
  session.setTimeout(afterMs, () => {
    if (isStranger()) session.destroy();
    else if (open === 0) session.close();
  });
}
