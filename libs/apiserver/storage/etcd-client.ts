// Adapter: the store port over etcd's gRPC API, with several members. A request that meets a dead, cut-off or leaderless
// member goes to the next one.
import { readFileSync } from 'node:fs';
import type { Clock } from '@drydock/foundation/clock.ts';
import { grpcTlsTarget } from '@drydock/foundation/grpc-tls-target.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { storeAttemptMs, storeRequestMs, storeRetryPauseMs } from '../limits.ts';
import {
  decodeLeaseGrant,
  decodeRange,
  decodeTxn,
  decodeWatch,
  encodeCompaction,
  encodeLeaseGrant,
  encodeRange,
  encodeTxn,
  encodeWatch,
  prefixEnd,
  type RangeQuery,
  type RangeResult,
  type TxnQuery,
  type TxnResult,
  type WatchResult,
} from './etcd-codec.ts';
import { type Store, StoreError, type StoreWatch, type WatchSignal } from './store.ts';

export interface EtcdOptions {
  /** `http://host:port` or `https://host:port`, at least one. */
  readonly endpoints: readonly string[];
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Receive limit of one answer, as upstream's client. */
const maxMessageBytes = 2 ** 31 - 1;

const channelOptions = {
  'grpc.max_receive_message_length': maxMessageBytes,
  'grpc.max_send_message_length': maxMessageBytes,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.enable_retries': 0,
  'grpc.use_local_subchannel_pool': 1,
};

const identity = (bytes: Buffer): Buffer => bytes;

/** etcd's v3 API over gRPC. */
export class EtcdClient implements Store {
  readonly #members: { readonly name: string; readonly client: Client }[];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #metadata = new Metadata();
  #current = 0;
  #closed = false;

  constructor(options: EtcdOptions) {
    this.#members = options.endpoints.map((endpoint) => ({ name: endpoint, client: memberClient(endpoint, options) }));
    this.#clock = options.clock;
    this.#log = options.log;
    this.#metadata.set('hasleader', 'true');
  }

  range(query: RangeQuery): Promise<RangeResult> {
    return this.#call('/etcdserverpb.KV/Range', encodeRange(query), decodeRange);
  }

  async txn(query: TxnQuery): Promise<TxnResult> {
    let attempts = 0;
    const result = await this.#call('/etcdserverpb.KV/Txn', encodeTxn(query), decodeTxn, () => attempts++);
    if (result.succeeded || attempts <= 1) return result;
    return recognised(query, result);
  }

  async compact(revision: number): Promise<void> {
    await this.#call('/etcdserverpb.KV/Compact', encodeCompaction(revision), identity);
  }

  grantLease(ttlSeconds: number): Promise<string> {
    return this.#call('/etcdserverpb.Lease/LeaseGrant', encodeLeaseGrant(ttlSeconds), decodeLeaseGrant);
  }

  watch(prefix: string, startRevision: number, onSignal: (signal: WatchSignal) => void): StoreWatch {
    const member = this.#current;
    const stream = this.#client(member).makeBidiStreamRequest(
      '/etcdserverpb.Watch/Watch',
      identity,
      decodeWatch,
      this.#metadata,
    );
    const signals = new WatchSignals(stream, onSignal, () => this.#leave(member));
    stream.write(encodeWatch({ key: prefix, rangeEnd: prefixEnd(prefix), startRevision }));
    return signals;
  }

  close(): void {
    this.#closed = true;
    for (const member of this.#members) member.client.close();
  }

  #client(index: number): Client {
    const member = this.#members[index % this.#members.length];
    if (member === undefined) throw new StoreError('other', 'no store endpoints are configured');
    return member.client;
  }

  /** The next member becomes the current one, unless another request has already moved on from `from`. */
  #leave(from: number): void {
    if (this.#current !== from || this.#members.length === 1) return;
    this.#current = (from + 1) % this.#members.length;
    this.#log.warn({ from: this.#members[from]?.name, to: this.#members[this.#current]?.name }, 'changing the store member');
  }

