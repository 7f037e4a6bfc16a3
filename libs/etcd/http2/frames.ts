// Frames of HTTP/2 (RFC 9113), section 6.

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const;

export const errorCodes = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  refusedStream: 7,
  cancel: 8,
  compression: 9,
  calm: 11,
  security: 12,
} as const;

export const settingIds = { push: 2, streamsMax: 3, initialWindow: 4, frameBytesMax: 5 } as const;

export const pingBytes = 8;
export const priorityBytes = 5;
export const settingBytes = 6;

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const headBytes = 9;
/** Before SETTINGS say otherwise. */
export const initialWindow = 65_535;
export const initialFrameBytes = 16_384;
export const windowMax = 2 ** 31 - 1;
/** What SETTINGS_MAX_FRAME_SIZE may say at most (section 6.5.2). */
export const frameBytesLimit = 2 ** 24 - 1;

/** The other side broke the protocol: the connection ends with this code (section 5.4.1). */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The other side broke the protocol on one stream, which ends with this code (section 5.4.2). */
export class StreamError extends Error {
  override readonly name = 'StreamError';
  readonly stream: number;
  readonly code: number;

  constructor(stream: number, code: number, message: string) {
    super(message);
    this.stream = stream;
    this.code = code;
  }
}

/** A frame's content without its padding, and without what `skip` says comes first. Throws ConnectionError. */
export function unpadded(payload: Buffer, frameFlags: number, skip: number): Buffer {
  const isPadded = (frameFlags & flags.padded) !== 0;
  const padding = isPadded ? (payload[0] ?? 0) : 0;
  const from = (isPadded ? 1 : 0) + skip;
  if (from + padding > payload.length) throw new ConnectionError(errorCodes.protocol, 'padding is longer than its frame');
  return payload.subarray(from, payload.length - padding);
}

/** The stream that a priority field (section 6.3) names as the one to depend on. */
export function dependencyOf(payload: Buffer, at: number): number {
  return payload.readUInt32BE(at) & windowMax;
}
