// Every bound and timing of the metrics server, in one place. Names end in their unit.

/** The largest answer of a kubelet that is read: some 300 bytes a container, and a node with tens of thousands of them. */
export const kubeletAnswerMaxBytes = 16 * 1024 * 1024;
/** Kubelets that are asked at once. Upstream asks all of them within four seconds; a process with one thread reads no faster so. */
export const scrapesAtOnce = 64;
/** A connection to a kubelet that nothing is asked on; longer than a round, so that the next one finds it. */
export const kubeletIdleMs = 80_000;

/**
 * How long after its start a container's figures may be divided by the time since then, where there is no earlier point. Below it the
 * quotient says little.
 */
export const freshContainerMs = 10_000;
/** A round that has begun so many times its period ago and is not over: collecting is not timely any more. */
export const lateRounds = 1.5;

/** No amount is as large: readers written in Go keep them in 64 bits. */
export const amountLimit = 2 ** 63;
/**
 * The last moment of which a kubelet is believed to have measured something, in milliseconds since the Unix epoch: the year 2262, up to
 * which times and the windows between them can be said in an answer. One answer is about all nodes: what one of them makes up must not
 * spoil it for the others.
 */
export const latestMs = 9_223_372_036_854;