  async #call<T>(path: string, request: Buffer, decode: (bytes: Buffer) => T, onAttempt?: () => void): Promise<T> {
    const deadline = this.#clock.monotonicMs() + storeRequestMs;
    for (;;) {
      const member = this.#current;
      onAttempt?.();
      try {
        return await this.#attempt(member, path, request, decode);
      } catch (error) {
        const failure = storeErrorOf(error as ServiceError);
        if (failure.code !== 'unavailable' || this.#closed || this.#clock.monotonicMs() > deadline) throw failure;
        this.#leave(member);
        await this.#clock.sleep(storeRetryPauseMs);
      }
    }
  }

  #attempt<T>(member: number, path: string, request: Buffer, decode: (bytes: Buffer) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const call = this.#client(member).makeUnaryRequest(path, identity, decode, request, this.#metadata, (error, value) => {
        timer.cancel();
        if (error !== null) reject(error);
        else resolve(value as T);
      });
      const timer = this.#clock.timer(storeAttemptMs, () => call.cancel());
    });
  }
}

/** One watch stream; a failing stream makes the client leave its member. */
class WatchSignals implements StoreWatch {
  readonly #stream: ClientDuplexStream<Buffer, WatchResult>;
  readonly #onSignal: (signal: WatchSignal) => void;
  #done = false;

  constructor(stream: ClientDuplexStream<Buffer, WatchResult>, onSignal: (signal: WatchSignal) => void, onFailure: () => void) {
    this.#stream = stream;
    this.#onSignal = onSignal;
    stream.on('data', (result: WatchResult) => this.#receive(result));
    stream.on('error', (error: Error) => {
      if (!this.#done) onFailure();
      this.#finish(false, error.message);
    });
    stream.on('end', () => this.#finish(false, 'the store ended the stream'));
  }

  requestProgress(): void {
    if (!this.#done) this.#stream.write(encodeWatch('progress'));
  }

  close(): void {
    this.#done = true;
    this.#stream.cancel();
  }

  #receive(result: WatchResult): void {
    if (this.#done) return;
    if (result.canceled) {
      this.#finish(result.compactRevision > 0, result.cancelReason);
      this.#stream.cancel();
    } else if (result.created) {
      this.#onSignal({ type: 'created' });
    } else if (result.events.length > 0) {
      this.#onSignal({ type: 'events', events: result.events, revision: result.revision });
    } else {
      this.#onSignal({ type: 'progress', revision: result.revision });
    }
  }

  #finish(compacted: boolean, reason: string): void {
    if (this.#done) return;
    this.#done = true;
    this.#onSignal({ type: 'closed', compacted, reason });
  }
}

/** A transaction that failed on a later attempt succeeded where it finds its own write of an earlier one. */
export function recognised(query: TxnQuery, result: TxnResult): TxnResult {
  const write = query.writes.find((candidate) => candidate.key === query.otherwise);
  if (write === undefined) return result;
  const { current } = result;
  if (write.op === 'delete') return current === undefined ? { ...result, succeeded: true } : result;
  // The header tells how far the store has come since, which is no version of this object.
  if (current?.value.equals(write.value)) return { ...result, succeeded: true, revision: current.modRevision };
  return result;
}

function memberClient(endpoint: string, options: EtcdOptions): Client {
  const address = endpoint.replace(/^https?:\/\//, '').replace(/\/$/, '');
  if (!endpoint.startsWith('https:')) return new Client(address, credentials.createInsecure(), channelOptions);
  const read = (file: string | undefined) => (file === undefined || file === '' ? null : readFileSync(file));
  const target = grpcTlsTarget(new URL(endpoint).hostname);
  const { caFile, keyFile, certFile } = options;
  const channel = credentials.createSsl(read(caFile), read(keyFile), read(certFile), target.verifyOptions);
  return new Client(address, channel, { ...channelOptions, ...target.channelOptions });
}

/** gRPC failures as the store's own. Texts are etcd's (api/v3rpc/rpctypes). */
function storeErrorOf(error: ServiceError): StoreError {
  const text = error.details || error.message;
  if (text.includes('required revision has been compacted')) return new StoreError('compacted', text, { cause: error });
  if (text.includes('required revision is a future revision')) return new StoreError('future-revision', text, { cause: error });
  if (text.includes('requested lease not found')) return new StoreError('lease-not-found', text, { cause: error });
  const again = [status.UNAVAILABLE, status.CANCELLED, status.DEADLINE_EXCEEDED];
  return new StoreError(again.includes(error.code) ? 'unavailable' : 'other', text, { cause: error });
}
