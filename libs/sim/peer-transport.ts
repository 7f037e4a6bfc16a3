// The Transport port on the simulated network: messages on their own, snapshots in pieces on a stream that may break.
import { PeerUnreachableError } from '@drydock/etcd/peer/memory-transport.ts';
import { decodeBatch, encodeBatch } from '@drydock/etcd/peer/message-codec.ts';
import type { PeerHandler, PeerStatus, SnapshotMessage, Transport } from '@drydock/etcd/peer/transport.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { MemberId, Message } from 'raft-ts/types.ts';
import type { Network } from './network.ts';
import type { SimProcess } from './process.ts';

/** Finds members and looks at what they say to each other. */
export class PeerNetwork {
  readonly network: Network;
  readonly #names = new Map<MemberId, string>();
  readonly #running = new Map<MemberId, SimPeerTransport>();
  /** Sees every message as it is sent; may replace it, or drop it by returning undefined. */
  onSend: (message: Message) => Message | undefined = (message) => message;
  /** Messages go through the codec of the wire. */
  encoded = false;

  constructor(network: Network) {
    this.network = network;
  }

  name(id: MemberId, place: string): void {
    this.#names.set(id, place);
  }

  place(id: MemberId): string {
    return this.#names.get(id) ?? id.toString(16);
  }

  join(id: MemberId, transport: SimPeerTransport): void {
    this.#running.set(id, transport);
  }

  leave(id: MemberId, transport: SimPeerTransport): void {
    if (this.#running.get(id) === transport) this.#running.delete(id);
  }

  at(id: MemberId): SimPeerTransport | undefined {
    return this.#running.get(id);
  }
}

/** A snapshot broke off on its way. */
export class BrokenSnapshotError extends Error {
  override readonly name = 'BrokenSnapshotError';

  constructor() {
    super('the stream with the snapshot has ended early');
  }
}

/** Two pieces of a snapshot may be on their way at a time. */
const snapshotWindow = 2;
const unreachableUs = 1000;

export class SimPeerTransport implements Transport {
  readonly #peers: PeerNetwork;
  readonly #life: SimProcess;
  readonly #clock: Clock;
  readonly #id: MemberId;
  readonly #known = new Map<MemberId, readonly string[]>();
  readonly #removed = new Set<MemberId>();
  #handler: PeerHandler | undefined;

  constructor(peers: PeerNetwork, life: SimProcess, clock: Clock, id: MemberId) {
    this.#clock = clock;
    this.#peers = peers;
    this.#life = life;
    this.#id = id;
  }

  async start(handler: PeerHandler): Promise<void> {
    this.#handler = handler;
    this.#peers.join(this.#id, this);
  }

  async stop(): Promise<void> {
    this.#handler = undefined;
    this.#peers.leave(this.#id, this);
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) this.#life.effect('send', () => this.#send(message));
  }

