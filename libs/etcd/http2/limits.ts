// How much may be on its way, and what of that the other side is told; what one connection may cost.
import type { AllowanceLimit } from './allowance.ts';
import { settingIds } from './frames.ts';

/** What a client may send before it hears that it was read: on one stream, and on the connection. Bytes. */
export const streamWindow = 1 << 20;
export const connectionWindow = 1 << 22;
/** Bytes on the way to the socket beyond which streams keep theirs. */
export const outputBytesMax = 1 << 18;
/** The same with all that cannot be held back (answers to pings and settings): a client that does not read them is cut off. */
export const controlBytesMax = 1 << 22;
/** One header block, as it comes, in bytes and in frames: a frame may be empty. */
export const blockBytesMax = 1 << 16;
export const blockFramesMax = 16;
/** One header block, decoded (section 6.5.2 of RFC 9113 says how it is counted): a byte can stand for 4 KiB. */
export const headerListBytesMax = 1 << 18;
/** Streams of a connection where `--max-concurrent-streams` does not say. */
export const streamsMaxByDefault = 1 << 14;
/**
 * Large answers of a connection that its client does not read, in bytes, beyond which no further one is made for it. What streams have
 * waiting does not count: whoever reads them slowly may be waiting for an answer.
 */
export const unreadBytesMax = 1 << 26;
/** Bytes that its client does not read, of what was written without asking for room, beyond which the connection ends. */
export const unreadBytesLimit = 1 << 28;
/** Calls of a connection that go on though their streams were cancelled: beyond it nothing is read of the connection. */
export const abandonedMax = 1000;
/** Streams that ended lately and are still told apart from those of which nothing is known. */
export const endedKept = 256;
/** How long the other side has to take what it is told at the end. Milliseconds. */
export const farewellMs = 1000;
/** SETTINGS frames: each is answered, and may change the window of every stream. */
export const settingsAllowance: AllowanceLimit = { burst: 100, perSecond: 10 };
/** Frames without an effect: empty DATA that ends nothing, priorities, types that nobody knows. */
export const idleFramesAllowance: AllowanceLimit = { burst: 10_000, perSecond: 1000 };
/** Errors of streams that were not even open, or were only opened to be wrong. */
export const streamErrorsAllowance: AllowanceLimit = { burst: 100, perSecond: 10 };

/** What a SETTINGS frame says. */
export function encodeSettings(streamsMax: number | undefined): Buffer {
  const values: [number, number][] = [[settingIds.initialWindow, streamWindow]];
  if (streamsMax !== undefined) values.push([settingIds.streamsMax, streamsMax]);
  const payload = Buffer.alloc(values.length * 6);
  for (const [i, [id, value]] of values.entries()) {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  }
  return payload;
}
