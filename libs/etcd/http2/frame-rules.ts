// What is wrong with a frame by itself, whatever came before it (RFC 9113, section 6): lengths, and which frames belong to a stream.
import {
  ConnectionError,
  dependencyOf,
  errorCodes,
  flags,
  frameBytesLimit,
  frameTypes,
  initialFrameBytes,
  pingBytes,
  priorityBytes,
  StreamError,
  settingBytes,
  settingIds,
  windowMax,
} from './frames.ts';

/** The shortest GOAWAY: the last stream and the code. */
const goAwayBytesMin = 8;

const lengths: ReadonlyMap<number, number> = new Map([
  [frameTypes.reset, 4],
  [frameTypes.ping, pingBytes],
  [frameTypes.windowUpdate, 4],
]);

const ofStream: ReadonlySet<number> = new Set([
  frameTypes.data,
  frameTypes.headers,
  frameTypes.priority,
  frameTypes.reset,
  frameTypes.continuation,
]);
const ofConnection: ReadonlySet<number> = new Set([frameTypes.settings, frameTypes.ping, frameTypes.goAway]);

/** Throws ConnectionError and StreamError. */
export function checkFrame(type: number, frameFlags: number, stream: number, payload: Buffer): void {
  if (stream === 0 ? ofStream.has(type) : ofConnection.has(type)) {
    throw new ConnectionError(errorCodes.protocol, stream === 0 ? 'a frame without its stream' : 'a frame that has no stream');
  }
  const { length } = payload;
  const wanted = lengths.get(type);
  if (wanted !== undefined && length !== wanted) sizeError(type, length);
  if (type === frameTypes.priority) checkPriority(stream, payload);
  else if (type === frameTypes.settings && (frameFlags & flags.ack) !== 0 && length > 0) sizeError(type, length);
  else if (type === frameTypes.settings && length % settingBytes !== 0) sizeError(type, length);
  else if (type === frameTypes.goAway && length < goAwayBytesMin) sizeError(type, length);
  else if (type === frameTypes.pushPromise) throw new ConnectionError(errorCodes.protocol, 'nothing may be pushed');
}

function checkPriority(stream: number, payload: Buffer): void {
  if (payload.length !== priorityBytes) throw new StreamError(stream, errorCodes.frameSize, 'a priority has 5 bytes');
  if (dependencyOf(payload, 0) === stream) throw new StreamError(stream, errorCodes.protocol, 'a stream depends on itself');
}

function sizeError(type: number, length: number): never {
  throw new ConnectionError(errorCodes.frameSize, `a frame of type ${type} with ${length} bytes`);
}

export interface PeerSettings {
  readonly initialWindow?: number;
  readonly frameBytesMax?: number;
}

/** What a SETTINGS frame asks for; of what it says twice, the last. Throws ConnectionError. */
export function readSettings(payload: Buffer): PeerSettings {
  const said: { initialWindow?: number; frameBytesMax?: number } = {};
  for (let at = 0; at + settingBytes <= payload.length; at += settingBytes) {
    const id = payload.readUInt16BE(at);
    const value = payload.readUInt32BE(at + 2);
    if (id === settingIds.push && value > 1) throw new ConnectionError(errorCodes.protocol, `push is ${value}`);
    if (id === settingIds.initialWindow) {
      if (value > windowMax) throw new ConnectionError(errorCodes.flowControl, 'a window that is too large');
      said.initialWindow = value;
    }
    if (id === settingIds.frameBytesMax) {
      // A smaller one would make a frame of every byte of an answer.
      if (value < initialFrameBytes || value > frameBytesLimit) {
        throw new ConnectionError(errorCodes.protocol, `frames of ${value} bytes`);
      }
      said.frameBytesMax = value;
    }
  }
  return said;
}
