// Keeps the connections of strangers few: whoever floods a listener closes their own connections, not those of known callers.
import type { Socket } from 'node:net';
import { strangersMax } from './bounds.ts';

/** The peer of a connection, as one word; the same for a socket and for the TLS connection in it. */
export function peerOf(socket: { readonly remoteAddress?: string | undefined; readonly remotePort?: number | undefined }): string {
  return `${socket.remoteAddress ?? ''}|${socket.remotePort ?? ''}`;
}

/** A connection: what to close where it has to go. */
interface Entry {
  socket: Socket;
}

/**
 * The connections of one or more listeners on one address. A connection begins as a stranger's; `trust` ends that. Where there
 * are more than `max` strangers, the one that came first is closed: a new caller always gets in, and has the time in which
 * `max` others come to say who they are.
 */
export class ConnectionGate {
  readonly #max: number;
  readonly #strangers = new Map<string, Entry>();
  #evicted = 0;

  constructor(max: number = strangersMax) {
    this.#max = max;
  }

  /** Strangers at this moment, and how many were closed so far because there were too many. */
  get counts(): { readonly strangers: number; readonly evicted: number } {
    return { strangers: this.#strangers.size, evicted: this.#evicted };
  }

  /** A new connection. */
  admit(socket: Socket): void {
    const peer = peerOf(socket);
    const entry: Entry = { socket };
    this.#strangers.set(peer, entry);
    socket.once('close', () => {
      if (this.#strangers.get(peer) === entry) this.#strangers.delete(peer);
    });
    while (this.#strangers.size > this.#max) {
      const [oldest] = this.#strangers;
      if (oldest === undefined) return;
      this.#strangers.delete(oldest[0]);
      this.#evicted++;
      oldest[1].socket.destroy();
    }
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
