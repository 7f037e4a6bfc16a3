// How much may be on its way, in bytes, and what of that the other side is told.
import { settingIds } from './frames.ts';

/** What a client may send before it hears that it was read: on one stream, and on the connection. */
export const streamWindow = 1 << 20;
export const connectionWindow = 1 << 22;
/** Bytes on the way to the socket beyond which streams keep theirs. */
export const outputBytesMax = 1 << 18;
/** The same with all that cannot be held back (answers to pings and settings): a client that does not read them is cut off. */
export const controlBytesMax = 1 << 22;

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
