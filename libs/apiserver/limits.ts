// Every bound of the apiserver, with its unit in its name.

/** Largest request body, as upstream's MaxRequestBodyBytes. */
export const requestBodyMaxBytes = 3 * 1024 * 1024;
/** The same in YAML, which clients write by hand: three megabytes of it would be read for most of a minute. */
export const yamlBodyMaxBytes = 256 * 1024;
/** Responses at least this large are compressed where the client takes gzip. */
export const gzipMinBytes = 128 * 1024;
/**
 * What a watch cache keeps per resource type for watchers that resume or are slow: at most so many events of so many bytes in
 * the store, and of those older than watchHistoryFreshMs (upstream's eventFreshDuration) only so few.
 */
export const watchHistoryMaxEvents = 8192;
export const watchHistoryMaxBytes = 16 * 1024 * 1024;
export const watchHistoryMinEvents = 256;
export const watchHistoryFreshMs = 75_000;
/** Bytes that are written to one watcher at once; a single event may be larger. */
export const watchBatchMaxBytes = 64 * 1024;
/** Encoded events of all watches together that are kept for other watchers of the same form. */
export const sharedFramesMaxBytes = 4 * 1024 * 1024;
/** Pause before a watch cache that lost its watch asks again. */
export const cacheRetryPauseMs = 200;
/** Attempts to read a first state while the store is being compacted. */
export const cacheFillAttemptsMax = 5;
/** How long a read waits for its cache to reach a version before it goes to the store instead. */
export const cacheFreshWaitMs = 3_000;
/** How often a waiting read asks the store for its watch progress. */
export const progressRequestIntervalMs = 100;
/** How often watchers that asked for bookmarks get one. */
export const bookmarkIntervalMs = 60_000;
/** How long one attempt of a store request may take before another member is asked. */
export const storeAttemptMs = 2_000;
/** How long a store request may take in all, over all attempts. */
export const storeRequestMs = 10_000;
/** Pause between attempts of a store request. */
export const storeRetryPauseMs = 50;
/** Revisions that are written at once to pass those of a lost history, and how far beyond the last one seen they go. */
export const passRevisionBatch = 128;
export const passRevisionMargin = 100;
/** A lost history longer than this is not passed by writing: some thousand writes take a second. */
export const passRevisionMaxWrites = 500_000;
/** How often it is tried again where the store refuses the writes; requests have waited for storeRequestMs by then. */
export const passRevisionRetryMs = 1_000;
/** A store that answered less long ago than this cannot have been replaced by another one, filled and compacted. */
export const historyTrustMs = 2_000;
/** Signals of a watch that wait until it is known that the store still has the same history. */
export const heldSignalsMax = 4096;
/** Items asked of the store at once when a cache fills. */
export const cachePageMaxItems = 2_000;
/** Attempts of an update whose object changed in between, where the client named no version. */
export const conflictRetriesMax = 100;
/** Attempts to find a free generated name. */
export const generateNameAttemptsMax = 8;
/** Default lifetime of a watch without timeoutSeconds: between this and twice this (--min-request-timeout). */
export const watchMinMs = 1_800_000;
/** Deletions under way at once in one deletecollection. */
export const deleteCollectionWorkersMax = 8;
/** Verified tokens that are remembered. */
export const tokenCacheMaxEntries = 2_000;
/** How long a verified token is believed without checking its signature again. */
export const tokenCacheMs = 10_000;
/** Bytes that a proxied stream may buffer before its source is paused. */
export const streamBufferMaxBytes = 1024 * 1024;
/** One message of a WebSocket, as upstream's. */
export const webSocketMessageMaxBytes = 32 * 1024 * 1024;
/** Pings and streams of a SPDY peer whose answers wait to be read by it. */
export const streamAnswersMax = 1024;
/** How often a client that is not read from is asked whether it is still there. */
export const streamPingMs = 1_000;
/** A stream on which nothing has moved for so long is ended (upstream: --streaming-connection-idle-timeout). */
export const streamIdleMs = 4 * 3_600_000;
/** How long a client that has been told everything may take to go. */
export const streamLingerMs = 10_000;
/** What a kubelet may say in refusing a stream. */
export const refusalMaxBytes = 64 * 1024;
/** How long a connection to a kubelet, pod or service may take. */
export const dialMs = 30_000;

/** Answers of servers behind this one that are read whole: to our own wire, and to checks. */
export const backendAnswerMaxBytes = 64 * 1024 * 1024;
export const availabilityAnswerMaxBytes = 4 * 1024 * 1024;
/** Resources of one version of a server behind this one that discovery lists: every client's copy of the document has them. */
export const remoteRowsMax = 1_000;
/** How often it is looked for APIServices to check, and how long what was found is good (upstream's resync). */
export const availabilityRoundMs = 500;
export const availabilityResyncMs = 30_000;
/** Requests of one check, how long each may take, and the first pause after a check that failed, doubled with each. */
export const availabilityAttempts = 5;
/** Checks at once (upstream: its controller's workers). */
export const availabilityChecksMax = 5;
export const availabilityTimeoutMs = 5_000;
export const availabilityBackoffMinMs = 5;

/** How long a health check waits for the store (upstream: --etcd-healthcheck-timeout). */
export const storeHealthMs = 2_000;
