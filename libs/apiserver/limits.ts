// Every bound of the apiserver, with its unit in its name.

/** Largest request body, as upstream's MaxRequestBodyBytes. */
export const requestBodyMaxBytes = 3 * 1024 * 1024;
/** Responses at least this large are compressed where the client takes gzip. */
export const gzipMinBytes = 128 * 1024;
/** Events that a watch cache keeps per resource type for watchers that resume. */
export const watchHistoryMaxEvents = 2048;
/** Frames waiting for one slow watcher before its watch is ended. */
export const watcherQueueMaxFrames = 4096;
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
/** How long a connection to a kubelet, pod or service may take. */
export const dialMs = 30_000;

/** How long a health check waits for the store (upstream: --etcd-healthcheck-timeout). */
export const storeHealthMs = 2_000;
