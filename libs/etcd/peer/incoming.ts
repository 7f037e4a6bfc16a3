// What other members call here (proto/drydock/raft/v1/peer.proto), as a service of the peer port.
import type { Log } from '@drydock/foundation/log.ts';
import type { MemberId } from 'raft-ts/types.ts';
import {
  type CallMetadata,
  grpcCodes,
  type Method,
  type Service,
  StatusError,
  type StreamCall,
  type StreamHandler,
} from '../rpc/service.ts';
import { decodeBatch } from './message-codec.ts';
import {
  type CallIdentity,
  hashPath,
  identityOf,
  membersPath,
  messagesPath,
  permissionDenied,
  removedText,
  snapshotPath,
} from './service.ts';
import { receiveSnapshot } from './snapshot-receiver.ts';
import type { PeerHandler } from './transport.ts';

const failedPrecondition = 9;
const notRunning = 'this member is not running';
const nothing = Buffer.alloc(0);

export interface IncomingOptions {
  readonly id: MemberId;
  readonly clusterId: bigint;
  readonly log: Log;
  /** A MembersResponse, for members that join; without it they are told that this member does not know. */
  readonly describe?: (() => Uint8Array) | undefined;
  /** The answer to another member's question for the hash of the history here. */
  readonly answerHash?: ((question: Buffer) => Promise<Uint8Array>) | undefined;
  /** Undefined while this member does not run. */
  readonly handler: () => PeerHandler | undefined;
  /** A member says where it listens. */
  readonly heardFrom: (from: MemberId, peerUrls: readonly string[]) => void;
}

interface Admitted {
  readonly identity: CallIdentity;
  readonly handler: PeerHandler;
}

export class Incoming {
  readonly #options: IncomingOptions;
  readonly #removed = new Set<MemberId>();
  readonly #streams = new Map<StreamCall, MemberId>();

  constructor(options: IncomingOptions) {
    this.#options = options;
  }

  get service(): Service {
    return {
      methods: new Map<string, Method>([
        [messagesPath, { kind: 'stream', open: (call) => this.#messages(call) }],
        [snapshotPath, { kind: 'stream', open: (call) => this.#snapshot(call) }],
        [membersPath, { kind: 'unary', handle: async () => this.#members() }],
        [hashPath, { kind: 'unary', handle: (question) => this.#hash(question) }],
      ]),
    };
  }

  /** Its streams end, and it is told so when it comes again. */
  remove(id: MemberId): void {
    this.#removed.add(id);
    for (const [call, from] of this.#streams) if (from === id) call.end(new StatusError(permissionDenied, removedText));
  }

  /** Throws StatusError where the call is not for this member. */
  #admit(metadata: CallMetadata): Admitted {
    const identity = identityOf(metadata);
    const { id, clusterId } = this.#options;
    const handler = this.#options.handler();
    const refuse = (details: string): never => {
      throw new StatusError(failedPrecondition, details);
    };
    if (handler === undefined) return refuse(notRunning);
    if (identity === undefined) return refuse('the call does not say its cluster and members');
    if (identity.clusterId !== clusterId)
      return refuse(`cluster ID mismatch: ${identity.clusterId.toString(16)}, here ${clusterId.toString(16)}`);
    if (this.#removed.has(identity.from)) throw new StatusError(permissionDenied, removedText);
    if (identity.to !== id) return refuse(`member ID mismatch: for ${identity.to.toString(16)}, here is ${id.toString(16)}`);
    return { identity, handler };
  }

  #messages(call: StreamCall): StreamHandler {
    const { log, heardFrom } = this.#options;
    let admitted: Admitted;
    try {
      admitted = this.#admit(call.metadata);
    } catch (error) {
      log.warn({ peer: call.peer, refusal: (error as Error).message }, 'refused a stream');
      throw error;
    }
    const { from, peerUrls } = admitted.identity;
    if (peerUrls.length > 0) heardFrom(from, peerUrls);
    this.#streams.set(call, from);
    call.write(nothing);
    return {
      message: (raw) => {
        try {
          for (const message of decodeBatch(raw)) this.#options.handler()?.message(message);
        } catch (error) {
          log.error({ err: error, peer: call.peer }, 'a message that cannot be read');
          this.#streams.delete(call);
          call.end(error);
        }
      },
      end: () => {
        this.#streams.delete(call);
        call.end();
      },
      closed: () => void this.#streams.delete(call),
    };
  }

  #snapshot(call: StreamCall): StreamHandler {
    const { handler } = this.#admit(call.metadata);
    return receiveSnapshot(call, handler, this.#options.log);
  }

  #members(): Buffer {
    const { handler, describe } = this.#options;
    const description = handler() === undefined ? undefined : describe?.();
    if (description === undefined) throw new StatusError(grpcCodes.unavailable, notRunning);
    return Buffer.from(description);
  }

  async #hash(question: Buffer): Promise<Buffer> {
    const { answerHash } = this.#options;
    if (answerHash === undefined) throw new StatusError(grpcCodes.unimplemented, 'no hashes here');
    try {
      return Buffer.from(await answerHash(question));
    } catch (error) {
      throw new StatusError(failedPrecondition, error instanceof Error ? error.message : String(error));
    }
  }
}
