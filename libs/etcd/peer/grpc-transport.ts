// The Transport over gRPC: a server for what others send, a link to each of them, and a call of its own per snapshot, so that
// its gigabytes do not hold up heartbeats.

import type { RequestListener } from 'node:http';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random } from '@drydock/foundation/random.ts';
import type { ClientWritableStream } from '@grpc/grpc-js';
import type { MemberId, Message } from 'raft-ts/types.ts';
import { ClientListener } from '../rpc/listener.ts';
import { parseUrls } from '../server/urls.ts';
import type { TlsSettings } from '../tls/settings.ts';
import { Incoming } from './incoming.ts';
import { PeerLink } from './link.ts';
import { PeerUnreachableError } from './memory-transport.ts';
import { encodeSnapshotChunk, type SnapshotChunk } from './message-codec.ts';
import { createClient, deserialize, identityMetadata, receiveBytesMax, serialize, snapshotPath } from './service.ts';
import { IncompleteSnapshotError } from './snapshot-receiver.ts';
import type { PeerHandler, PeerStatus, SnapshotMessage, Transport } from './transport.ts';

const snapshotChunkBytes = 256 << 10;
const notFound = 404;

export interface GrpcTransportOptions {
  readonly id: MemberId;
  readonly clusterId: bigint;
  /** `--listen-peer-urls`. */
  readonly listenUrls: readonly string[];
  /** `--initial-advertise-peer-urls`, for members that know another address of this one, or none. */
  readonly advertiseUrls?: readonly string[];
  /** A MembersResponse, for members that join; without it they are told that this member does not know. */
  readonly describe?: () => Uint8Array;
  /** The answer to another member's question for the hash of the history here. */
  readonly answerHash?: (question: Buffer) => Promise<Uint8Array>;
  /** What plain HTTP gets on the peer port. */
  readonly http?: RequestListener;
  readonly tls?: TlsSettings | undefined;
  /** `--experimental-peer-skip-client-san-verification`: members may connect from anywhere. */
  readonly anyAddress?: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The listen address cannot be used; the message is as Go's net package has it. */
export class PeerListenError extends Error {
  override readonly name = 'PeerListenError';
}

export function createGrpcTransport(options: GrpcTransportOptions): Transport {
  return new GrpcTransport(options);
}

class GrpcTransport implements Transport {
  readonly #options: GrpcTransportOptions;
  readonly #links = new Map<MemberId, PeerLink>();
  readonly #incoming: Incoming;
  readonly #listener: ClientListener;
  #handler: PeerHandler | undefined;

  constructor(options: GrpcTransportOptions) {
    this.#options = options;
    const { id, clusterId, log, describe, answerHash, tls, clock } = options;
    this.#incoming = new Incoming({
      id,
      clusterId,
      log,
      describe,
      answerHash,
      handler: () => this.#handler,
      heardFrom: (from, peerUrls) => this.#heardFrom(from, peerUrls),
    });
    this.#listener = new ClientListener({
      services: [this.#incoming.service],
      http: options.http ?? ((_request, response) => response.writeHead(notFound).end()),
      tls,
      receiveBytesMax,
      clock,
      log,
      forPeers: true,
      anyAddress: options.anyAddress ?? false,
    });
  }

  async start(handler: PeerHandler): Promise<void> {
    this.#handler = handler;
    try {
      for (const url of parseUrls(this.#options.listenUrls)) await this.#listener.listen(url);
    } catch (error) {
      throw new PeerListenError((error as Error).message, { cause: error });
    }
    for (const link of this.#links.values()) link.open();
  }

  async stop(): Promise<void> {
    this.#handler = undefined;
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    await this.#listener.stop(async () => {});
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) this.#links.get(message.to)?.send(message);
  }

  addPeer(id: MemberId, urls: readonly string[]): void {
    const known = this.#links.get(id);
    if (known !== undefined) {
      known.setUrls(urls);
      return;
    }
    const { clock, log, random, tls, clusterId, advertiseUrls = [] } = this.#options;
    const link = new PeerLink({ clusterId, from: this.#options.id, to: id, peerUrls: advertiseUrls }, urls, {
      clock,
      log,
      random: random.stream('peer-backoff'),
      tls,
      unreachable: (peer) => this.#handler?.unreachable(peer),
      removed: (by) => this.#handler?.removed(by),
    });
    this.#links.set(id, link);
    if (this.#handler !== undefined) link.open();
  }

  removePeer(id: MemberId): void {
    this.#links.get(id)?.close();
    this.#links.delete(id);
    this.#incoming.remove(id);
  }

  peers(): readonly PeerStatus[] {
    return [...this.#links.values()].map((link) => link.status());
  }

  /** A member that was added while this one was away, or that has moved, is answered where it says that it is. */
  #heardFrom(from: MemberId, peerUrls: readonly string[]): void {
    const link = this.#links.get(from);
    if (link === undefined) this.addPeer(from, peerUrls);
    else link.offerUrls(peerUrls);
  }

  async sendSnapshot(message: SnapshotMessage, content: AsyncIterable<Uint8Array>): Promise<void> {
    const [address] = this.#links.get(message.to)?.urls ?? [];
    if (address === undefined) throw new PeerUnreachableError(message.to);
    const { clusterId, id, tls } = this.#options;
    const client = createClient(address, tls);
    try {
      await new Promise<void>((resolve, reject) => {
        const metadata = identityMetadata({ clusterId, from: id, to: message.to, peerUrls: [] });
        const call = client.makeClientStreamRequest(snapshotPath, serialize, deserialize, metadata, (error) =>
          error === null ? resolve() : reject(error),
        );
        writeChunks(call, message, content).catch((error) => {
          call.cancel();
          reject(error);
        });
      });
    } finally {
      client.close();
    }
  }
}

async function writeChunks(
  call: ClientWritableStream<Uint8Array>,
  message: SnapshotMessage,
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  const write = async (chunk: SnapshotChunk): Promise<void> => {
    if (call.write(encodeSnapshotChunk(chunk))) return;
    await new Promise<void>((resolve, reject) => {
      call.once('drain', resolve);
      call.once('close', () => reject(new IncompleteSnapshotError('the call ended early')));
    });
  };
  const nothing = new Uint8Array(0);
  let totalBytes = 0;
  await write({ message, content: nothing, totalBytes: 0, last: false });
  for await (const piece of content) {
    for (let at = 0; at < piece.length; at += snapshotChunkBytes) {
      const part = piece.subarray(at, at + snapshotChunkBytes);
      totalBytes += part.length;
      await write({ message: undefined, content: part, totalBytes: 0, last: false });
    }
  }
  await write({ message: undefined, content: nothing, totalBytes, last: true });
  call.end();
}
