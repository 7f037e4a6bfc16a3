// The client's end of a SPDY connection, as a peer that does what it should not finds it.
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { streamAnswersMax } from '../../limits.ts';
import { SpdyConnection } from './connection.ts';
import { openFrame, pingFrame } from './frames.ts';

/** A socket whose other end takes nothing. */
function unread(): Duplex {
  return new Duplex({ read: () => {}, write: () => {} });
}

test.each([
  ['pings', pingFrame(2)],
  ['streams', openFrame(2, {}, false)],
])('a peer that asks by %s and reads no answer is left', async (_name, frame) => {
  const socket = unread();
  const closed = new Promise<Error | undefined>((resolve) => {
    new SpdyConnection(socket, Buffer.alloc(0), { drain: () => {}, close: resolve });
  });
  socket.push(Buffer.concat(Array.from({ length: streamAnswersMax }, () => frame)));
  await expect.poll(() => socket.readableLength).toBe(0);
  expect(socket.destroyed).toBe(false);
  socket.push(Buffer.concat([frame, frame]));
  expect((await closed)?.message).toBe('a SPDY peer that asks and does not read');
});
