// Two connections that are one: bytes as they are, until either side ends.
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { streamIdleMs, streamLingerMs } from '../limits.ts';

/**
 * What one side has said before it ended still reaches the other, however slowly that reads; after that both are gone. A side that
 * breaks takes the other with it. Ends, too, where nothing has moved for streamIdleMs.
 */
export function joinSockets(one: Duplex, other: Duplex): void {
  join(one, other);
  join(other, one);
  if (one.destroyed || other.destroyed) for (const side of [one, other]) side.destroy();
}

function join(from: Duplex, to: Duplex): void {
  from.on('error', () => from.destroy());
  from.on('close', () => (from.readableEnded ? undefined : to.destroy()));
  from.on('end', () => {
    from.end();
    to.unpipe(from);
    // What it says now is for nobody; closed with it unread, the connection would be reset, and the end of what it was told lost.
    to.resume();
    to.once('finish', () => endWhenIdle(to, streamLingerMs));
    to.end();
  });
  endWhenIdle(from, streamIdleMs);
  from.pipe(to, { end: false });
}

/**
 * An upgraded connection whose request had a body is no socket to node, but a stream over one: this gives it the time without a
 * movement that sockets have. Others stay as they are.
 */
export function withIdleTime(stream: Duplex, socket: Socket): Duplex {
  if ('setTimeout' in stream) return stream;
  socket.on('timeout', () => stream.emit('timeout'));
  return Object.assign(stream, { setTimeout: (ms: number) => socket.setTimeout(ms) });
}

/** Of sockets and what `withIdleTime` gives; other streams have no such time. */
export function endWhenIdle(stream: Duplex | Socket, idleMs: number): void {
  if (!('setTimeout' in stream)) return;
  stream.removeAllListeners('timeout');
  stream.setTimeout(idleMs);
  stream.once('timeout', () => stream.destroy());
}
