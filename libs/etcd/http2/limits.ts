// How much may be on its way, in bytes.

/** What a client may send before it hears that it was read: on one stream, and on the connection. */
export const streamWindow = 1 << 20;
export const connectionWindow = 1 << 22;
/** Bytes on the way to the socket beyond which streams keep theirs. */
export const outputBytesMax = 1 << 18;
/** The same with all that cannot be held back (answers to pings and settings): a client that does not read them is cut off. */
export const controlBytesMax = 1 << 22;
