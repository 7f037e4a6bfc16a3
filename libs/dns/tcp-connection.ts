// One TCP connection of somebody who asks: messages in, answers out, each as soon as it is there (RFC 7766). It costs no more than a
// few queries: it is read no further while many are under way or answers are not read.
import type { Socket } from 'node:net';
import { framed } from './forwarder.ts';
import { queryBytesMax, tcpIdleMs, tcpPipelineMax, tcpUnreadBytesMax } from './limits.ts';

/** Serves until the connection ends. `respond` gives undefined for what is no query: that ends it. */
export function serveTcp(socket: Socket, respond: (message: Buffer) => Promise<Buffer | undefined>): void {
  let chunks: Buffer[] = [];
  let received = 0;
  let underWay = 0;

  /** The next message, if all of it is here. */
  const take = (): Buffer | undefined => {
    if (received < 2) return undefined;
    if ((chunks[0]?.length ?? 0) < 2) chunks = [Buffer.concat(chunks)];
    const length = chunks[0]?.readUInt16BE(0) ?? 0;
    if (length > queryBytesMax) socket.destroy();
    if (socket.destroyed || received < length + 2) return undefined;
    const all = Buffer.concat(chunks);
    chunks = [all.subarray(length + 2)];
    received -= length + 2;
    return all.subarray(2, length + 2);
  };
  const serve = (): void => {
    while (underWay < tcpPipelineMax && socket.writableLength < tcpUnreadBytesMax) {
      const message = take();
      if (message === undefined) {
        if (!socket.destroyed) socket.resume();
        return;
      }
      underWay++;
      void respond(message).then((answer) => {
        underWay--;
        if (socket.destroyed) return;
        if (answer === undefined) socket.destroy();
        else socket.write(framed(answer), serve);
      });
    }
    socket.pause();
  };

  socket.setTimeout(tcpIdleMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    received += chunk.length;
    serve();
  });
}
