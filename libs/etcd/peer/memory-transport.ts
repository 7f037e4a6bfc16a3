// Members in one process: messages are handed over in a later turn. Links can be cut, to see what happens.
import type { MemberId, Message } from 'raft-ts/types.ts';
import type { PeerHandler, PeerStatus, SnapshotMessage, Transport } from './transport.ts';

/** Connects the transports of one test cluster. */
export class MemoryNetwork {
  readonly #handlers = new Map<MemberId, PeerHandler>();
  readonly #cut = new Set<string>();
  /** Called for every message that is delivered; for tests that want to look or to interfere. */
  onMessage: ((message: Message) => 'deliver' | 'drop') | undefined;

  transport(id: MemberId): Transport {
    return new MemoryTransport(this, id);
  }

  /** Drops everything between the two, both ways, until `heal`. */
  cut(a: MemberId, b: MemberId): void {
    this.#cut.add(`${a} ${b}`);
    this.#cut.add(`${b} ${a}`);
  }

  /** Cuts a member off from everybody. */
  isolate(id: MemberId): void {
    for (const other of this.#handlers.keys()) if (other !== id) this.cut(id, other);
  }

  heal(): void {
    this.#cut.clear();
  }

  join(id: MemberId, handler: PeerHandler): void {
    this.#handlers.set(id, handler);
  }

  leave(id: MemberId): void {
    this.#handlers.delete(id);
  }

  /** Undefined where the link is cut or nobody is there. */
  reach(from: MemberId, to: MemberId): PeerHandler | undefined {
    return this.#cut.has(`${from} ${to}`) ? undefined : this.#handlers.get(to);
  }

  deliver(message: Message): void {
    if (this.onMessage?.(message) === 'drop') return;
    this.reach(message.from, message.to)?.message(message);
  }
}

class MemoryTransport implements Transport {
  readonly #network: MemoryNetwork;
  readonly #id: MemberId;
  readonly #peers = new Map<MemberId, readonly string[]>();
  #handler: PeerHandler | undefined;
  #dropped = 0;

  constructor(network: MemoryNetwork, id: MemberId) {
    this.#network = network;
    this.#id = id;
  }

  async start(handler: PeerHandler): Promise<void> {
    this.#handler = handler;
    this.#network.join(this.#id, handler);
  }

  async stop(): Promise<void> {
    this.#network.leave(this.#id);
    this.#handler = undefined;
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) {
      if (this.#network.reach(this.#id, message.to) === undefined) {
        this.#dropped++;
        const { to } = message;
        queueMicrotask(() => this.#handler?.unreachable(to));
      } else {
        queueMicrotask(() => this.#network.deliver(message));
      }
    }
  }

  async sendSnapshot(message: SnapshotMessage, content: AsyncIterable<Uint8Array>): Promise<void> {
    const target = this.#network.reach(this.#id, message.to);
    if (target === undefined) throw new PeerUnreachableError(message.to);
    await target.snapshot(message, content);
  }

  addPeer(id: MemberId, urls: readonly string[]): void {
    this.#peers.set(id, urls);
  }

  removePeer(id: MemberId): void {
    this.#peers.delete(id);
  }

  peers(): readonly PeerStatus[] {
    return [...this.#peers].map(([id, urls]) => ({
      id,
      urls,
      connected: this.#network.reach(this.#id, id) !== undefined,
      sinceMs: undefined,
      dropped: this.#dropped,
    }));
  }
}

/** There is no way to a member now. */
export class PeerUnreachableError extends Error {
  override readonly name = 'PeerUnreachableError';

  constructor(id: MemberId) {
    super(`member ${id.toString(16)} is unreachable`);
  }
}
