// The Transport over gRPC: a server for what others send, a link to each of them, and a call of its own per snapshot, so that
// its gigabytes do not hold up heartbeats.

import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random } from '@drydock/foundation/random.ts';
import {
  type ClientWritableStream,
  Server,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import type { MemberId, Message } from 'raft-ts/types.ts';
import { PeerLink } from './link.ts';
import { PeerUnreachableError } from './memory-transport.ts';
import { decodeBatch, decodeSnapshotChunk, encodeSnapshotChunk, type SnapshotChunk } from './message-codec.ts';
import {
  createClient,
  deserialize,
  identityMetadata,
  identityOf,
  type PeerTls,
  peerService,
  receiveBytesMax,
  removedText,
  serialize,
  serverCredentials,
  snapshotPath,
} from './service.ts';
import type { PeerHandler, PeerStatus, SnapshotMessage, Transport } from './transport.ts';

const snapshotChunkBytes = 256 << 10;
const notRunning = 'this member is not running';

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
  readonly tls?: PeerTls | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The listen address cannot be used; the message is as Go's net package has it. */
export class PeerListenError extends Error {
  override readonly name = 'PeerListenError';
}

/** A snapshot did not arrive whole. */
class IncompleteSnapshotError extends Error {
  override readonly name = 'IncompleteSnapshotError';
}

type MessagesCall = ServerDuplexStream<Buffer, Uint8Array>;

export function createGrpcTransport(options: GrpcTransportOptions): Transport {
  return new GrpcTransport(options);
}

class GrpcTransport implements Transport {
  readonly #options: GrpcTransportOptions;
  readonly #links = new Map<MemberId, PeerLink>();
  readonly #removed = new Set<MemberId>();
  readonly #incoming = new Set<MessagesCall>();
  readonly #server: Server;
  #handler: PeerHandler | undefined;

  constructor(options: GrpcTransportOptions) {
    this.#options = options;
    this.#server = new Server({ 'grpc.max_receive_message_length': receiveBytesMax });
    this.#server.addService(peerService, {
      messages: (call: ServerDuplexStream<Buffer, Uint8Array>) => this.#receiveMessages(call),
      snapshot: (call: ServerReadableStream<Buffer, Uint8Array>, callback: sendUnaryData<Uint8Array>) =>
        this.#receiveSnapshot(call, callback),
      hashKv: (call: ServerUnaryCall<Buffer, Uint8Array>, callback: sendUnaryData<Uint8Array>) =>
        this.#answerHash(call.request, callback),
      members: (_call: ServerUnaryCall<Buffer, Uint8Array>, callback: sendUnaryData<Uint8Array>) => {
        const description = this.#handler === undefined ? undefined : options.describe?.();
        if (description === undefined) callback({ code: status.UNAVAILABLE, details: notRunning });
        else callback(null, description);
      },
    });
  }

  async start(handler: PeerHandler): Promise<void> {
    this.#handler = handler;
    for (const url of this.#options.listenUrls) await this.#listen(new URL(url));
    for (const link of this.#links.values()) link.open();
  }

  #listen(url: URL): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(url.host, serverCredentials(url, this.#options.tls), (error) => {
        if (error === null) resolve();
        else reject(new PeerListenError(`listen tcp ${url.host}: bind: address already in use (${error.message})`));
      });
    });
  }

  async stop(): Promise<void> {
    this.#handler = undefined;
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    this.#server.forceShutdown();
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
    this.#removed.add(id);
    this.#links.get(id)?.close();
    this.#links.delete(id);
    for (const call of this.#incoming) if (identityOf(call.metadata)?.from === id) refuse(call, removedText);
  }

  peers(): readonly PeerStatus[] {
    return [...this.#links.values()].map((link) => link.status());
  }

  /** Undefined where the call is for this member; otherwise why not. */
  #refusal(call: MessagesCall | ServerReadableStream<Buffer, Uint8Array>): string | undefined {
    const identity = identityOf(call.metadata);
    const { id, clusterId } = this.#options;
    if (this.#handler === undefined) return notRunning;
    if (identity === undefined) return 'the call does not say its cluster and members';
    if (identity.clusterId !== clusterId)
      return `cluster ID mismatch: ${identity.clusterId.toString(16)}, here ${clusterId.toString(16)}`;
    if (this.#removed.has(identity.from)) return removedText;
    if (identity.to !== id) return `member ID mismatch: for ${identity.to.toString(16)}, here is ${id.toString(16)}`;
    return undefined;
  }

  #receiveMessages(call: MessagesCall): void {
    const refusal = this.#refusal(call);
    if (refusal !== undefined) {
      this.#options.log.warn({ peer: call.getPeer(), refusal }, 'refused a stream');
      refuse(call, refusal);
      return;
    }
    this.#heardFrom(call);
    this.#incoming.add(call);
    call.on('close', () => this.#incoming.delete(call));
    call.write(new Uint8Array(0));
    call.on('data', (bytes: Buffer) => {
      try {
        for (const message of decodeBatch(bytes)) this.#handler?.message(message);
      } catch (error) {
        this.#options.log.error({ err: error, peer: call.getPeer() }, 'a message that cannot be read');
        call.destroy();
      }
    });
    call.on('error', () => undefined);
    call.on('end', () => call.end());
  }

  /** A member that was added while this one was away, or that has moved, is answered where it says that it is. */
  #heardFrom(call: MessagesCall): void {
    const { from, peerUrls } = identityOf(call.metadata) ?? {};
    if (from === undefined || peerUrls === undefined || peerUrls.length === 0) return;
    const link = this.#links.get(from);
    if (link === undefined) this.addPeer(from, peerUrls);
    else link.offerUrls(peerUrls);
  }

  async #receiveSnapshot(call: ServerReadableStream<Buffer, Uint8Array>, callback: sendUnaryData<Uint8Array>): Promise<void> {
    const handler = this.#handler;
    const refusal = this.#refusal(call);
    if (refusal !== undefined || handler === undefined) {
      callback({ code: codeOf(refusal), details: refusal ?? '' });
      return;
    }
    try {
      const chunks = call[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
      const first = await chunks.next();
      const chunk = first.done ? undefined : decodeSnapshotChunk(first.value);
      const message = chunk?.message;
      if (chunk === undefined || message?.type !== 'snapshotRequest')
        throw new IncompleteSnapshotError('no message at the start');
      await handler.snapshot(message, contentOf(chunk, chunks));
      callback(null, new Uint8Array(0));
    } catch (error) {
      this.#options.log.warn({ err: error, peer: call.getPeer() }, 'could not receive a snapshot');
      callback({ code: status.ABORTED, details: error instanceof Error ? error.message : String(error) });
    }
  }

  #answerHash(question: Buffer, callback: sendUnaryData<Uint8Array>): void {
    const { answerHash } = this.#options;
    if (answerHash === undefined) callback({ code: status.UNIMPLEMENTED, details: 'no hashes here' });
    else {
      answerHash(question).then(
        (answer) => callback(null, answer),
        (error) =>
          callback({ code: status.FAILED_PRECONDITION, details: error instanceof Error ? error.message : String(error) }),
      );
    }
  }

  async sendSnapshot(message: SnapshotMessage, content: AsyncIterable<Uint8Array>): Promise<void> {
    const [address] = this.#links.get(message.to)?.urls ?? [];
    if (address === undefined) throw new PeerUnreachableError(message.to);
    const url = new URL(address);
    const { clusterId, id, tls } = this.#options;
    const client = createClient(url, tls);
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

function refuse(call: MessagesCall, details: string): void {
  call.emit('error', { code: codeOf(details), details });
}

function codeOf(refusal: string | undefined): status {
  return refusal === removedText ? status.PERMISSION_DENIED : status.FAILED_PRECONDITION;
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

/** The content of all chunks; throws where the stream ends without its last one. */
async function* contentOf(first: SnapshotChunk, chunks: AsyncIterator<Buffer>): AsyncIterable<Uint8Array> {
  let received = 0;
  let chunk = first;
  for (;;) {
    received += chunk.content.length;
    if (chunk.content.length > 0) yield chunk.content;
    if (chunk.last) break;
    const next = await chunks.next();
    if (next.done) throw new IncompleteSnapshotError(`the stream ended after ${received} bytes`);
    chunk = decodeSnapshotChunk(next.value);
  }
  if (received !== chunk.totalBytes) throw new IncompleteSnapshotError(`${received} bytes arrived, not ${chunk.totalBytes}`);
}
