// The end of a request whose body nobody is going to read: it must not go on costing time and memory after the answer.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Clock } from '../clock.ts';

/** What is still read, and thrown away, of a body that was refused (Go's net/http reads as much), so that the client sees the answer. */
export const discardMaxBytes = 256 * 1024;
/** How long that may take. */
export const discardMs = 500;

/** To be called once the answer is decided, before it is sent. Does nothing where the body has been read, or there is none. */
export function dropInput(
  req: IncomingMessage | Http2ServerRequest,
  res: ServerResponse | Http2ServerResponse,
  clock: Pick<Clock, 'timer'>,
): void {
  if (req.readableEnded || req.complete) return;
  if ('stream' in req) {
    const { stream } = req;
    res.on('finish', () => stream.close());
    return;
  }
  // A response that was begun already (a stream that broke off) ends its connection by itself.
  if (!res.headersSent) (res as ServerResponse).setHeader('connection', 'close');
  const { socket } = req;
  let left = discardMaxBytes;
  req.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) req.pause();
  });
  req.on('error', () => {});
  req.resume();
  const timer = clock.timer(discardMs, () => socket.destroy());
  socket.once('close', () => timer.cancel());
}
