// The way to the other members, as a port: messages may be lost, a snapshot arrives whole or fails.
import type { MemberId, Message } from 'raft-ts/types.ts';

/** What a member does with what arrives. */
export interface PeerHandler {
  message(message: Message): void;
  /** A snapshot with its content; resolves when it is stored and handed to Raft, rejects where it is not taken. */
  snapshot(message: SnapshotMessage, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** Messages to `id` were probably lost. */
  unreachable(id: MemberId): void;
  /** Another member says that this one was removed from the cluster. */
  removed(by: MemberId): void;
}

export type SnapshotMessage = Extract<Message, { type: 'snapshotRequest' }>;

/** How long somebody has been reachable, for health checks and `status`. */
export interface PeerStatus {
  readonly id: MemberId;
  readonly urls: readonly string[];
  readonly connected: boolean;
  /** Monotonic milliseconds of the last change of `connected`; undefined before the first. */
  readonly sinceMs: number | undefined;
  /** Messages dropped since the start, because the queue was full or there was no connection. */
  readonly dropped: number;
}

/** Queues are bounded: a slow or dead member costs its own messages and nothing else. */
export interface Transport {
  start(handler: PeerHandler): Promise<void>;
  stop(): Promise<void>;
  /** Queues; never blocks and never throws. Order per receiver is kept, delivery is not promised. */
  send(messages: readonly Message[]): void;
  /** Resolves when the other side has taken it; rejects otherwise. */
  sendSnapshot(message: SnapshotMessage, content: AsyncIterable<Uint8Array>): Promise<void>;
  addPeer(id: MemberId, urls: readonly string[]): void;
  /** Ends the connection; should the member come back, it is told that it was removed. Ids are never used again. */
  removePeer(id: MemberId): void;
  peers(): readonly PeerStatus[];
}
