// Every bound and timing of the client, in one place. Names end in their unit.

/** How long a call may take before it fails with reason Timeout, where the caller says nothing. */
export const requestTimeoutMs = 60_000;
/** How long establishing a connection may take before the next server is tried. */
export const connectTimeoutMs = 5_000;
/** A connection that has been silent this long is pinged (client-go: http2 ReadIdleTimeout 30 s; shorter for our own wire). */
export const restPingIntervalMs = 30_000;
export const restPingTimeoutMs = 15_000;
export const grpcKeepaliveIntervalMs = 10_000;
export const grpcKeepaliveTimeoutMs = 5_000;
/** The largest answer that is read: a list of the whole of a large cluster. */
export const responseBytesMax = 512 * 1024 * 1024;
/** The largest line of a watch: two objects of the store's limit, escaped. */
export const watchLineCharsMax = 32 * 1024 * 1024;
/** A bearer token read from a file is read again after this time (client-go: one minute). */
export const tokenRefreshMs = 60_000;

/** client-go's QPS and burst where a configuration says 0. */
export const defaultPerSecond = 5;
export const defaultBurst = 10;

/** Reflector back-off (client-go): 800 ms doubling to 30 s with jitter, forgotten after two quiet minutes. */
export const reflectorBackoffMinMs = 800;
export const reflectorBackoffMaxMs = 30_000;
export const reflectorBackoffResetMs = 120_000;
/** The server is asked to end a watch after a random time between this and twice this (client-go: 5 to 10 minutes). */
export const watchTimeoutMinSeconds = 300;
/** Objects per page of a reflector's list that is read from the store. */
export const listPageObjects = 500;

/** Work-queue back-off per item (client-go's default controller rate limiter): 5 ms doubling to 1000 s. */
export const itemBackoffBaseMs = 5;
export const itemBackoffMaxMs = 1_000_000;
/** Work-queue bucket over all items: 10 per second, bursts of 100. */
export const bucketPerSecond = 10;
export const bucketBurst = 100;

/** Leader election (client-go defaults of the control plane). */
export const leaseDurationMs = 15_000;
export const renewDeadlineMs = 10_000;
export const retryPeriodMs = 2_000;
/** Jitter on top of the retry period of a candidate: up to this factor of it. */
export const electionJitterFactor = 1.2;

/** Events (client-go's EventCorrelator): cached keys, the aggregation window and count, the spam bucket. */
export const eventCacheEntriesMax = 4096;
export const eventAggregationCount = 10;
export const eventAggregationWindowMs = 600_000;
export const eventSpamBurst = 25;
export const eventSpamPerSecond = 1 / 300;
/** Events waiting to be written; further ones are dropped, as upstream's broadcaster does. */
export const eventQueueMax = 1000;
export const eventWriteAttemptsMax = 12;
export const eventWriteRetryMs = 10_000;
/** The longest message of an event, in characters (the API server refuses more). */
export const eventMessageCharsMax = 1024;

/** Delegated authentication and authorisation: how long a TokenReview or SubjectAccessReview may take (upstream: 10 s). */
export const reviewTimeoutMs = 10_000;
/** A longer token is no token of ours; it is not worth a request. */
export const tokenBytesMax = 16 << 10;
/** Answers to longer questions are not remembered (upstream's webhook authoriser: 10,000), so that a cache is of bounded size. */
export const rememberedKeyCharsMax = 10_000;
/** Reviews that one component asks for (upstream's clients for them: 200 a second, bursts of 400). */
export const reviewsPerSecond = 200;
export const reviewsBurst = 400;
