// A client of the store's own: grpc-js with the tables of messages.ts. Goes from member to member where one does not answer.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiMethod, api } from '@drydock/etcd/rpc/api.ts';
import { KeyValue } from '@drydock/etcd/rpc/messages.ts';
import { decode, encode, type MessageOf, type Schema } from '@drydock/etcd/rpc/protobuf.ts';
import { type ChannelCredentials, Client, credentials, Metadata } from '@grpc/grpc-js';
import { type Store, until } from './members.ts';

/** One try on one member; the next member is asked after that. */
const tryMs = 1000;
/** Node refuses an address as the server name of TLS. */
const channel = {
  'grpc.ssl_target_name_override': 'localhost',
  'grpc.default_authority': 'localhost',
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 200,
};

const retryMs = 10;

const asIs = (bytes: Buffer): Buffer => bytes;

/** One unary call; rejects with the gRPC error. */
export function unaryCall<I extends Schema, O extends Schema>(
  client: Client,
  { path, request: input, response: output }: ApiMethod<I, O>,
  request: Partial<MessageOf<I>>,
  deadlineMs = tryMs,
  metadata = new Metadata(),
): Promise<MessageOf<O>> {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + deadlineMs };
    const bytes = encode(input, request);
    client.makeUnaryRequest<Buffer, Buffer>(path, asIs, asIs, bytes, metadata, options, (error, answer) => {
      if (error !== null) reject(error);
      else resolve(decode(output, answer ?? Buffer.alloc(0)));
    });
  });
}

export class StoreClient {
  readonly #store: Store;
  readonly #credentials: ChannelCredentials;
  readonly #known: Client[] = [];
  #current = 0;

  constructor(store: Store) {
    const tls = store.endpoint(0).startsWith('https:');
    const read = (name: string) => readFileSync(join(store.folder, name));
    this.#store = store;
    this.#credentials = tls
      ? credentials.createSsl(read('ca.crt'), read('client.key'), read('client.crt'))
      : credentials.createInsecure();
  }

  /** Of every member, also of those that the store got later. */
  get #clients(): Client[] {
    for (let i = this.#known.length; i < this.#store.members.length; i++) {
      this.#known.push(new Client(new URL(this.#store.endpoint(i)).host, this.#credentials, channel));
    }
    return this.#known;
  }

  close(): void {
    for (const client of this.#known) client.close();
  }

  /** One call of one member; rejects with the gRPC error. */
  call<I extends Schema, O extends Schema>(
    index: number,
    method: ApiMethod<I, O>,
    request: Partial<MessageOf<I>>,
    deadlineMs = tryMs * 10,
  ): Promise<MessageOf<O>> {
    const client = this.#clients[index];
    if (client === undefined) throw new Error(`no member ${index}`);
    return unaryCall(client, method, request, deadlineMs);
  }

  /** Whether the store has acknowledged. A member that does not answer is not asked next time. */
  async put(key: string, value: string): Promise<boolean> {
    try {
      await unaryCall(this.#pick(), api.put, { key, value: Buffer.from(value) });
      return true;
    } catch {
      this.#current = (this.#current + 1) % this.#clients.length;
      // A connection that is known to be down fails at once; others need their turn.
      await sleep(retryMs);
      return false;
    }
  }

  /** All keys, read linearizably from a member that answers. */
  async keys(): Promise<string[]> {
    let cause: unknown;
    for (let i = 0; i < this.#clients.length * 2; i++) {
      try {
        const request = { key: '\0', range_end: '\0', keys_only: true };
        const { kvs } = await unaryCall(this.#pick(), api.range, request, tryMs * 5);
        return kvs.map((kv) => decode(KeyValue, kv).key);
      } catch (error) {
        cause = error;
        this.#current = (this.#current + 1) % this.#clients.length;
      }
    }
    throw cause;
  }

  /** The index of the member that leads, as soon as one does. Members that do not answer are left out. */
  async leader(): Promise<number> {
    let leader = -1;
    await until('a member leads', async () => {
      const all = await Promise.all(
        this.#clients.map((client) => unaryCall(client, api.status, {}, tryMs * 5).catch(() => undefined)),
      );
      leader = all.findIndex(
        (status) => status !== undefined && status.leader !== 0n && status.header?.member_id === status.leader,
      );
      return leader >= 0;
    });
    return leader;
  }

  /** Whether every member, or each of `among`, answers, with the same revision and the same hash. */
  async agree(among: readonly number[] = [...this.#store.members.keys()]): Promise<boolean> {
    const ask = (client: Client) => unaryCall(client, api.hashKv, { revision: 0 }, tryMs * 5);
    const answers = await Promise.allSettled(this.#clients.filter((_, i) => among.includes(i)).map(ask));
    const seen = answers.map((answer, i) =>
      answer.status === 'fulfilled' ? `${answer.value.header?.revision} ${answer.value.hash}` : `no answer from ${i}`,
    );
    return new Set(seen).size === 1 && answers[0]?.status === 'fulfilled';
  }

  #pick(): Client {
    const client = this.#clients[this.#current];
    if (client === undefined) throw new Error('a store without members');
    return client;
  }
}
