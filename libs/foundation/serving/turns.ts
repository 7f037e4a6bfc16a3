// What is asked about the requests of one connection, one after the other: whoever sends thousands ahead of their answers has nobody
// asked thousands of things on behalf of a stranger.
import type { Socket } from 'node:net';

/** So many requests of a connection may wait for the one before them; hardly any client sends even two. */
export const waitingMax = 16;

interface Line {
  waiting: number;
  last: Promise<unknown>;
}

export class Turns {
  readonly #lines = new WeakMap<Socket, Line>();

  /** Does `work` after that of the connection's former requests. Rejects where the connection is gone; too many end it. */
  async take<T>(socket: Socket, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(socket) ?? { waiting: 0, last: Promise.resolve() };
    this.#lines.set(socket, line);
    if (line.waiting > waitingMax) socket.destroy();
    checkThere(socket);
    line.waiting++;
    const own = line.last.then(() => {
      checkThere(socket);
      return work();
    });
    line.last = own.then(
      () => line.waiting--,
      () => line.waiting--,
    );
    return own;
  }
}

function checkThere(socket: Socket): void {
  if (socket.destroyed) throw new Error('the connection is gone');
}
