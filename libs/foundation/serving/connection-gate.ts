// Keeps the connections of strangers few: whoever floods a listener closes their own connections, not those of known callers.
import type { Socket } from 'node:net';
import { servingTimes, strangersMax } from './bounds.ts';

/** The peer of a connection, as one word; the same for a socket and for the TLS connection in it. */
export function peerOf(socket: {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}): string {
  return `${socket.remoteAddress ?? ''}|${socket.remotePort ?? ''}`;
}

/** A connection: what to close where it has to go, and since when it is there. */
interface Entry {
  socket: Socket;
  readonly sinceMs: number;
}

export interface GateOptions {
  /** Monotonic time, in milliseconds. */
  readonly now: () => number;
  /** Connections at once of callers who have not said who they are. */
  readonly max?: number | undefined;
  /** How long each of them has at least to say it. */
  readonly graceMs?: number | undefined;
}

/**
 * The connections of one or more listeners on one address. A connection begins as a stranger's; `trust` ends that. Where there
 * are more than `max` strangers, the one that came first is closed, if it has had its time; else the newcomer is. So whoever gets
 * in can finish saying who they are, and a flood leaves a place free every `graceMs / max` for those who try again.
 */
export class ConnectionGate {
  readonly #now: () => number;
  readonly #max: number;
  readonly #graceMs: number;
  readonly #strangers = new Map<string, Entry>();

  constructor({ now, max = strangersMax, graceMs = servingTimes.graceMs }: GateOptions) {
    this.#now = now;
    this.#max = max;
    this.#graceMs = graceMs;
  }

  /** How many strangers there are. */
  get strangers(): number {
    return this.#strangers.size;
  }

  /** A new connection; false where it was closed at once. */
  admit(socket: Socket): boolean {
    if (this.#strangers.size >= this.#max) {
      const [oldest] = this.#strangers;
      if (oldest === undefined || this.#now() - oldest[1].sinceMs < this.#graceMs) {
        socket.destroy();
        return false;
      }
      this.#strangers.delete(oldest[0]);
      oldest[1].socket.destroy();
    }
    const peer = peerOf(socket);
    const entry: Entry = { socket, sinceMs: this.#now() };
    this.#strangers.delete(peer);
    this.#strangers.set(peer, entry);
    socket.once('close', () => {
      if (this.#strangers.get(peer) === entry) this.#strangers.delete(peer);
    });
    return true;
  }

  /** `socket` now speaks for the connection of its peer (the TLS connection in an admitted one). */
  replace(socket: Socket): void {
    const entry = this.#strangers.get(peerOf(socket));
    if (entry !== undefined) entry.socket = socket;
  }

  /** The caller at `peer` has said who they are, and it is so. */
  trust(peer: string): void {
    this.#strangers.delete(peer);
  }

  isStranger(peer: string): boolean {
    return this.#strangers.has(peer);
  }
}