  #send(original: Message): void {
    const { to } = original;
    if (!this.#known.has(to)) return;
    const message = this.#peers.onSend(original);
    if (message === undefined) return;
    const { world } = this.#life;
    const place = this.#peers.place(to);
    const bytes = this.#peers.encoded ? encodeBatch([message]) : undefined;
    world.note(`${this.#life.name} send ${describe(message)} > ${place}`);
    // Doubled, a proposal would be two: connections between members do not do that.
    const once = message.type === 'proposeForward';
    const sent = this.#peers.network.send(this.#life.name, place, once, () => {
      const target = this.#peers.at(to);
      const received = bytes === undefined ? [message] : decodeBatch(Buffer.from(bytes));
      target?.receive(this.#id, received, this);
    });
    if (!sent) this.#life.after(unreachableUs, () => this.#handler?.unreachable(to));
  }

  /** Messages have arrived at this member's machine. */
  receive(from: MemberId, messages: readonly Message[], sender: SimPeerTransport): void {
    if (this.#removed.has(from)) {
      this.#peers.network.send(this.#life.name, this.#peers.place(from), true, () => sender.toldRemoved(this.#id));
      return;
    }
    this.#life.after(0, () => {
      this.#life.world.note(`${this.#life.name} receive < ${this.#peers.place(from)}`);
      for (const message of messages) this.#handler?.message(message);
    });
  }

  toldRemoved(by: MemberId): void {
    this.#life.after(0, () => this.#handler?.removed(by));
  }

  async sendSnapshot(message: SnapshotMessage, content: AsyncIterable<Uint8Array>): Promise<void> {
    const life = this.#life;
    const place = this.#peers.place(message.to);
    life.world.note(`${life.name} send ${describe(message)} > ${place}`);
    const target = this.#peers.at(message.to);
    const { network } = this.#peers;
    if (target?.handler === undefined || !network.reaches(life.name, place)) throw new PeerUnreachableError(message.to);
    life.world.tally.add('snapshot sent');
    const stream = network.stream(life.name, place, true);
    const pipe = new Pipe();
    stream.onBreak = () => pipe.fail();
    const outcome = new Promise<void>((resolve, reject) => {
      // The answer comes back, or the sender learns in time that it will not.
      const answer = (settle: () => void): void => {
        life.after(network.delayUs(place, life.name), settle);
      };
      // The stream may break at once.
      pipe.onFailure = (error) => {
        life.world.tally.add('snapshot broken');
        answer(() => reject(error));
      };
      stream.send(() =>
        target.accept(message, pipe).then(
          () => answer(resolve),
          (error) => answer(() => reject(error)),
        ),
      );
    });
    outcome.catch(() => undefined);
    const forget = target.onEnd(() => pipe.fail());
    try {
      for await (const chunk of content) {
        if (pipe.failed || !life.alive) break;
        const copy = chunk.slice();
        stream.send(() => pipe.push(copy));
        await pipe.room(life);
      }
    } finally {
      stream.send(() => pipe.end());
    }
    await outcome.finally(forget);
  }

  get life(): SimProcess {
    return this.#life;
  }

  get handler(): PeerHandler | undefined {
    return this.#life.alive ? this.#handler : undefined;
  }

  /** Calls `callback` when this member's process ends; returns the way out. */
  onEnd(callback: () => void): () => void {
    return this.#life.onDeath(callback);
  }

  /** Hands a snapshot to this member; rejects where it does not take it. */
  accept(message: SnapshotMessage, pipe: Pipe): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#life.after(0, () => {
        if (this.#handler === undefined) reject(new PeerUnreachableError(this.#id));
        else this.#handler.snapshot(message, pipe.content(this.#life)).then(resolve, reject);
      });
    });
  }

  addPeer(id: MemberId, urls: readonly string[]): void {
    this.#known.set(id, urls);
  }

  removePeer(id: MemberId): void {
    this.#removed.add(id);
    this.#known.delete(id);
  }

  peers(): readonly PeerStatus[] {
    return [...this.#known].map(([id, urls]) => ({ id, urls, ...this.#connection(id), dropped: 0 }));
  }

  /** As long as both live and nothing is cut, from the later of the two. */
  #connection(id: MemberId): Pick<PeerStatus, 'connected' | 'sinceMs'> {
    const { name, world, bornUs } = this.#life;
    const { network } = this.#peers;
    const place = this.#peers.place(id);
    const other = this.#peers.at(id)?.life;
    const connected = other?.alive === true && network.reaches(name, place) && network.reaches(place, name);
    const sinceUs = Math.max(bornUs, other?.bornUs ?? 0, network.changedUs(name, place));
    return { connected, sinceMs: this.#clock.monotonicMs() - (world.nowUs - sinceUs) / 1000 };
  }
}

/** What is on its way between the two ends of a snapshot stream. */
class Pipe {
  readonly #chunks: Uint8Array[] = [];
  #ended = false;
  #failed = false;
  #readable: () => void = () => {};
  #drained: () => void = () => {};
  onFailure: (error: Error) => void = () => {};

  get failed(): boolean {
    return this.#failed;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#readable();
  }

  end(): void {
    this.#ended = true;
    this.#readable();
  }

  /** What has come to its end stays readable; the sender learns of the failure in any case. */
  fail(): void {
    if (this.#failed) return;
    this.#failed = true;
    this.onFailure(new BrokenSnapshotError());
    this.#readable();
    this.#drained();
  }

  /** Resolves when the sender may go on. */
  async room(sender: SimProcess): Promise<void> {
    await new Promise<void>((resolve) => sender.after(sendUs, resolve));
    while (this.#chunks.length >= snapshotWindow && !this.#failed) {
      await new Promise<void>((resolve) => {
        this.#drained = () => sender.after(0, resolve);
      });
    }
  }

  async *content(receiver: SimProcess): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#drained();
        yield chunk;
      } else if (this.#ended) return;
      else if (this.#failed) throw new BrokenSnapshotError();
      else
        await new Promise<void>((resolve) => {
          this.#readable = () => receiver.after(0, resolve);
        });
    }
  }
}

const sendUs = 50;

/** A message in one line. */
export function describe(message: Message): string {
  const { type, term } = message;
  switch (type) {
    case 'appendRequest':
      return `${type} ${term} after ${message.prevIndex}@${message.prevTerm} ${message.entries.length} commit ${message.commit}`;
    case 'appendResponse':
      return `${type} ${term} ${message.reject ? 'rejects' : 'has'} ${message.index}`;
    case 'heartbeatRequest':
    case 'heartbeatResponse':
      return `${type} ${term} read ${message.readSequence}`;
    case 'voteRequest':
    case 'preVoteRequest':
      return `${type} ${term} last ${message.lastIndex}@${message.lastTerm}${message.transfer ? ' transfer' : ''}`;
    case 'voteResponse':
    case 'preVoteResponse':
      return `${type} ${term} ${message.reject ? 'no' : 'yes'}`;
    case 'snapshotRequest':
      return `${type} ${term} at ${message.snapshot.meta.index}@${message.snapshot.meta.term}`;
    case 'proposeForward':
      return `${type} ${message.entries.length}`;
    case 'readIndexResponse':
      return `${type} ${message.index}`;
    default:
      return `${type} ${term}`;
  }
}
